"""Record what the results of a study depend on, so that anybody can check it: `tables/provenance.json`.

The same study of the same inputs gives the same file on any machine. So it holds no dates, machine names or absolute
paths.
"""

import hashlib
import os
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ventral.files.download import sha256_of
from ventral.files.listing import list_files


def provenance(
    config: Mapping[str, Any],
    recordings: Mapping[str, Collection[str | Path]],
    weights: Mapping[str, Iterable[str | Path]],
    git: Mapping[str, Any] | None,
    versions: Mapping[str, str | None],
) -> dict[str, Any]:
    """Collect all that a study's results depend on.

    Args:
        config: the study as it ran, with defaults filled in.
        recordings: files and folders from outside, by dataset. Empty if the study simulated the recordings.
        weights: files from outside, by network or trained encoder.
        git: from `git_state`.
        versions: of packages.

    Returns:
        `code` (git commit, and whether the checkout differed from it; null without git), `versions`, `seeds`,
        `datasets` and `weights` with the bytes and sha256 of each file, and `config`.
    """
    networks = config["networks"].items()
    seeds = {"study": config["seed"]}
    return {
        "code": git,
        "versions": dict(versions),
        "seeds": seeds | {f"networks.{name}": entry["seed"] for name, entry in networks if "seed" in entry},
        "datasets": {
            name: {
                "simulated": not files,
                "inputs": [describe(path) for path in files],
            }
            for name, files in recordings.items()
        },
        "weights": {name: [describe(path) for path in paths] for name, paths in weights.items()},
        "config": portable(config),
    }


def describe(path: str | Path) -> dict[str, Any]:
    """Describe a file by name, bytes and sha256, or a folder by number of files, bytes and the sha256 of a list.

    The list is what `sha256sum` prints for the files of the folder: lines `{sha256}  {path in the folder}`, sorted by
    path.
    """
    path = Path(path)
    name = portable(str(path))
    if not path.is_dir():
        return {"file": name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    files = {name: path / name for name in list_files(path)}
    listing = "".join(f"{sha256_of(files[key])}  {key}\n" for key in sorted(files))
    return {
        "folder": name,
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files.values()),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }


def git_state(folder: str | Path) -> dict[str, Any] | None:
    """Return the `commit` of a checkout and whether tracked files are `changed`; None if it is not a checkout."""
    # The ceiling keeps git from finding the checkout of another project around the folder.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(Path(folder).resolve().parent)}

    def ask(*question: str) -> str:
        command = ["git", "-C", str(folder), *question]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    try:
        commit = ask("rev-parse", "HEAD").strip()
        return {"commit": commit, "changed": bool(ask("status", "--porcelain", "--untracked-files=no").strip())}
    except (OSError, subprocess.CalledProcessError):
        return None


def portable(value: Any) -> Any:
    """Cut absolute paths of a config to their last part, since they differ between machines."""
    if isinstance(value, Mapping):
        return {str(key): portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value

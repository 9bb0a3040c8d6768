"""What a study was made of, told so that anybody can check it: `tables/provenance.json`.

The same study of the same inputs gives the same file anywhere: no dates, no machines, no absolute paths.
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
    """All that a study's results depend on.

    Args:
        config: the study as it ran, defaults filled in.
        recordings: files and folders that came from outside, by dataset; none where the study simulated them.
        weights: likewise, by network or trained encoder.
        git: from `git_state`.
        versions: of packages.

    Returns:
        `code` (git commit, and whether the checkout differed from it; null where there is no git), `versions`, `seeds`,
        `datasets` and `weights` with each file's bytes and sha256, and `config`.
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
    """Name, bytes and sha256 of a file; of a folder how many files, their bytes, and the sha256 of their list.

    The list is what `sha256sum` prints of the files inside: a line `{sha256}  {path in the folder}` each, by path.
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
    """`commit` of a checkout, and whether files that git tracks are `changed`; none where it is no checkout."""
    # A folder inside another project's checkout is not at that project's commit.
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
    """A config in which absolute paths, true on one machine only, are cut to their last part."""
    if isinstance(value, Mapping):
        return {str(key): portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value

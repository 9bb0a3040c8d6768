"""Check that everything a study needs is there. Each check is one line, with a remedy where it fails.

Packages are imported inside functions, because the first check is whether they are installed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ventral.files.errors import InputError, listed
from ventral.study import paths
from ventral.study.versions import installed, required, versions

if TYPE_CHECKING:
    from ventral.files.download import Download
    from ventral.study.plan import Study

REINSTALL = "run `make .venv/made`"
SECONDS = 5.0  # how long a server may take to answer
GB = 1e9
ROOM = 2 * GB  # disk space that the results of a study take, at least


@dataclass(frozen=True)
class Check:
    """The result of one check: its status, what was found, and what to do if the status is not ok."""

    status: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.status:<4}  {self.found}{f'; {self.remedy}' if self.remedy else ''}"


def examine(config_files: Sequence[str | Path]) -> Iterator[Check]:
    """Check the installation, the machine, a config and its downloads, for a study in the current folder.

    Args:
        config_files: of the study. Later files override earlier ones, as in Snakemake.
    """
    packages = list(check_packages(paths.HOME))
    yield from packages
    if any(check.status == "fail" for check in packages):
        return  # the other checks need these packages
    yield from check_imports()
    config, faults = read_config(config_files)
    for problem, _, remedy in (fault.rpartition("; ") for fault in faults):
        yield Check("fail", problem, remedy)
    if not faults:
        yield Check("ok", f"{config_files[-1]}: {listed(config['datasets'])}; {len(config['networks'])} networks")
    yield check_gpu("auto" if faults else config["device"])
    yield check_memory(0 if faults else config["resources"]["mem_mb"])
    yield check_lock(Path.cwd())
    needed = 0
    if not faults:
        from ventral.study.downloads import downloads
        from ventral.study.plan import Study
        from ventral.study.recordings import sources_of

        try:
            study = Study(config, sources_of(config))
            wanted = list(downloads(config, study.datasets.values(), ask))
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(find, wanted))
            needed = sum(size or 0 for _, size in answers)
            yield from check_downloads(wanted, answers)
            yield check_duration(study, config_files, needed)
        except InputError as error:
            found, _, remedy = str(error).rpartition("; ")
            yield Check("fail", found, remedy)
    yield from check_disk(needed)


def check_packages(home: Path) -> Iterator[Check]:
    """Compare Python and every package with the ranges in pyproject.toml and with the lock file."""
    project = home / "pyproject.toml"
    range_ = tomllib.loads(project.read_text())["project"]["requires-python"]
    found = versions(project)
    python = f"Python {found['python']}"
    if SpecifierSet(range_).contains(str(found["python"])):
        yield Check("ok", python)
    else:
        yield Check("fail", f"{python}, not {range_}", "delete .venv and run `make PYTHON=python3.11 .venv/made`")
    packages = required(project)
    faults = []
    for package in packages:
        version = found[package.name]
        if version is None:
            faults.append(Check("fail", f"{package.name} is not installed", REINSTALL))
        elif not package.specifier.contains(version, prereleases=True):
            faults.append(Check("fail", f"{package.name} {version}, not {package.specifier}", REINSTALL))
    yield from faults or [Check("ok", f"{len(packages)} packages have versions that pyproject.toml allows")]
    others = differing((home / "requirements.lock").read_text())
    if others:
        found_others = f"versions differ from requirements.lock: {listed(others, 4)}"
        yield Check("warn", found_others, f"{REINSTALL}, unless you chose these versions")


def differing(lock: str) -> list[str]:
    """Find the packages that are installed in another version than the lock file says; skip missing packages."""
    pins = dict(line.split("==") for line in lock.split() if "==" in line)
    found = {name: installed(name) for name in map(canonicalize_name, pins)}
    return [
        f"{name} {version}"
        for name, pin in pins.items()
        if (version := found[canonicalize_name(name)]) and Version(version).public != Version(pin).public
    ]


def check_imports() -> Iterator[Check]:
    """Import the packages that fail most often, one check each."""
    from ventral.networks.operators import name_missing_operators

    name_missing_operators()
    for name in ("torch", "torchvision", "timm", "snakemake"):
        try:
            module = __import__(name)
        except Exception as error:  # a broken installation may raise almost any exception
            yield Check("fail", f"{name} cannot be imported ({type(error).__name__}: {error})", REINSTALL)
        else:
            yield Check("ok", f"{name} {getattr(module, '__version__', installed(name))}")


def read_config(files: Sequence[str | Path]) -> tuple[dict[str, Any], list[str]]:
    """Read and complete a config. Later files override earlier ones.

    Returns:
        The config, and its faults, one line each.
    """
    import yaml

    from ventral.study.config import complete

    config: dict[str, Any] = {}
    for file in files:
        try:
            content = yaml.safe_load(Path(file).read_text())
        except FileNotFoundError:
            return config, [f"{file}: no such file; correct the path"]
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            return config, [f"{file}: not YAML ({' '.join(str(error).split())}); correct it"]
        if not isinstance(content, dict):
            return config, [f"{file}: not a list of keys; see config.yaml"]
        config = joined(config, content)
    return config, [f"{files[-1]}: {fault}" for fault in complete(config)]


def joined(config: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `other` into a config, as Snakemake does: its values win, mappings are merged key by key."""
    shared = [key for key in config.keys() & other.keys() if isinstance(config[key], dict)]
    return {**config, **other, **{key: joined(config[key], other[key]) for key in shared}}


def check_gpu(device: str) -> Check:
    """Check whether torch can use a GPU, and whether the study requires one."""
    import torch

    if device == "cpu":
        return Check("ok", "networks run on the CPU (`device: cpu`)")
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / GB
        return Check("ok", f"GPU {torch.cuda.get_device_name(0)}, {memory:.0f} GB")
    if device == "cuda":
        what = "the config says `device: cuda`, but torch finds no GPU"
        return Check("fail", what, "set device to auto, or install torch with CUDA")
    if shutil.which("nvidia-smi"):
        return Check("warn", f"torch {torch.__version__} cannot use the GPU", "install torch with CUDA")
    return Check("ok", "no GPU: networks run on the CPU")


def count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_memory(mem_mb: float) -> Check:
    """Count the cores, and compare the memory with that of one job."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    found = f"{count_cores()} cores, {memory / 1e3:.1f} GB of memory"
    if memory < mem_mb:
        return Check("warn", f"{found}, less than `resources.mem_mb` ({mem_mb:.0f} MB)", "lower resources.mem_mb")
    return Check("ok", found)


def check_duration(study: "Study", config_files: Sequence[str | Path], needed: float) -> Check:
    """Estimate how long what is left of a study takes here.

    Args:
        study: whose config has no faults.
        config_files: from which it was read.
        needed: bytes to download, whose time is not counted.
    """
    from ventral.study.duration import Forecast, check_local, jobs_left
    from ventral.study.probe import Probe, slowness

    try:
        check_local(study)
        jobs = jobs_left(config_files)
    except InputError as error:
        found, _, remedy = str(error).rpartition("; ")
        return Check("warn", f"how long it takes is not known: {found}", remedy)
    outlook = Forecast(study, Probe.of(study.config["device"]), slowness()).outlook(jobs, count_cores())
    return Check("ok", f"{outlook}; {needed / 1e6:,.0f} MB to download, not counted" if needed else str(outlook))


def check_lock(folder: Path) -> Check:
    """Check whether Snakemake has locked the folder: a run is under way, or was killed."""
    if any((folder / ".snakemake" / "locks").glob("*")):
        return Check(
            "warn", "the folder is locked", "wait for the run to end, or if there is none `snakemake --unlock`"
        )
    return Check("ok", "the folder is not locked")


def check_disk(needed: float) -> Iterator[Check]:
    """Check the free disk space for downloads and results, in this folder and for temporary files.

    Args:
        needed: bytes to download.
    """
    for what, folder in (("here", Path.cwd()), ("for temporary files (TMPDIR)", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        found = f"{free / GB:.1f} GB of disk free {what}"
        if what == "here" and free < needed:
            yield Check("fail", f"{found}, downloads take {needed / GB:.1f} GB", "free some space")
        elif free < ROOM + (needed if what == "here" else 0):
            yield Check("warn", found, "free some space, or choose another folder")
        else:
            yield Check("ok", found)


def check_downloads(wanted: Sequence["Download"], answers: Sequence[tuple[str, int | None]]) -> Iterator[Check]:
    """Report whether each download is available, with its size, and the total.

    Args:
        wanted: the downloads.
        answers: of `find` to each.
    """
    if not wanted:
        yield Check("ok", "nothing to download")
        return
    for download, (problem, size) in zip(wanted, answers, strict=True):
        if problem:
            remedy = "check the connection, or get the file another way and name it in the config"
            yield Check("fail", f"to download: {download.what}: {problem}", remedy)
        else:
            yield Check("ok", f"to download: {download.what}: {told(size)}")
    unknown = sum(size is None for _, size in answers)
    beside = f" and {unknown} of unknown size" if unknown else ""
    yield Check("ok", f"to download in all: {told(sum(size or 0 for _, size in answers))}{beside}")


def find(download: "Download") -> tuple[str, int | None]:
    """Ask whether a download is available.

    Returns:
        The problem, empty if there is none, and the size in bytes where it is known.
    """
    if download.package:
        command = [sys.executable, "-m", "pip", "index", "versions", download.package.partition("=")[0]]
        command += ["--retries", "0", "--timeout", str(SECONDS)]
        done = subprocess.run(command, capture_output=True, text=True)
        return ("pip's package index does not have it" if done.returncode else ""), download.size
    import requests  # type: ignore[import-untyped]

    problems = []
    for url in download.urls:
        try:
            # Some servers refuse HEAD. With `stream` the body is not downloaded.
            with requests.get(url, stream=True, timeout=SECONDS) as answer:
                length = answer.headers.get("Content-Length", "")
        except requests.RequestException as error:
            problems.append(f"{url}: {type(error).__name__}")
            continue
        if answer.status_code < 400 or (download.server and answer.status_code < 500):
            size = int(length) if length.isdecimal() and answer.ok and not download.server else None
            return "", download.size or size
        problems.append(f"{url}: HTTP {answer.status_code}")
    return ", ".join(problems), download.size


def ask(url: str) -> str:
    """Get the text at an address.

    Raises:
        InputError: if the server does not answer in time.
    """
    import requests

    try:
        return requests.get(url, timeout=SECONDS).text
    except requests.RequestException as error:
        raise InputError(url, "download", type(error).__name__, "check the connection") from None


def told(size: float | None) -> str:
    """Put a number of bytes into words."""
    return "size not known" if size is None else f"{size:,.0f} bytes ({size / 1e6:.1f} MB)"


def report(checks: Iterable[Check]) -> int:
    """Print checks as they come. Return 1 if any failed, else 0."""
    failed = 0
    for check in checks:
        print(check, flush=True)
        failed |= check.status == "fail"
    return int(failed)

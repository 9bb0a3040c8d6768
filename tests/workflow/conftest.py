"""Snakemake as a user runs it, a finished small study to change, and somebody's own recordings to spoil."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

REPO = Path(__file__).parents[2]
CODE = ("Snakefile", "workflow", "scripts", "ventral", "config", "config.yaml", "envs", "profiles", "pyproject.toml")
N_IMAGES, N_NEUROIDS = 12, 5
Run = Callable[..., subprocess.CompletedProcess[str]]


def command_in(workdir: Path, *arguments: str | Path) -> list[str]:
    """The command that runs the project's Snakefile, or the copy of it in `workdir`, there."""
    snakefile = next(path for path in (workdir / "Snakefile", REPO / "Snakefile") if path.is_file())
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile", snakefile, *arguments]
    return list(map(str, command))


def run_snakemake(workdir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end; stdout holds stderr too."""
    command = command_in(workdir, *arguments)
    return subprocess.run(command, cwd=workdir, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_snakemake(ready: Callable[[], bool], workdir: Path, *arguments: str | Path, timeout_s: float = 300) -> None:
    """Start it as a process group of its own; kill -9 all of it, with its jobs, as soon as `ready()` is true."""
    said = workdir / "output.txt"
    with open(said, "w") as output:
        process = subprocess.Popen(
            command_in(workdir, *arguments), cwd=workdir, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + timeout_s
        while not ready():
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.001)
        jobs = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _, alive = psutil.wait_procs(jobs, timeout=10)
    assert jobs and not alive


@pytest.fixture(scope="session")
def kill_when() -> Callable[..., None]:
    """`kill_when(ready, workdir, *arguments)`: kill -9 a run in the middle of its work."""
    return kill_snakemake


@pytest.fixture(scope="session")
def snakemake() -> Run:
    """`snakemake(workdir, *arguments)`: the finished process, its output in `stdout`."""
    return run_snakemake


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which the small study ran to its end. Change copies of it only."""
    folder = tmp_path_factory.mktemp("study")
    for name in CODE:
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(REPO / name, folder / name)
    done = run_snakemake(folder, "--configfile", "config/small.yaml")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def finished(study: Path, tmp_path: Path) -> Path:
    """A finished study of a test's own: the same files with the same dates."""
    return Path(shutil.copytree(study, tmp_path / "study", symlinks=True))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with `images/`, the same in `images.zip`, and `responses.npy` (image, neuroid) to them."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "recordings"
    (folder / "images").mkdir(parents=True)
    for i in range(N_IMAGES):
        pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{i + 1}.png")
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for path in sorted((folder / "images").iterdir()):
            archive.write(path, path.name)
    np.save(folder / "responses.npy", rng.normal(10, 3, (N_IMAGES, N_NEUROIDS)))
    return folder

"""Run Snakemake as a user does, on a finished small study to change, and on a user's own recordings to damage."""

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
import yaml
from PIL import Image

REPO = Path(__file__).parents[2]
CODE = ("Snakefile", "workflow", "scripts", "ventral", "config", "config.yaml", "envs", "profiles", "pyproject.toml")
N_IMAGES, N_NEUROIDS = 12, 5
# Every stage from recordings to tables, in a dozen jobs of a second or two.
TINY = {
    "bootstrap": 100,
    "device": "cpu",
    "datasets": {
        "majaj": {
            "source": "simulated",
            "simulation": {"n_images": 128, "image_size": 32, "n_sites": 6, "repetitions": 4},
        }
    },
    "networks": {
        "pixels": {"architecture": "pixels", "image_size": 16},
        "lite": {"architecture": "efficientnet_lite0", "layers": ["_blocks.4", "_avg_pooling"], "image_size": 64},
    },
    "readouts": {"ridge_loo": {"alpha": "loo"}},
    "trained": {"cnn": {"network": "cnn", "cnn": {"channels": [4, 8]}, "image_size": 24, "epochs": 2}},
}
TINY_TABLES = (
    *(f"results/tables/{name}" for name in ("scores.csv", "rsa.csv", "reproduction.csv")),
    *("--configfile", "study.yaml"),
)
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


def start_snakemake(workdir: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start it as a process group of its own; `output.txt` holds what it says."""
    with open(workdir / "output.txt", "w") as output:
        command = command_in(workdir, *arguments)
        return subprocess.Popen(command, cwd=workdir, stdout=output, stderr=output, start_new_session=True)


def kill_snakemake(ready: Callable[[], bool], workdir: Path, *arguments: str | Path, timeout_s: float = 300) -> None:
    """Start it; kill -9 all of it, with its jobs, as soon as `ready()` is true."""
    process = start_snakemake(workdir, *arguments)
    try:
        deadline = time.monotonic() + timeout_s
        while not ready():
            assert process.poll() is None and time.monotonic() < deadline, (workdir / "output.txt").read_text()
            time.sleep(0.001)
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """kill -9 a run that was started, with all its jobs."""
    jobs = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(jobs, timeout=10)
    assert jobs and not alive


@pytest.fixture(scope="session")
def kill_when() -> Callable[..., None]:
    """`kill_when(ready, workdir, *arguments)`: kill -9 a run in the middle of its work."""
    return kill_snakemake


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[bytes]]:
    """`start(workdir, *arguments)`: a run under way."""
    return start_snakemake


@pytest.fixture(scope="session")
def snakemake() -> Run:
    """`snakemake(workdir, *arguments)`: the finished process, its output in `stdout`."""
    return run_snakemake


def copy_code(folder: Path) -> Path:
    """Copy what a study needs to be moved with its results: the code is an input of every rule, by relative path."""
    for name in CODE:
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(REPO / name, folder / name)
    return folder


def copy_unrun(study: Path, folder: Path) -> Path:
    """Copy a study without anything that a run leaves."""
    left_out = shutil.ignore_patterns("results", "resources", ".snakemake", "__pycache__")
    return Path(shutil.copytree(study, folder, ignore=left_out, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which the small study ran to its end. Change copies of it only."""
    folder = copy_code(tmp_path_factory.mktemp("study"))
    done = run_snakemake(folder, "--configfile", "config/small.yaml")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which a still smaller study ran to its tables. Change copies of it only."""
    folder = copy_code(tmp_path_factory.mktemp("tiny"))
    (folder / "study.yaml").write_text(yaml.safe_dump(TINY))
    done = run_snakemake(folder, *TINY_TABLES)
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

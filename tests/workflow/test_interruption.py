"""A study killed in the middle of a job, and taken up again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

NETWORK = "efficientnet_lite0"
ARGUMENTS = ("--configfile", "config/small.yaml")


@pytest.fixture
def fresh(study, tmp_path):
    """The code of the finished study without anything that a run leaves."""
    left_out = shutil.ignore_patterns("results", "resources", ".snakemake", "__pycache__")
    return Path(shutil.copytree(study, tmp_path / "study", ignore=left_out))


def kill_when(writes, workdir, timeout_s=120):
    """Start the study as a process group of its own; kill -9 all of it as soon as `writes()` is true."""
    command = [sys.executable, "-m", "snakemake", "--cores", "all", *ARGUMENTS]
    with open(workdir / "output.txt", "w") as output:
        process = subprocess.Popen(command, cwd=workdir, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + timeout_s
        while not writes():
            assert process.poll() is None and time.monotonic() < deadline, (workdir / "output.txt").read_text()
            time.sleep(0.02)
        jobs = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _, alive = psutil.wait_procs(jobs, timeout=10)
    assert jobs and not alive


def outputs(folder):
    """Files that a rule or a reader could take for results; temporary ones have a leading dot."""
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}


def tables(folder):
    return {path.name: path.read_bytes() for path in (folder / "results" / "tables").iterdir()}


def test_killed_study_resumes_to_the_same_tables(study, fresh, snakemake):
    log = fresh / "results" / "logs" / "extract_activations" / "majaj" / f"{NETWORK}.log"
    grams = fresh / "results" / "activations" / "majaj"
    kill_when(lambda: log.is_file() and any(grams.glob(f".{NETWORK}.*")), fresh)
    assert any(grams.glob(f".{NETWORK}.*"))  # half-written, under a name that nothing reads
    assert not (grams / f"{NETWORK}.h5").exists()
    locked = snakemake(fresh, *ARGUMENTS)
    assert locked.returncode != 0 and "--unlock" in locked.stdout
    assert snakemake(fresh, *ARGUMENTS, "--unlock").returncode == 0
    again = snakemake(fresh, *ARGUMENTS)
    assert again.returncode == 0, again.stdout
    assert "rule simulate_majaj" not in again.stdout  # finished before the kill, and kept
    assert outputs(fresh / "results") == outputs(study / "results")
    csv = {f"{name}.csv" for name in ("scores", "summary", "layers", "rsa", "weights", "reproduction")}
    assert tables(fresh).keys() == {*csv, "summary.md", "reproduction.md"}
    assert tables(fresh) == tables(study)

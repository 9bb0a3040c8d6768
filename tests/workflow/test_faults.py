"""Full and read-only disks, damaged files, two runs at once, a clock set back: one line, then the same tables."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.workflow.conftest import TINY_TABLES

HOUR = 3600
GRAMS = "results/activations/majaj/lite.h5"
LEFT_KB = 110  # more than a run needs to begin, less than the Gram matrices of a network


@pytest.fixture
def finished(tiny, tmp_path):
    """A finished study of this test's own."""
    return Path(shutil.copytree(tiny, tmp_path / "study", symlinks=True))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 16 MB, in memory; a function that mounts it with other options."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        return folder

    mount("size=16m")
    yield folder, mount
    subprocess.run(["umount", "--lazy", folder], check=True)


def tables(folder):
    return {path.name: path.read_bytes() for path in (folder / "results" / "tables").iterdir()}


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in (folder / "results").rglob("*.[hn][5c]")}


def fill(folder, left):
    """Leave so many bytes free."""
    with open(folder / "filler", "ab") as file:
        file.write(bytes(max(shutil.disk_usage(folder).free - left, 0)))


def errors(done):
    """The lines of errors of a failed run, without a traceback among its output."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout, done.stdout
    return {line.removeprefix("error: ") for line in done.stdout.splitlines() if line.startswith("error: ")}


def date(folder, then):
    """Give all that a study made one time of writing."""
    for path in [*(folder / "resources").rglob("*"), *(folder / "results").rglob("*")]:
        os.utime(path, (then, then))


def flip(path):
    """Another bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_read_only_and_full_disks(tiny, small_disk, snakemake):
    folder, mount = small_disk
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    shutil.rmtree(folder / "results" / "tables")
    (folder / "results" / "predictions" / "majaj" / "holdout" / "lite-ridge_loo.nc").unlink()
    (folder / GRAMS).unlink()
    before = contents(folder)

    mount("remount,ro")
    done = snakemake(folder, *TINY_TABLES)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert f"{folder}: disk: read-only; make it writable, or run in another folder\n" in done.stdout
    mount("remount,rw")

    fill(folder, LEFT_KB << 10)
    assert errors(snakemake(folder, *TINY_TABLES)) == {f"{GRAMS}: disk: no space left; free some and run again"}
    assert contents(folder) == before

    fill(folder, 0)
    done = snakemake(folder, *TINY_TABLES)
    assert done.returncode != 0
    assert f"{folder}: disk: no space left; free some and run again\n" in done.stdout
    assert contents(folder) == before

    (folder / "filler").unlink()
    done = snakemake(folder, *TINY_TABLES)
    assert done.returncode == 0, done.stdout
    assert "rule simulate_majaj" not in done.stdout
    assert tables(folder) == tables(tiny)


def test_damaged_files_are_named_and_made_again(tiny, finished, snakemake):
    damaged = {"results/predictions/majaj/holdout/pixels-ridge_loo.nc": cut, "results/similarity/majaj.h5": flip}
    for name, spoil in damaged.items():
        spoil(finished / name)
    told = errors(snakemake(finished, *TINY_TABLES, "--keep-going"))
    remedy = "file: damaged or incomplete (its checksum differs); delete it, run again"
    assert told == {f"{name}: {remedy}" for name in damaged}
    for name in damaged:
        (finished / name).unlink()
    done = snakemake(finished, *TINY_TABLES)
    assert done.returncode == 0, done.stdout
    assert tables(finished) == tables(tiny)


def test_clocks_and_a_second_run_do_no_harm(tiny, finished, start, snakemake):
    date(finished, time.time() + HOUR)  # as after a clock that was an hour fast was set right
    assert "Nothing to be done" in snakemake(finished, *TINY_TABLES, "-n").stdout
    shutil.rmtree(finished / "results" / "tables")
    (finished / "results" / "similarity" / "majaj.h5").unlink()
    log = finished / "results" / "logs" / "compare_rdms" / "majaj.log"
    done = snakemake(finished, *TINY_TABLES)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "has older modification time" in done.stdout and "could indicate a clock skew problem" in done.stdout
    assert not (finished / "results" / "tables").exists()

    date(finished, time.time())
    log.unlink()
    first = start(finished, *TINY_TABLES)
    while first.poll() is None and not log.exists():
        time.sleep(0.01)
    assert first.poll() is None, (finished / "output.txt").read_text()
    first.send_signal(signal.SIGSTOP)  # or it may be done before the second looks
    second = snakemake(finished, *TINY_TABLES)
    first.send_signal(signal.SIGCONT)
    assert second.returncode != 0 and "Traceback" not in second.stdout
    assert "LockException" in second.stdout and "--unlock" in second.stdout
    assert first.wait() == 0, (finished / "output.txt").read_text()
    assert tables(finished) == tables(tiny)
    assert "Nothing to be done" in snakemake(finished, *TINY_TABLES, "-n").stdout

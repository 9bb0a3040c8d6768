"""Kill -9 at twenty random moments, of the whole workflow and of single jobs: the tables of an undisturbed run."""

import os
import random
import re
import shutil
import signal
import time
from contextlib import suppress

import psutil
import pytest

from tests.workflow.conftest import TINY_TABLES, copy_unrun, kill_group

KILLS = 20
SHARE = 0.2  # of an undisturbed run's time, the longest that a run may go before it is killed
JOB = re.compile(r"\.snakemake/scripts/\w+\.(\w+)\.py")


def running(process):
    """The jobs that run now: process and name of the rule."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "python" in child.name() and (told := JOB.search(" ".join(child.cmdline()))):
                    found.append((child, told[1]))
    return found


def jobs_after(process, wait):
    """The jobs that run `wait` seconds after the first one began, or as soon after as any does; none at the end."""
    began = None
    while process.poll() is None:
        jobs = running(process)
        began = time.monotonic() if jobs and began is None else began
        if jobs and time.monotonic() - began >= wait:
            return jobs
        time.sleep(0.1)  # looking through all processes takes time of its own
    return []


def tables(folder):
    return {path.name: path.read_bytes() for path in (folder / "results" / "tables").iterdir()}


def outputs(folder):
    return {path.relative_to(folder) for part in ("results", "resources") for path in (folder / part).rglob("*")}


@pytest.fixture
def afresh(tiny, tmp_path):
    """Put the study of this test back to where nothing has run."""

    def afresh():
        folder = tmp_path / "study"
        shutil.rmtree(folder, ignore_errors=True)
        return copy_unrun(tiny, folder)

    return afresh


def test_twenty_kills(tiny, afresh, start, snakemake):
    rng = random.Random(0)
    whole = [True, False] * (KILLS // 2)
    rng.shuffle(whole)
    dates = [path.stat().st_mtime for path in (tiny / "results").rglob("*") if path.is_file()]
    longest, kills, finished, folder = SHARE * (max(dates) - min(dates)), 0, 0, afresh()
    while kills < KILLS:
        wait = rng.uniform(0, longest)
        process = start(folder, *TINY_TABLES)
        jobs = jobs_after(process, wait)
        said = folder / "output.txt"
        if not jobs:  # it came to its end
            assert process.wait() == 0, said.read_text()
            assert tables(folder) == tables(tiny)
            finished, folder = finished + 1, afresh()
            continue
        names = ", ".join(name for _, name in jobs)
        if whole[kills]:
            kill_group(process)
            assert "--unlock" in snakemake(folder, *TINY_TABLES).stdout if not kills else True
            assert snakemake(folder, *TINY_TABLES, "--unlock").returncode == 0
            killed = "all"
        else:
            job, killed = rng.choice(jobs)
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGKILL)
            assert process.wait() in (0, 1)  # 0: the job had just ended, and the run went on to its end
        kills += 1
        print(f"kill {kills:2}: after {wait:4.1f} s, {killed} of: {names}")
    done = snakemake(folder, *TINY_TABLES)
    assert done.returncode == 0, done.stdout
    assert tables(folder) == tables(tiny)
    assert outputs(folder) == outputs(tiny)  # half-written files are gone too
    print(f"{KILLS} of {KILLS} kills recovered from; {finished + 1} studies finished, each with the tables undisturbed")

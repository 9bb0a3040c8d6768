"""Kill -9 at random moments, of whole studies and of single jobs, leaves the tables of an undisturbed run.

`KILLS=20` kills the free-viewing study as often as the other; the default is four.
"""

import os
import random
import re
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from tests.workflow.conftest import TINY_TABLES, copy_code, copy_unrun, kill_group
from ventral.data.xiao.simulation import simulate_dandiset

KILLS = 20
FREE_VIEWING_KILLS = int(os.environ.get("KILLS", "4"))
SHARE = 0.2  # of an undisturbed run's time, the longest that a run may go before it is killed
JOB = re.compile(r"\.snakemake/scripts/\w+\.(\w+)\.py")
SESSIONS = ("Sa240101", "Sb240102_1")  # side by side


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


def files(folder):
    """All that lies in a study, but for what Snakemake and Python keep for themselves and what was said."""
    found = {path.relative_to(folder) for path in folder.rglob("*")}
    return {path for path in found if not {".snakemake", "__pycache__", "output.txt"} & set(path.parts)}


@dataclass(frozen=True)
class Undisturbed:
    """A study that ran to its end, and what it was asked for. Change copies of it only."""

    folder: Path
    targets: tuple[str, ...]

    def afresh(self, folder):
        """Put the study in another folder to where nothing has run."""
        shutil.rmtree(folder, ignore_errors=True)
        return copy_unrun(self.folder, folder)

    def check(self, folder):
        """Assert that another run has come to the same, and that half-written files are gone."""
        assert tables(folder) == tables(self.folder)
        assert files(folder) == files(self.folder)

    def longest(self):
        """Seconds that a run may go before it is killed."""
        dates = [path.stat().st_mtime for path in (self.folder / "results").rglob("*") if path.is_file()]
        return SHARE * (max(dates) - min(dates))


@pytest.fixture(scope="module")
def free_viewing(tmp_path_factory, snakemake):
    """Two sessions of free viewing, each read and described by jobs of its own beside the other's, to their tables."""
    folder = copy_code(tmp_path_factory.mktemp("free_viewing"))
    simulate_dandiset(folder / "simulated", n_stimuli=24, minutes=1.5, n_units=5, seed=0)
    parts = {"path": "000628", "tables": "db", "stimuli": "Stimuli"}
    xiao = {name: f"simulated/{part}" for name, part in parts.items()} | {"source": "files", "image_size": 24}
    config = {
        "bootstrap": 100,
        "device": "cpu",
        "datasets": {"xiao": xiao | {"sessions": list(SESSIONS), "permutations": 100}},
        "networks": {"pixels": {"architecture": "pixels"}},
        "readouts": {"ridge_loo": {"alpha": "loo"}},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    made = (f"results/tables/{name}.csv" for name in ("xiao_units", "scores", "rsa"))
    targets = (*made, "--configfile", "study.yaml")
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stdout
    return Undisturbed(folder, targets)


def test_twenty_kills(tiny, tmp_path, start, snakemake):
    kill_again_and_again(Undisturbed(tiny, TINY_TABLES), KILLS, tmp_path / "study", start, snakemake)


def test_kills_of_sessions_side_by_side(free_viewing, tmp_path, start, snakemake):
    kill_again_and_again(free_viewing, FREE_VIEWING_KILLS, tmp_path / "study", start, snakemake)


def kill_again_and_again(undisturbed, n, folder, start, snakemake):
    """Kill runs of a study, or one of their jobs, until there were `n` kills; each that ends must come to the same."""
    rng, targets = random.Random(0), undisturbed.targets
    whole = [True, False] * (n // 2)
    rng.shuffle(whole)
    longest, kills, finished = undisturbed.longest(), 0, 0
    undisturbed.afresh(folder)
    while kills < n:
        wait = rng.uniform(0, longest)
        process = start(folder, *targets)
        jobs = jobs_after(process, wait)
        if not jobs:  # it came to its end
            assert process.wait() == 0, (folder / "output.txt").read_text()
            undisturbed.check(folder)
            finished += 1
            undisturbed.afresh(folder)
            continue
        names = ", ".join(name for _, name in jobs)
        if whole[kills]:
            kill_group(process)
            assert kills or "--unlock" in snakemake(folder, *targets).stdout
            assert snakemake(folder, *targets, "--unlock").returncode == 0
            killed = "all"
        else:
            job, killed = rng.choice(jobs)
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGKILL)
            assert process.wait() in (0, 1)  # 0: the job had just ended, and the run went on to its end
        kills += 1
        print(f"kill {kills:2}: after {wait:4.1f} s, {killed} of: {names}")
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stdout
    undisturbed.check(folder)
    print(f"{n} of {n} kills recovered from; {finished + 1} studies finished, each with the tables undisturbed")

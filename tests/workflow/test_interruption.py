"""A study that is killed in the middle of a job continues to the same tables."""

import pytest

from tests.workflow.conftest import copy_unrun

NETWORK = "efficientnet_lite0"
ARGUMENTS = ("--configfile", "config/small.yaml")


@pytest.fixture
def fresh(study, tmp_path):
    """The code of the finished study without anything that a run leaves."""
    return copy_unrun(study, tmp_path / "study")


def outputs(folder):
    """Files that a rule or a reader could take for results; temporary ones have a leading dot."""
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}


def tables(folder):
    return {path.name: path.read_bytes() for path in (folder / "results" / "tables").iterdir()}


def test_killed_study_resumes_to_the_same_tables(study, fresh, snakemake, kill_when):
    log = fresh / "results" / "logs" / "extract_activations" / "majaj" / f"{NETWORK}.log"
    grams = fresh / "results" / "activations" / "majaj"
    kill_when(lambda: log.is_file() and any(grams.glob(f".{NETWORK}.*")), fresh, *ARGUMENTS, timeout_s=120)
    assert any(grams.glob(f".{NETWORK}.*"))  # half-written, under a name that nothing reads
    assert not (grams / f"{NETWORK}.h5").exists()
    locked = snakemake(fresh, *ARGUMENTS)
    assert locked.returncode != 0 and "--unlock" in locked.stdout
    assert snakemake(fresh, *ARGUMENTS, "--unlock").returncode == 0
    again = snakemake(fresh, *ARGUMENTS)
    assert again.returncode == 0, again.stdout
    assert "rule simulate_majaj" not in again.stdout  # finished before the kill, and kept
    assert outputs(fresh / "results") == outputs(study / "results")
    csv = {f"{name}.csv" for name in ("scores", "summary", "layers", "rsa", "left_out", "weights", "reproduction")}
    pages = {f"{name}.{suffix}" for name in ("summary", "reproduction") for suffix in ("md", "tex")}
    assert tables(fresh).keys() == {*csv, *pages, "provenance.json"}
    assert tables(fresh) == tables(study)

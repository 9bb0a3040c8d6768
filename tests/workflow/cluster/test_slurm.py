"""The small study as jobs of a real SLURM: the same tables, and the resources that each job asked for."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.workflow.cluster.conftest import submitted

pytestmark = pytest.mark.cluster
ON_A_GPU = {"extract_activations": 2, "check_weights": 1, "train_encoder": 1}
ON_A_CPU = ["pack_images", "read_responses", "fit_encoders", "fit_encoders", "compare_rdms", "assemble_scores"]
THREADS = {"compare_rdms": 2}  # else 1
XIAO = """
datasets: {xiao: {source: simulated, simulation: {n_stimuli: 30, minutes: 1, n_units: 5}}}
networks: {pixels: {architecture: pixels}}
"""
HUNGRY = """
rule all:
    input:
        "eaten",


rule hungry:
    output:
        "eaten",
    resources:
        mem_mb=lambda wildcards, attempt: 200 * attempt,
    shell:
        "mb=$(scontrol show job $SLURM_JOB_ID --oneliner | grep -oP 'MinMemoryNode=\\K[0-9]+'); echo $mb >> given;"
        "ulimit -v $((mb * 1024)); {python} -c 'bytearray(250 << 20)' && touch {{output}}"
"""


def rules(jobs: list[dict[str, str]]) -> list[str]:
    """Rules or groups that ran, with their wildcards, as the plugin comments them."""
    return sorted(job["Comment"].removeprefix("rule_").split("_wildcards_")[0] for job in jobs)


def test_tables_are_those_of_one_machine(study, tmp_path, submit):
    workdir = Path(shutil.copytree(study, tmp_path / "study", symlinks=True))
    tables = sorted(path.relative_to(study) for path in study.glob("results/tables/*"))
    shutil.rmtree(workdir / "results")
    done = submit(workdir, *tables, "--configfile", "config/small.yaml")
    assert done.returncode == 0, done.stdout
    assert tables and all((workdir / path).read_bytes() == (study / path).read_bytes() for path in tables)

    jobs = submitted(workdir)
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    # The readouts of a network in one submission; small tables where Snakemake itself runs.
    networks = [rule for rule, n in ON_A_GPU.items() for _ in range(n)]
    assert rules(jobs) == sorted([*ON_A_CPU, *networks])
    for job in jobs:
        runs_network = rules([job])[0] in ON_A_GPU
        assert (job.get("TresPerJob") == "gres:gpu:1") == runs_network
        assert job["CPUs/Task"] == str(min(THREADS.get(rules([job])[0], 1), len(os.sched_getaffinity(0))))
        assert job["TimeLimit"] != "UNLIMITED" and job["MinMemoryNode"] != "0"


def test_the_rules_of_two_sessions_are_one_submission(tmp_path, submit):
    (tmp_path / "study.yaml").write_text(XIAO)
    sessions = [f"results/sessions/xiao/{session}" for session in ("Sa240101", "Sb240102_1")]
    wanted = [f"{session}/{name}" for session in sessions for name in ("fixations.csv", "spikes.h5")]
    done = submit(tmp_path, *wanted, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    assert all((tmp_path / path).is_file() for path in wanted)
    assert rules(submitted(tmp_path)) == ["sessions_align_fixations_read_rasters", "simulate_xiao"]


def test_a_job_out_of_memory_is_submitted_again_with_more(tmp_path, submit):
    """This SLURM enforces no memory, so the job does: it really runs out of what it was given."""
    (tmp_path / "Snakefile").write_text(HUNGRY.format(python=sys.executable))
    done = submit(tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "given").read_text().split() == ["200", "400"]
    assert sorted(job["JobState"] for job in submitted(tmp_path)) == ["COMPLETED", "FAILED"]

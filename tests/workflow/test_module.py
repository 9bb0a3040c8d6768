"""The workflow as a module of another Snakefile, and one script of it alone in a process."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import yaml

from ventral.__main__ import main
from ventral.files.errors import InputError
from ventral.study.debug import snakemake_of

REPO = Path(__file__).parents[2]
OWN = {
    "datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}},
    "networks": {"pixels": {"architecture": "pixels"}},
    "readouts": {"ols": {"alpha": 0}},
}
# A key of its own around the study, and names of its own for the rules.
SNAKEFILE = f"""
configfile: "config.yaml"


module ventral:
    snakefile:
        "{REPO}/Snakefile"
    config:
        config["vision"]


use rule * from ventral as vision_*


rule count:
    default_target: True
    input:
        "results/activations/mine/pixels.h5",
    output:
        "count.txt",
    shell:
        "wc -c {{input}} > {{output}}"
"""


def run(folder, study, *arguments):
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "config.yaml").write_text(yaml.safe_dump({"vision": study}))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_another_workflow_uses_the_workflow_as_a_module(recordings):
    run(recordings, OWN)
    assert "results/activations/mine/pixels.h5" in (recordings / "count.txt").read_text()


def test_a_whole_study_can_be_planned_in_a_module(tmp_path):
    study = yaml.safe_load((REPO / "config" / "small.yaml").read_text())
    said = run(tmp_path, study, "--dry-run", "--", "vision_all")
    assert all(f"vision_{name} " in said for name in ("extract_activations", "fit_encoders", "write_report"))


def test_the_catalogue_and_snakedeploy_find_what_they_look_for():
    usage = yaml.safe_load((REPO / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] and usage["report"]
    assert (REPO / "config" / "README.md").is_file()
    assert (REPO / "config" / "config.yaml").read_text() == (REPO / "config.yaml").read_text()


@pytest.fixture
def folder(recordings, monkeypatch):
    """A folder with a study, the working directory; what a start of the workflow changes is undone."""
    (recordings / "study.yaml").write_text(yaml.safe_dump(OWN))
    monkeypatch.chdir(recordings)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    return recordings


def test_a_script_runs_outside_snakemake(folder, capsys):
    assert main(["debug", "pack_images", "dataset=mine", "--configfile", "study.yaml"]) == 0
    assert capsys.readouterr().out == "results/images/mine.h5\n"
    with h5py.File("results/images/mine.h5") as file:
        assert len(file["images"]) == 12
    snakemake = snakemake_of("extract_activations", {"dataset": "mine", "network": "pixels"}, ["study.yaml"])
    assert snakemake.input.images == "results/images/mine.h5" and snakemake.params.network["architecture"] == "pixels"
    assert snakemake.config["resources"] == {"mem_mb": 4000, "threads": 1}
    assert snakemake.script == REPO / "scripts" / "extract_activations.py"


@pytest.mark.parametrize(
    "rule, wildcards, fault",
    [
        ("pack_image", {"dataset": "mine"}, "Snakefile: pack_image: no such rule; did you mean pack_images?"),
        ("pack_images", {}, "Snakefile: pack_images: missing dataset; add each as NAME=VALUE"),
    ],
)
def test_a_job_that_there_is_not_is_one_line(folder, rule, wildcards, fault):
    with pytest.raises(InputError) as error:
        snakemake_of(rule, wildcards, ["study.yaml"])
    assert str(error.value) == fault


def test_what_a_script_lacks_is_one_line(folder, capsys):
    assert main(["debug", "pack_images", "dataset", "--configfile", "study.yaml"]) == 1
    assert main(["debug", "extract_activations", "dataset=mine", "network=pixels", "--configfile", "study.yaml"]) == 1
    said = capsys.readouterr().err
    assert "error: command line: dataset: no value; write it as NAME=VALUE" in said
    assert "extract_activations: input: no file results/images/mine.h5; let Snakemake make it first" in said

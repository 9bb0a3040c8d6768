"""The examples of docs/develop.md, each one file, are added to a copy of the project and run as printed."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.workflow.conftest import CODE, REPO, run_snakemake

TEXT = (REPO / "docs" / "develop.md").read_text()
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL))
ENTRIES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
N, SIDE, REPEATS, NEUROIDS = 60, 16, 4, 6


def test_the_page_has_an_example_of_each_part():
    rooms = ("data/sources", "readouts", "scores/metrics", "figures")
    assert [name.rpartition("/")[0] for name in FILES] == [*(f"ventral/{room}" for room in rooms), ""]
    assert [list(entry) for entry in ENTRIES] == [["datasets"], ["readouts"], ["networks"]]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A copy of the project with the examples in it, and a study that has run there."""
    folder = tmp_path_factory.mktemp("develop")
    for name in CODE:
        copy = shutil.copytree if (REPO / name).is_dir() else shutil.copy
        copy(REPO / name, folder / name)
    (folder / "docs").mkdir()
    for name, text in FILES.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    means = images.reshape(N, -1) @ rng.normal(size=(images[0].size, NEUROIDS)) / 500
    responses = means[:, None] + rng.normal(size=(N, REPEATS, NEUROIDS))
    np.savez(folder / "lab.npz", images=images, responses=responses)
    config = {key: value for entry in ENTRIES for key, value in entry.items()}
    (folder / "study.yaml").write_text(yaml.safe_dump(config | {"bootstrap": 100, "device": "cpu"}))
    done = run_snakemake(folder, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_they_are_in_tables_figures_and_the_report(study):
    summary = pd.read_csv(study / "results/tables/summary.csv")
    assert set(summary["readout"]) == {"ridge_loo", "nearest5"} and set(summary["dataset"]) == {"lab"}
    assert set(summary["region"]) == {"V4"} and {"mine", "pixels"} == set(summary["network"])
    assert {"normalised_error_mean", "normalised_error_low", "normalised_error_high"} <= set(summary)
    assert np.isfinite(summary["normalised_error_mean"]).all()
    scores = pd.read_csv(study / "results/tables/scores.csv")
    assert "normalised_error" in set(scores["metric"])
    with Image.open(study / "results/figures/reliability_lab.png") as figure:
        assert "Left out" not in figure.info and figure.info["Description"].startswith("Histograms of reliability.")
    page = (study / "results/report.html").read_text()
    for part in ("lab", "nearest5", "normalised error", "come back in another recording", "Histograms of reliability"):
        assert part in page, part
    inputs = json.loads((study / "results/tables/provenance.json").read_text())["datasets"]["lab"]["inputs"]
    assert [entry["file"] for entry in inputs] == ["lab.npz"]


def test_they_are_in_the_pages_of_reference(study):
    done = subprocess.run(
        [sys.executable, "-m", "ventral", "schema"], cwd=study, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    keys, parts = ((study / "docs" / name).read_text() for name in ("config.md", "catalogue.md"))
    assert "### Kind `npz`" in keys and "### Kind `neighbours`" in keys
    for part in ("npz", "neighbours", "normalised_error", "reliability"):
        assert f"| `{part}` |" in parts, part


@pytest.mark.parametrize(
    "name, rules",
    [
        ("ventral/figures/reliability.py", {"draw_figure": 1, "write_report": 1}),
        ("ventral/readouts/neighbours.py", {"fit_encoders": 2}),
    ],
)
def test_an_edit_of_one_reruns_what_it_makes(study, name, rules):
    before = (study / name).read_text()
    (study / name).write_text(f"{before}# an edit\n")
    try:
        done = run_snakemake(study, "--configfile", "study.yaml", "--dry-run", "--quiet", "host")
    finally:
        (study / name).write_text(before)
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert {rule: int(counts.get(rule, 0)) for rule in rules} == rules, done.stdout
    assert not {"extract_activations", "pack_images", "read_responses"} & set(counts)


@pytest.mark.parametrize("fault", [{"neighbours": 0}, {"neighbours": "many"}, {"neighbours": 3, "alpha": 1}])
def test_their_keys_are_checked(study, fault):
    config = yaml.safe_load((study / "study.yaml").read_text())
    (study / "faulty.yaml").write_text(yaml.safe_dump(config | {"readouts": {"nearest": fault}}))
    done = run_snakemake(study, "--configfile", "faulty.yaml", "--dry-run")
    assert done.returncode == 1 and "readouts.nearest." in done.stdout

"""Two recordings of one kind in one study are kept apart, whatever their names."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from ventral.data.responses import read_responses

SMALL_OBJECTS = {"n_images": 128, "image_size": 32, "n_sites": 6, "repetitions": 4}
SMALL_VIEWING = {"n_stimuli": 30, "minutes": 1, "n_units": 5}
VIEWING = {"kind": "xiao", "source": "simulated", "simulation": SMALL_VIEWING, "permutations": 100, "image_size": 32}
STUDY = {
    "bootstrap": 100,
    "device": "cpu",
    "datasets": {
        "objects": {"kind": "majaj", "source": "simulated", "simulation": SMALL_OBJECTS},
        "more_sites": {"kind": "majaj", "source": "simulated", "simulation": SMALL_OBJECTS | {"n_sites": 9}},
        "xiao_v4": VIEWING | {"sessions": ["Sa240101"], "fixations": "nonzeroth"},
        "xiao_it": VIEWING | {"sessions": ["Sb240102_1", "Sc240103"]},
    },
    "networks": {"pixels": {"architecture": "pixels", "image_size": 16}},
    "readouts": {"ridge_loo": {"alpha": "loo"}},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory, snakemake):
    """The study, run whole."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    done = snakemake(folder, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    return folder


def test_each_has_its_own_recordings_and_tables(study):
    results = study / "results"
    recorded = {name: read_responses(results / "responses" / f"{name}.nc") for name in STUDY["datasets"]}
    assert [recorded[name].sizes["neuroid"] for name in ("objects", "more_sites")] == [6, 9]
    assert set(recorded["xiao_v4"]["region"].values) == {"V4"}
    assert set(recorded["xiao_it"]["session"].values) == {"Sb240102_1", "Sc240103"}
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert set(summary["dataset"]) == set(STUDY["datasets"]) and set(summary["source"]) == {"simulated"}
    units = {name: pd.read_csv(results / "tables" / f"{name}_units.csv") for name in ("xiao_v4", "xiao_it")}
    assert set(units["xiao_v4"]["session"]) == {"Sa240101"} and len(units["xiao_it"]) == 10
    used = {name: pd.read_csv(next(results.glob(f"sessions/{name}/*/fixations.csv"))) for name in units}
    assert all(len(table) for table in used.values())


def test_reported_numbers_stand_beside_every_dataset_of_their_kind(study):
    table = pd.read_csv(study / "results" / "tables" / "reproduction.csv")
    found = table["dataset"].value_counts()
    assert found["objects"] == found["more_sites"] > 0 and found["xiao_v4"] == found["xiao_it"] > 0
    assert not {"majaj", "xiao"} & set(table["dataset"])


def test_the_page_shows_figures_of_each(study):
    page = (study / "results" / "report.html").read_text()
    for name in ("categories_objects", "categories_more_sites", "psth_xiao_v4", "gaze_xiao_it", "rdms_more_sites"):
        assert f'id="figure-{name}"' in page, name
    told = json.loads((study / "results" / "tables" / "provenance.json").read_text())["datasets"]
    assert told == {name: {"simulated": True, "inputs": []} for name in STUDY["datasets"]}


def test_simulated_files_are_read_as_files_beside_those_that_simulate_them(study, snakemake):
    local = {"kind": "xiao", "source": "files", "sessions": ["Sa240101"], "fixations": "nonzeroth"}
    simulated = "resources/xiao_v4_simulated"
    local |= {"path": simulated, "tables": simulated, "stimuli": f"{simulated}/Stimuli"}
    datasets = STUDY["datasets"] | {"local": local}
    (study / "files.yaml").write_text(yaml.safe_dump(STUDY | {"datasets": datasets}))
    targets = [f"results/{part}/local.{end}" for part, end in (("responses", "nc"), ("images", "h5"))]
    done = snakemake(study, *targets, "--configfile", "files.yaml")
    assert done.returncode == 0, done.stdout
    ours, theirs = (read_responses(study / "results" / "responses" / f"{name}.nc") for name in ("local", "xiao_v4"))
    np.testing.assert_array_equal(ours["rate"], theirs["rate"])
    assert (ours.attrs["source"], theirs.attrs["source"]) == ("Xiao et al. 2024, DANDI 000628", "simulated")


def test_faces_are_learnt_on_the_dataset_that_is_asked_for(study, snakemake):
    networks = {"pixels": {"architecture": "pixels"}, "hmo": {"architecture": "hmo"}}
    for asked, said in (
        ({}, "input: results/responses/xiao_v4.nc"),
        ({"dataset": "xiao_it"}, "input: results/responses/xiao_it.nc"),
        ({"dataset": "xiao"}, "hmo.dataset: no dataset 'xiao'; did you mean xiao_"),
        ({"dataset": "objects"}, "hmo.dataset: objects has no whole images with labelled faces"),
    ):
        (study / "faces.yaml").write_text(yaml.safe_dump(STUDY | {"networks": networks, "hmo": asked}, sort_keys=False))
        planned = snakemake(study, "--dry-run", "results/faces/faces.csv", "--configfile", "faces.yaml").stdout
        assert said in planned

"""Majaj & Hong 2015 from every kind of file that a user may have, through Snakemake, with simulated recordings."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from ventral.data.images import read_stimulus_ids
from ventral.data.responses import read_responses
from ventral.data.splits import SPLITS


@pytest.fixture
def made(study):
    """Paths of the simulated files, by the key of the config that names them."""
    folder = study / "resources" / "majaj_simulated"
    names = {
        "assembly": "assy_dicarlo_MajajHong2015_public.nc",
        "stimuli": "stimulus_hvm-public.csv",
        "images": "stimulus_hvm-public.zip",
        "course_file": "IT_data.h5",
    }
    return {key: str(folder / name) for key, name in names.items()}


@pytest.fixture
def run(snakemake, tmp_path):
    """Run, or plan, a study of one dataset in a folder of its own; its output."""

    def run_study(majaj, *arguments, **settings):
        config = {"datasets": {"majaj": majaj}, "networks": {"pixels": {"architecture": "pixels", "image_size": 32}}}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(config | {"bootstrap": 100} | settings))
        done = snakemake(tmp_path, *arguments, "--configfile", "study.yaml")
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run_study


def test_pixels_are_scored_by_both_protocols(run, tmp_path):
    simulation = {"n_images": 640, "image_size": 32, "n_sites": 6, "repetitions": 2}  # ten images of every object
    majaj = {"source": "simulated", "simulation": simulation}
    run(majaj, "results/tables/summary.csv", protocols=["holdout", "brainscore"], readouts={"pls25": {"pls": 25}})
    summary = pd.read_csv(tmp_path / "results" / "tables" / "summary.csv").query("split == 'test'")
    for protocol in ("holdout", "brainscore"):
        rows = summary[(summary["protocol"] == protocol) & (summary["encoder"] == "pixels-pls25")]
        assert sorted(rows["region"]) == ["IT", "V4"]
        assert np.isfinite(rows[["pearson_r_mean", "ceiled_r2"]]).all(axis=None)


def test_the_course_file_with_the_assembly_has_ceilings(run, made, tmp_path):
    majaj = {"source": "course_file"} | {key: made[key] for key in ("course_file", "assembly", "stimuli")}
    run(majaj, "results/responses/majaj.nc", "results/images/majaj.h5")
    responses = read_responses(tmp_path / "results" / "responses" / "majaj.nc")
    assert set(responses["region"].values) == {"IT"} and set(responses["split"].values) == set(SPLITS)
    assert np.isfinite(responses["reliability"]).all()
    images = read_stimulus_ids(tmp_path / "results" / "images" / "majaj.h5")
    np.testing.assert_array_equal(images, responses["stimulus_id"])


def test_local_copies_give_what_the_simulation_gave(run, made, study, tmp_path):
    majaj = {"source": "files"} | {key: made[key] for key in ("assembly", "stimuli", "images")}
    run(majaj, "results/responses/majaj.nc")
    ours, theirs = (read_responses(folder / "results" / "responses" / "majaj.nc") for folder in (tmp_path, study))
    xr.testing.assert_identical(ours, theirs)


def test_a_local_path_takes_the_place_of_one_download(run, made):
    planned = run({"source": "published", "assembly": made["assembly"]}, "results/images/majaj.h5", "--dry-run")
    assert sorted(re.findall(r"rule download_recordings:\n +output: (\S+)", planned)) == [
        "resources/majaj/stimulus_hvm-public.csv",
        "resources/majaj/stimulus_hvm-public.zip",
    ]

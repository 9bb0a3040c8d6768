"""Real V4 neurons and their stimuli: a trained network beats pixels and its random copy, through all steps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.intervals import count_intervals
from ventral.data.responses import read_responses
from ventral.encoders.fit import fit_encoder
from ventral.gram.file import read_gram
from ventral.readouts.ridge import Ridge
from ventral.scores.metrics.pearson_r import pearson_r

REPO = Path(__file__).parents[2]
DATASET = "v4_210325"


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    """`run(name)` runs a study whose paths lead out of the working directory to the real data; returns its results.

    Responses given by name are files of it.
    """

    def results_of(name: str, *targets: str, **files: xr.Dataset) -> Path:
        folder = tmp_path_factory.mktemp("v4")
        workdir = folder / "main"
        workdir.mkdir()
        (folder / "shared").symlink_to(shared_data.parent)
        for stem, responses in files.items():
            responses.to_netcdf(workdir / f"{stem}.nc", engine="h5netcdf")
        command = [sys.executable, "-m", "snakemake", *targets, "--cores", "all", "--snakefile", REPO / "Snakefile"]
        config = Path(__file__).with_name(name)
        subprocess.run([*command, "--directory", workdir, "--configfile", config], check=True)
        return workdir / "results"

    return results_of


@pytest.fixture(scope="module")
def results(run):
    return run("v4.yaml")


@pytest.fixture(scope="module")
def summary(results):
    """Rows of the summary's test split, by protocol and encoder."""
    table = pd.read_csv(results / "tables" / "summary.csv")
    return table[table["split"] == "test"].set_index(["protocol", "encoder"])


@pytest.mark.parametrize("protocol", ["holdout", "brainscore", "kfold"])
def test_trained_network_beats_pixels_and_its_random_copy(summary, protocol):
    r = summary.loc[protocol, "pearson_r_mean"]
    trained = r["efficientnet_lite0-ridge_loo"]
    assert trained >= 0.48
    assert trained - r["pixels-ridge_loo"] >= 0.12
    assert trained - r["efficientnet_lite0_random-ridge_loo"] >= 0.12


def test_reliability_is_that_of_an_independent_reading(summary):
    assert summary["reliability_median"].to_numpy() == pytest.approx(0.76, abs=0.03)


@pytest.mark.parametrize("protocol", ["holdout", "brainscore", "kfold"])
def test_every_encoder_has_ceiled_scores_and_intervals_and_pixels_are_among_them(summary, protocol):
    rows = summary.loc[protocol]
    assert {"pixels-pls25", "pixels-ridge_loo"} <= set(rows.index)
    assert np.isfinite(rows[["ceiled_r2", "ceiled_r2_median"]]).all(axis=None)
    assert rows["brainscore"].notna().all() == (protocol == "brainscore")
    tested = {"holdout": 128, "kfold": 640}.get(protocol, 640 * (1 - 0.9**10))  # each once, or in some of ten splits
    assert rows["n_stimuli"].to_numpy() == pytest.approx(tested, rel=0.05)


def test_every_interval_holds_its_estimate_and_has_a_width(results):
    assert count_intervals(results / "tables") > 3_000


def test_every_layer_has_a_score(results):
    layers = pd.read_csv(results / "tables" / "layers.csv")
    assert len(layers) == 2 * (1 + 8 + 8)
    scores = layers.filter(regex="^(pearson_r|explained_variance)_")
    assert scores.shape[1] == 8
    assert not scores.isna().any(axis=None)


def test_nothing_predicts_shuffled_responses(results):
    responses = read_responses(results / "responses" / f"{DATASET}.nc")
    layer = "_blocks.10"
    gram = read_gram(results / "activations" / DATASET / "efficientnet_lite0.h5", layer)
    split = responses["split"].values

    def mean_r(order):
        shown = responses.assign(rate=(responses["rate"].dims, responses["rate"].values[order]))
        fitted = fit_encoder([(layer, gram)], shown, Ridge("loo"))
        return pearson_r(shown["rate"].values[split != "train"], fitted["prediction"].values[0]).mean()

    rng = np.random.default_rng(0)
    assert mean_r(np.arange(len(split))) > 0.4
    assert abs(mean_r(rng.permutation(len(split)))) < 0.05


def test_the_trained_network_is_marked_and_its_random_copy_is_not(summary):
    marked = summary.loc["holdout", "among_best"]
    assert marked["efficientnet_lite0-ridge_loo"]
    assert not marked.filter(like="random").any() and not marked.filter(like="pixels").any()


def test_sessions_without_repeats_have_no_ceiling_and_say_so(run):
    tables = run("v4_no_repeats.yaml") / "tables"
    summary = pd.read_csv(tables / "summary.csv")
    assert set(summary["dataset"]) == {"v4_190923", "v4_210224"}
    assert summary[["reliability_median", "ceiled_r2", "brainscore"]].isna().all(axis=None)
    assert (summary["pearson_r_mean"] > 0.1).all()
    assert (tables / "summary.md").read_text().count("no repetitions, so no ceiling") == 2


def test_what_is_said_of_a_region_does_not_depend_on_which_others_are_in_the_file(run, shared_data):
    """V4's rows by kfold and brainscore, to the last digit, with two more regions beside it that saw fewer images."""
    rate = np.load(shared_data / "v4" / "responses_raw_210325.npy").transpose(1, 0, 2)
    names = np.array([f"site{i}" for i in range(rate.shape[1])])
    rng = np.random.default_rng(0)
    others = rng.permuted(rate[:, :9], axis=1) + rng.normal(size=(len(rate), 9, rate.shape[2]))
    others[rng.random(others.shape[:2]) < 0.3] = np.nan

    def recorded(values, neuroid_id, region):
        coords = {"neuroid_id": ("neuroid", neuroid_id), "region": ("neuroid", region)}
        return xr.Dataset({"rate": (("stimulus", "neuroid", "repeat"), values)}, coords=coords)

    alone = recorded(rate, names, ["V4"] * len(names))
    region = np.array(["IT"] * 5 + ["V4"] * len(names) + ["V1"] * 4)
    joined = np.concatenate([others[:, :5], rate, others[:, 5:]], axis=1)
    ids = np.concatenate([[f"a{i}" for i in range(5)], names, [f"b{i}" for i in range(4)]])
    targets = [f"results/tables/{name}.csv" for name in ("summary", "scores")]
    tables = run("v4_regions.yaml", *targets, alone=alone, joined=recorded(joined, ids, region)) / "tables"
    for name in ("summary", "scores"):
        table = pd.read_csv(tables / f"{name}.csv", dtype=str, keep_default_na=False)
        parts = table.groupby("dataset")
        one, other = (parts.get_group(key).drop(columns=["dataset", "source"]) for key in ("alone", "joined"))
        assert set(other["region"]) == {"V4", "IT", "V1"} and set(one["protocol"]) == {"kfold", "brainscore"}
        other = other[other["region"] == "V4"].reset_index(drop=True)
        pd.testing.assert_frame_equal(one.reset_index(drop=True), other)

"""Real V4 neurons and the images they saw: a trained network beats pixels and its random copy, by the whole chain."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ventral.data.responses import read_responses
from ventral.encoders import ReadoutPlan, fit_encoder
from ventral.gram_file import read_gram
from ventral.scores import pearson_r

REPO = Path(__file__).parents[2]
DATASET = "v4_210325"


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    """`run(name)` runs a study whose paths lead out of the working directory to the real data; returns its results."""

    def results_of(name: str) -> Path:
        folder = tmp_path_factory.mktemp("v4")
        workdir = folder / "main"
        workdir.mkdir()
        (folder / "shared").symlink_to(shared_data.parent)
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile", REPO / "Snakefile"]
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


@pytest.mark.parametrize("protocol", ["holdout", "brainscore"])
def test_trained_network_beats_pixels_and_its_random_copy(summary, protocol):
    r = summary.loc[protocol, "pearson_r_mean"]
    trained = r["efficientnet_lite0-ridge_loo"]
    assert trained >= 0.48
    assert trained - r["pixels-ridge_loo"] >= 0.12
    assert trained - r["efficientnet_lite0_random-ridge_loo"] >= 0.12


def test_reliability_is_that_of_an_independent_reading(summary):
    assert summary["reliability_median"].to_numpy() == pytest.approx(0.76, abs=0.03)


@pytest.mark.parametrize("protocol", ["holdout", "brainscore"])
def test_every_encoder_has_ceiled_scores_and_intervals_and_pixels_are_among_them(summary, protocol):
    rows = summary.loc[protocol]
    assert {"pixels-pls25", "pixels-ridge_loo"} <= set(rows.index)
    assert np.isfinite(rows[["ceiled_r2_mean", "ceiled_r2_median", "brainscore"]]).all(axis=None)
    for metric in ("explained_variance", "pearson_r", "ceiled_r2"):
        low, mean, high = (rows[f"{metric}_{part}"] for part in ("low", "mean", "high"))
        assert ((low < mean) & (mean < high)).all()


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
        fitted = fit_encoder([(layer, gram)], shown, ReadoutPlan("loo"))
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
    assert summary[["reliability_median", "ceiled_r2_mean", "brainscore"]].isna().all(axis=None)
    assert (summary["pearson_r_mean"] > 0.1).all()
    assert (tables / "summary.md").read_text().count("no repetitions, so no ceiling") == 2

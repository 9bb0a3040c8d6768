"""The Brain-Score protocol with our code, from features to one number, against scikit-learn on the same inputs."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import pearsonr
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import StratifiedShuffleSplit

from ventral.data.responses import draw_splits
from ventral.encoders.fit import fit_protocol
from ventral.gram.matrix import Gram
from ventral.readouts.pls import Pls
from ventral.tables.scoring import score_encoder

N_IMAGES, N_OBJECTS, N_UNITS, N_SITES = 240, 16, 400, 12


@pytest.fixture(scope="module")
def problem():
    """Features (image, unit), rates (image, site) with a signal in them, and the object of every image."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(N_IMAGES, 40)) * np.arange(1, 41) ** -0.5
    features = latent @ rng.normal(size=(40, N_UNITS)) + 0.3 * rng.normal(size=(N_IMAGES, N_UNITS)) + 4
    rates = latent @ rng.normal(size=(40, N_SITES)) + rng.normal(size=(N_IMAGES, N_SITES)) + 2
    return features, rates, rng.permutation(np.arange(N_IMAGES) % N_OBJECTS).astype(str)


@pytest.fixture(scope="module")
def oracle_r(problem):
    """(split, site) Pearson r of the held-out images."""
    features, rates, objects = problem
    r = []
    for train, test in StratifiedShuffleSplit(n_splits=10, train_size=0.9, random_state=1).split(objects, objects):
        predicted = (
            PLSRegression(n_components=25, scale=False).fit(features[train], rates[train]).predict(features[test])
        )
        r.append([pearsonr(a, b).statistic for a, b in zip(rates[test].T, predicted.T, strict=True)])
    return np.array(r)


def test_every_site_of_every_split_and_the_score_are_theirs(problem, oracle_r):
    features, rates, objects = problem
    reliability = np.linspace(0.5, 0.9, N_SITES)
    responses = xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), rates),
            "n_presentations": (("stimulus", "neuroid"), np.ones(rates.shape, dtype=int)),
        },
        coords={
            "stimulus_id": ("stimulus", np.arange(N_IMAGES).astype(str)),
            "split": ("stimulus", np.full(N_IMAGES, "train")),
            "object_name": ("stimulus", objects),
            "neuroid_id": ("neuroid", [f"site{k}" for k in range(N_SITES)]),
            "region": ("neuroid", ["IT"] * N_SITES),
            "reliability": ("neuroid", reliability),
            "reliability_sd": ("neuroid", np.zeros(N_SITES)),
            "signal_variance": ("neuroid", reliability),
            "noise_variance": ("neuroid", 1 - reliability),
        },
        attrs={"source": "simulated"},
    )
    centred = features - features.mean(axis=0)
    gram = Gram(centred @ centred.T, centred.sum(axis=1), np.zeros(N_IMAGES), 0.0, float(features.mean()), N_UNITS)
    splits = draw_splits(responses, "brainscore", seed=7)  # their seed, whatever the study's
    predictions = fit_protocol([("layer", gram)], responses, Pls(25), splits)
    predictions.attrs = {"network": "net", "readout": "pls25", "protocol": "brainscore", "weights": "random"}

    rows = predictions["stimulus_id"].values.astype(int)
    for theirs, one, held_out in zip(
        oracle_r, predictions["prediction"].values[:, 0], predictions["split"].values == "test", strict=True
    ):
        ours = [pearsonr(a, b).statistic for a, b in zip(rates[rows[held_out]].T, one[held_out].T, strict=True)]
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

    tidy, summary, _ = score_encoder("majaj", predictions, responses)
    found = tidy[tidy["metric"] == "pearson_r"]["value"]
    np.testing.assert_allclose(found, oracle_r.mean(axis=0), atol=1e-6)
    score = np.median(oracle_r, axis=1).mean() ** 2 / np.median(reliability)
    assert summary["brainscore"].item() == pytest.approx(score, abs=1e-6)

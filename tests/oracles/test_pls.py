"""Partial least squares from a Gram matrix against scikit-learn on the features."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.cross_decomposition import PLSRegression

from ventral.gram.matrix import centre_on
from ventral.gram.spectra import FOLDS, Decomposition, assign_folds
from ventral.readouts.pls import fit_pls

N_TRAIN, N_TEST = 150, 50


def problem(n_units: int, n_neuroids: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(N_TRAIN + N_TEST, 30)) * np.arange(1, 31) ** -0.5
    x = latent @ rng.normal(size=(30, n_units)) + 0.3 * rng.normal(size=(N_TRAIN + N_TEST, n_units)) + 4
    y = latent @ rng.normal(size=(30, n_neuroids)) + rng.normal(size=(N_TRAIN + N_TEST, n_neuroids)) + 2
    centred = x - x.mean(axis=0)
    train, test = np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_TEST)
    return x, y, *centre_on(centred @ centred.T, train, test)


@pytest.mark.parametrize(("n_units", "n_neuroids"), [(40, 1), (40, 12), (2_000, 25), (2_000, 168)])
@pytest.mark.parametrize("n_components", [1, 5, 25])
def test_predictions_and_r_are_those_of_scikit_learn(n_units, n_neuroids, n_components):
    x, y, inner, cross = problem(n_units, n_neuroids)
    oracle = PLSRegression(n_components, scale=False).fit(x[:N_TRAIN], y[:N_TRAIN])
    expected = oracle.predict(x[N_TRAIN:]).reshape(N_TEST, -1)
    ours = fit_pls(Decomposition(inner), y[:N_TRAIN], n_components).predict(cross)
    np.testing.assert_allclose(ours, expected, atol=1e-6 * y.std())
    r = [[pearsonr(a, b).statistic for a, b in zip(y[N_TRAIN:].T, p.T, strict=True)] for p in (ours, expected)]
    np.testing.assert_allclose(r[0], r[1], atol=1e-6)


def test_held_out_predictions_are_of_folds():
    x, y, inner, _ = problem(300, 6)
    ours = fit_pls(Decomposition(inner), y[:N_TRAIN], 4).held_out
    left = np.arange(N_TRAIN) % FOLDS == 2
    oracle = PLSRegression(4, scale=False).fit(x[:N_TRAIN][~left], y[:N_TRAIN][~left])
    np.testing.assert_allclose(ours[left], oracle.predict(x[:N_TRAIN][left]), atol=1e-6)


def test_folds_divide_no_group_of_near_duplicates():
    groups = np.array(list("cabbacdefghgg"))
    folds = assign_folds(groups)
    np.testing.assert_array_equal(folds, [0, 1, 2, 2, 1, 0, 3, 4, 0, 1, 2, 1, 1])
    np.testing.assert_array_equal(assign_folds(np.arange(12)), np.arange(12) % FOLDS)
    np.testing.assert_array_equal(assign_folds(np.zeros(7)), np.arange(7) % FOLDS)
    _, y, inner, _ = problem(300, 6)
    pairs = np.arange(N_TRAIN) // 2
    ours = fit_pls(Decomposition(inner, groups=pairs), y[:N_TRAIN], 4).held_out
    left = pairs % FOLDS == 2
    x = problem(300, 6)[0][:N_TRAIN]
    oracle = PLSRegression(4, scale=False).fit(x[~left], y[:N_TRAIN][~left])
    np.testing.assert_allclose(ours[left], oracle.predict(x[left]), atol=1e-6)


def test_dead_features_predict_the_mean():
    y = np.random.default_rng(0).normal(size=(20, 3))
    readout = fit_pls(Decomposition(np.zeros((20, 20))), y, 5)
    np.testing.assert_allclose(readout.predict(np.zeros((2, 20))), np.broadcast_to(y.mean(axis=0), (2, 3)))


def test_features_that_are_spent_end_the_components():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 2))
    centred = x - x.mean(axis=0)
    y = rng.normal(size=(30, 4))
    readout = fit_pls(Decomposition(centred @ centred.T), y, 10)
    expected = PLSRegression(2, scale=False).fit(x, y).predict(x)
    np.testing.assert_allclose(readout.predict(centred @ centred.T), expected, atol=1e-6)
    assert readout.n_directions == 2

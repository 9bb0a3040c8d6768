"""RDMs and their comparison against rsatoolbox and scipy."""

import numpy as np
import pytest
import rsatoolbox
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr

from ventral.gram import gram_of
from ventral.similarity import correlation_rdm, neural_rdm, rank_rdm, spearman


def oracle_rdm(features: np.ndarray) -> np.ndarray:
    data = rsatoolbox.data.Dataset(features.astype(np.float64))
    return rsatoolbox.rdm.calc_rdm(data, method="correlation").get_matrices()[0]


@pytest.mark.parametrize("n_units", [30, 5_000])
@pytest.mark.parametrize(("mean", "spread_of_means"), [(0, 1), (50, 3), (-1_000, 0.1)])
def test_correlation_rdm(n_units, mean, spread_of_means):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, n_units)) * rng.uniform(0.5, 2, n_units) + mean
    x = (x + spread_of_means * rng.normal(size=n_units)).astype(np.float32)
    np.testing.assert_allclose(correlation_rdm(gram_of(x)), oracle_rdm(x), atol=1e-6)


def test_neural_rdm_z_scores_every_neuroid():
    rates = np.random.default_rng(2).gamma(2.0, 5.0, size=(50, 20)) * np.arange(1, 21)
    z = (rates - rates.mean(0)) / rates.std(0)
    np.testing.assert_allclose(neural_rdm(rates), oracle_rdm(z), atol=1e-6)


def test_spearman_of_rdms():
    rng = np.random.default_rng(4)
    a, b = (rng.normal(size=(30, 12)) for _ in range(2))
    b += a
    rdms = [neural_rdm(x) for x in (a, b)]
    expected = spearmanr(*(squareform(rdm) for rdm in rdms)).statistic
    assert spearman(*(rank_rdm(rdm) for rdm in rdms))[0] == pytest.approx(expected, abs=1e-12)


def test_weighted_spearman_is_pearson_of_ranks_over_the_resampled_pairs():
    rng = np.random.default_rng(9)
    a, b = (neural_rdm(rng.normal(size=(15, 8))) for _ in range(2))
    draw = rng.integers(0, 15, 15)
    weights = np.bincount(draw, minlength=15)[None]
    ranked = [rank_rdm(rdm, weights) for rdm in (a, b)]
    pairs = [(i, j) for i in draw for j in draw if i != j]
    values = np.array([[r.ranks[i, j] for i, j in pairs] for r in ranked])
    assert spearman(*ranked)[0] == pytest.approx(np.corrcoef(values)[0, 1], abs=1e-12)


def test_images_and_layers_without_a_pattern():
    x = np.random.default_rng(1).normal(size=(6, 40))
    x[2] = 3.0  # an image that drives all units alike
    rdm = correlation_rdm(gram_of(x))
    assert np.isfinite(rdm).all()
    np.testing.assert_allclose(np.delete(rdm[2], 2), 1)
    dead = correlation_rdm(gram_of(np.ones((6, 40), dtype=np.float32)))
    assert spearman(rank_rdm(dead), rank_rdm(rdm))[0] == 0

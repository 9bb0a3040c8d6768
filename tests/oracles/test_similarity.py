"""RDMs, their comparison and its ceilings against rsatoolbox, scipy and direct counts."""

from dataclasses import replace

import numpy as np
import pytest
import rsatoolbox
from rsatoolbox.inference import boot_noise_ceiling, cv_noise_ceiling
from rsatoolbox.inference.crossvalsets import sets_leave_one_out_rdm
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr

from ventral.gram.matrix import gram_of
from ventral.similarity.ceilings import noise_ceiling
from ventral.similarity.inference import exact_spearman, order_rdm, permutation_null
from ventral.similarity.measures import MEASURES, kendall, partial_spearman
from ventral.similarity.rdms import correlate, correlation_rdm, crossnobis_rdm, neural_rdm, rank_rdm, weigh_rdm

THEIRS = {"spearman": "spearman", "pearson": "corr", "cosine": "cosine", "kendall": "tau-a"}


def oracle_rdm(features: np.ndarray) -> np.ndarray:
    data = rsatoolbox.data.Dataset(features.astype(np.float64))
    return rsatoolbox.rdm.calc_rdm(data, method="correlation").get_matrices()[0]


def random_pairs(seed: int, k: int = 2, n: int = 14, ties: bool = False) -> np.ndarray:
    """(k, m) dissimilarities that share a part."""
    rng = np.random.default_rng(seed)
    found = rng.gamma(2, size=(k, n * (n - 1) // 2)) + 2 * rng.gamma(2, size=n * (n - 1) // 2)
    return np.round(found) if ties else found


def alike(a: np.ndarray, b: np.ndarray, measure: str) -> float:
    return rsatoolbox.rdm.compare(rsatoolbox.rdm.RDMs(a[None]), rsatoolbox.rdm.RDMs(b[None]), THEIRS[measure])[0, 0]


@pytest.mark.parametrize("n_units", [30, 5_000])
@pytest.mark.parametrize(("mean", "spread_of_means"), [(0, 1), (50, 3), (-1_000, 0.1)])
def test_correlation_rdm(n_units, mean, spread_of_means):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, n_units)) * rng.uniform(0.5, 2, n_units) + mean
    x = (x + spread_of_means * rng.normal(size=n_units)).astype(np.float32)
    np.testing.assert_allclose(correlation_rdm(gram_of(x)), oracle_rdm(x), atol=1e-6)


def test_labels_tie_whatever_the_rounding():
    """As a Gram file keeps them, in float32."""
    labels = np.random.default_rng(0).choice(6, 92, p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
    gram = gram_of(np.eye(6, dtype=np.float32)[labels])
    rdm = correlation_rdm(replace(gram, inner=gram.inner.astype(np.float32).astype(np.float64)))
    assert len(np.unique(rdm)) == 2
    np.testing.assert_allclose(rdm, 1.2 * (labels[:, None] != labels), atol=1e-6)


def test_crossnobis_distances():
    """Of each pair of halves as of two runs; over pairs, their mean. Some stimuli have no halves."""
    rng = np.random.default_rng(3)
    noise = rng.uniform(0.5, 4, 20)
    halves = rng.normal(size=(15, 20)) + np.sqrt(noise) * rng.normal(size=(6, 15, 20))
    theirs = []
    for first in range(0, 6, 2):
        descriptors = {"stimulus": np.tile(np.arange(15), 2), "half": np.repeat([0, 1], 15)}
        data = rsatoolbox.data.Dataset(np.concatenate(halves[first : first + 2]), obs_descriptors=descriptors)
        rdm = rsatoolbox.rdm.calc_rdm(data, "crossnobis", "stimulus", np.diag(1 / noise), "half")
        theirs.append(rdm.get_matrices()[0])
    np.testing.assert_allclose(crossnobis_rdm(halves, noise), np.mean(theirs, axis=0), atol=1e-9)
    some = halves.copy()
    some[3, 4, 0] = np.nan  # of neuroid 0, which goes, and
    some[2, 7, 5] = np.nan  # of another, whose stimulus goes
    kept = np.delete(np.arange(15), 7)
    found = crossnobis_rdm(some, np.r_[0.0, noise[1:]])
    np.testing.assert_allclose(found[np.ix_(kept, kept)], crossnobis_rdm(halves[:, kept, 1:], noise[1:]), atol=1e-12)
    assert np.isnan(found[7]).all() and np.isnan(found[:, 7]).all()
    assert np.isnan(crossnobis_rdm(halves, np.full(20, np.nan))).all()


def test_neural_rdm_z_scores_every_neuroid():
    rates = np.random.default_rng(2).gamma(2.0, 5.0, size=(50, 20)) * np.arange(1, 21)
    z = (rates - rates.mean(0)) / rates.std(0)
    np.testing.assert_allclose(neural_rdm(rates), oracle_rdm(z), atol=1e-6)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
def test_measures(measure, ties):
    for seed in range(5):
        a, b = random_pairs(seed, ties=ties)
        assert MEASURES[measure](a, b) == pytest.approx(alike(a, b, measure), abs=1e-12)
        assert MEASURES[measure](a, a) == pytest.approx(alike(a, a, measure), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_kendall_counts_pairs_in_the_same_order(ties):
    a, b = random_pairs(3, ties=ties)
    i, j = np.triu_indices(len(a), 1)
    count = (np.sign(a[i] - a[j]) * np.sign(b[i] - b[j])).sum()
    assert kendall(a, b) == pytest.approx(count / len(i), abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_constant_rdm_is_alike_to_none(measure):
    a, _ = random_pairs(1)
    for constant in (np.zeros_like(a), np.full_like(a, 0.3)):
        if measure != "cosine" or not constant.any():
            assert MEASURES[measure](a, constant) == MEASURES[measure](constant, a) == 0


def test_partial_spearman_correlates_what_groups_leave_of_the_ranks():
    a, b = random_pairs(2)
    group = np.random.default_rng(0).integers(0, 4, len(a))
    a, b = a + 3 * group, b - 2 * group
    dummies = np.eye(4)[group]
    ranks = np.stack([a.argsort().argsort(), b.argsort().argsort()], axis=1).astype(float)
    rest = ranks - dummies @ np.linalg.lstsq(dummies, ranks)[0]
    expected = np.corrcoef(rest.T)[0, 1]
    assert partial_spearman(a, b, group) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(partial_spearman(a, dummies[:, 0], group))


def test_spearman_of_rdms():
    rng = np.random.default_rng(4)
    a, b = (rng.normal(size=(30, 12)) for _ in range(2))
    b += a
    rdms = [neural_rdm(x) for x in (a, b)]
    expected = spearmanr(*(squareform(rdm) for rdm in rdms)).statistic
    assert correlate(*(rank_rdm(rdm) for rdm in rdms))[0] == pytest.approx(expected, abs=1e-12)


def test_weighted_measures_are_those_of_the_resampled_pairs():
    rng = np.random.default_rng(9)
    rdms = [neural_rdm(rng.normal(size=(15, 8))) for _ in range(2)]
    draw = rng.integers(0, 15, 15)
    weights = np.bincount(draw, minlength=15)[None]
    pairs = [(i, j) for i in draw for j in draw if i != j]
    ranked = [rank_rdm(rdm, weights) for rdm in rdms]
    values = np.array([[r.values[i, j] for i, j in pairs] for r in ranked])
    assert correlate(*ranked)[0] == pytest.approx(np.corrcoef(values)[0, 1], abs=1e-12)
    values = np.array([[rdm[i, j] for i, j in pairs] for rdm in rdms])
    weighed = [weigh_rdm(squareform(rdm), weights) for rdm in rdms]
    assert correlate(*weighed)[0] == pytest.approx(np.corrcoef(values)[0, 1], abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_exact_bootstrap(ties):
    """Every draw as rsatoolbox resamples and compares it."""
    pairs = random_pairs(7, k=3, ties=ties)
    theirs = rsatoolbox.rdm.RDMs(pairs, rdm_descriptors={"number": [0, 1, 2]})
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, 14, 14) for _ in range(20)] + [np.repeat([0, 3, 5], 5)[:14]]
    one, *others = (order_rdm(squareform(rdm)) for rdm in pairs)
    found = exact_spearman(one, others, np.stack([np.bincount(draw, minlength=14) for draw in draws]))
    for draw, row in zip(draws, found, strict=True):
        resampled = theirs.subsample_pattern("index", draw)
        first, *rest = (resampled.subset("number", k) for k in range(3))
        expected = [rsatoolbox.rdm.compare(first, other, method="spearman")[0, 0] for other in rest]
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_exact_bootstrap_of_a_constant_rdm():
    constant, varied = order_rdm(np.ones((6, 6)) - np.eye(6)), order_rdm(squareform(random_pairs(0, n=6)[0]))
    assert exact_spearman(varied, [constant, varied], np.ones((1, 6), dtype=int)).tolist() == [[0, 1]]


def test_permutations_are_correlations_of_the_permuted_rdm():
    pairs = random_pairs(5)
    ranked = [rank_rdm(squareform(rdm)).values for rdm in pairs]
    null = permutation_null(ranked[0], squareform(ranked[1])[None], 50, 3)
    rng = np.random.default_rng(3)
    for found in null[:, 0]:
        order = rng.permutation(14)
        permuted = squareform(squareform(pairs[0])[np.ix_(order, order)])
        assert found == pytest.approx(spearmanr(permuted, pairs[1]).statistic, abs=1e-6)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("measure", MEASURES)
def test_noise_ceiling(measure, k):
    pairs = random_pairs(6, k=k)
    theirs = rsatoolbox.rdm.RDMs(pairs)
    found = noise_ceiling(pairs, measure)
    np.testing.assert_allclose(found, boot_noise_ceiling(theirs, THEIRS[measure]), atol=1e-8)
    _, test_set, ceil_set = sets_leave_one_out_rdm(theirs)
    np.testing.assert_allclose(found, cv_noise_ceiling(theirs, ceil_set, test_set, THEIRS[measure]), atol=1e-8)


def test_images_and_layers_without_a_pattern():
    x = np.random.default_rng(1).normal(size=(6, 40))
    x[2] = 3.0  # an image that drives all units alike
    rdm = correlation_rdm(gram_of(x))
    assert np.isfinite(rdm).all()
    np.testing.assert_allclose(np.delete(rdm[2], 2), 1)
    dead = correlation_rdm(gram_of(np.ones((6, 40), dtype=np.float32)))
    assert correlate(rank_rdm(dead), rank_rdm(rdm))[0] == 0

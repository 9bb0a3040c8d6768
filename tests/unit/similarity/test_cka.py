"""Linear CKA against the published formulas, with weights, and its invariances."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from ventral.gram.matrix import centre
from ventral.scores.resampling import bootstrap_weights, interval
from ventral.similarity.cka import hsic, linear_cka, make_kernel


def features(n: int, *widths: int, seed: int = 0, shared: float = 1.0) -> list[np.ndarray]:
    """Features of n stimuli that share a signal of four dimensions."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 4))
    return [shared * signal @ rng.normal(size=(4, p)) + rng.normal(size=(n, p)) + 3 for p in widths]


def cka(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(2, draw): biased and unbiased."""
    return np.stack(linear_cka(make_kernel(x @ x.T, weights), make_kernel(y @ y.T, weights)))


def test_biased_is_that_of_kornblith_on_features():
    x, y = (z - z.mean(axis=0) for z in features(40, 30, 200))
    between, of_x, of_y = (a.T @ b for a, b in ((y, x), (x, x), (y, y)))
    expected = np.linalg.norm(between) ** 2 / (np.linalg.norm(of_x) * np.linalg.norm(of_y))
    assert cka(x, y)[0, 0] == pytest.approx(expected, abs=1e-6)


def test_unbiased_is_the_formula_of_song():
    x, y = features(25, 30, 7)

    def published(a, b):
        n = len(a)
        k, l = (z @ z.T * (1 - np.eye(n)) for z in (a, b))  # noqa: E741
        cross = k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(axis=0) @ l.sum(axis=0) / (n - 2)
        return (np.trace(k @ l) + cross) / (n * (n - 3))

    expected = published(x, y) / np.sqrt(published(x, x) * published(y, y))
    assert cka(x, y)[1, 0] == pytest.approx(expected, abs=1e-5)


def test_weighted_unbiased_is_the_mean_over_tuples_of_different_stimuli():
    x, y = features(7, 3, 5)
    draws = np.random.default_rng(1).integers(0, 7, (3, 7))
    weights = np.stack([np.bincount(draw, minlength=7) for draw in draws])
    a, b = (make_kernel(z @ z.T, weights) for z in (x, y))
    k, l = a.pairs.astype(float), b.pairs.astype(float)  # noqa: E741
    for w, found in zip(weights, hsic(a, b)[1], strict=True):

        def mean(value, size, w=w):
            tuples = list(permutations(range(7), size))
            mass = [np.prod(w[list(t)]) for t in tuples]
            return np.average([value(*t) for t in tuples], weights=mass)

        pairs, chains = mean(lambda i, j: k[i, j] * l[i, j], 2), mean(lambda i, j, q: k[i, j] * l[i, q], 3)
        apart = mean(lambda i, j, q, r: k[i, j] * l[q, r], 4)
        assert found == pytest.approx(pairs - 2 * chains + apart, rel=1e-4, abs=1e-5)


def test_weighted_biased_is_that_of_the_resampled_matrices_whose_copies_are_unrelated():
    x, y = features(12, 3, 40)
    draw = np.random.default_rng(1).integers(0, 12, 12)
    copies = (draw[:, None] == draw) & ~np.eye(12, dtype=bool)
    k, l = (centre(np.where(copies, 0, centre(z @ z.T)[np.ix_(draw, draw)])) for z in (x, y))  # noqa: E741
    expected = (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())
    weights = np.bincount(draw, minlength=12)[None]
    assert cka(x, y, weights)[0, 0] == pytest.approx(expected, abs=1e-6)


def test_a_stimulus_without_weight_is_left_out():
    x, y = features(20, 9, 30)
    weights = np.ones((1, 20))
    weights[0, 15:] = 0
    np.testing.assert_allclose(cka(x, y, weights)[1], cka(x[:15], y[:15])[1], atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-15, 1e15), st.integers(2, 12), st.integers(5, 30))
def test_rotation_scale_and_origin_are_not_seen(seed, scale, p, n):
    x, y = features(n, p, 6, seed=seed)
    rng = np.random.default_rng(seed)
    turned = scale * ((x - x.mean(axis=0)) @ ortho_group.rvs(p, random_state=rng) + rng.normal(size=p))
    weights = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), 3)])
    np.testing.assert_allclose(cka(turned, y, weights), cka(x, y, weights), atol=1e-3)
    np.testing.assert_allclose(cka(turned, x, weights[:1]), 1, atol=1e-4)
    np.testing.assert_allclose(cka(x, x, weights[:1]), 1, atol=1e-12)


def test_only_biased_cka_finds_unrelated_features_alike():
    found = np.array([cka(*features(60, 500, 40, seed=seed, shared=0))[:, 0] for seed in range(20)])
    assert found[:, 0].min() > 0.5
    assert abs(found[:, 1].mean()) < 0.02


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_intervals_hold_the_estimate(shared):
    x, y = features(100, 400, 30, shared=shared)
    draws = cka(x, y, np.vstack([np.ones(100, dtype=int), bootstrap_weights(100, 300, 0)]))
    for one in draws:
        low, high = interval(one[0], one[1:])
        assert low < one[0] < high
        assert high - low < 0.2


def test_dead_features_are_alike_to_nothing_and_few_stimuli_say_nothing():
    x = features(10, 4)[0]
    np.testing.assert_array_equal(cka(x, np.zeros((10, 3))), 0)
    biased, unbiased = cka(x, x, np.array([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0]]))
    assert biased[0] == pytest.approx(1)
    assert np.isnan(unbiased[0])

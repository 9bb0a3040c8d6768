import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, pearsonr
from sklearn.metrics import explained_variance_score, mean_squared_error, r2_score

from ventral.scores import (
    METRICS,
    bootstrap_weights,
    ceiled_r2,
    interval,
    pearson_r,
    score,
    spearman_brown,
    tell_from_best,
)

seeds = st.integers(0, 2**32 - 1)


def pair(seed: int, n: int = 30, neuroids: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, neuroids)) * rng.uniform(0.1, 100) + rng.normal() * 1_000
    return y, y + rng.normal(size=y.shape) * rng.uniform(0.1, 10)


def oracle(y: np.ndarray, p: np.ndarray) -> dict[str, list[float]]:
    columns = list(zip(y.T, p.T, strict=True))
    return {
        "explained_variance": [explained_variance_score(*c) for c in columns],
        "r2": [r2_score(*c) for c in columns],
        "pearson_r": [pearsonr(*c).statistic for c in columns],
        "mse": [mean_squared_error(*c) for c in columns],
    }


@given(seeds)
def test_scores_agree_with_scikit_learn_and_scipy(seed):
    y, p = pair(seed)
    ours, expected = score(y, p), oracle(y, p)
    for metric in METRICS:
        np.testing.assert_allclose(ours[metric][0], expected[metric], rtol=1e-7, atol=1e-9)


@given(seeds)
def test_weights_are_repetitions(seed):
    y, p = pair(seed)
    weights = bootstrap_weights(len(y), 3, seed)
    draws = score(y, p, weights)
    for i, counts in enumerate(weights):
        rows = np.repeat(np.arange(len(y)), counts)
        once = score(y[rows], p[rows])
        for metric in METRICS:
            np.testing.assert_allclose(draws[metric][i], once[metric][0], rtol=1e-7, atol=1e-9)


@given(seeds, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_pearson_is_blind_to_scale_and_offset(seed, scale, offset):
    y, p = pair(seed)
    np.testing.assert_allclose(pearson_r(y, p * scale + offset), pearson_r(y, p), atol=1e-6)


def test_missing_responses_are_left_out_neuroid_by_neuroid():
    y, p = pair(0)
    y[::3, 1] = np.nan
    kept = np.isfinite(y[:, 1])
    ours = score(y, p)
    for metric in METRICS:
        assert ours[metric][0, 1] == pytest.approx(score(y[kept], p[kept])[metric][0, 1])
        assert ours[metric][0, 0] == pytest.approx(score(y, p)[metric][0, 0])


def test_a_constant_prediction_scores_zero_and_a_constant_response_nothing():
    y, _ = pair(0)
    ours = score(y, np.broadcast_to(y.mean(axis=0), y.shape))
    np.testing.assert_array_equal(ours["pearson_r"], 0)
    np.testing.assert_allclose(ours["explained_variance"], 0, atol=1e-9)
    assert np.isnan(score(np.ones((5, 1)), np.arange(5.0)[:, None])["r2"]).all()


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        score(np.zeros((3, 2)), np.zeros((3, 1)))


def test_ceiling_divides_by_the_reliability_not_by_its_square():
    # A perfect model of a neuroid with reliability .25 reaches r = .5: all that can be explained, 1 and not 4.
    assert ceiled_r2(np.array([0.5]), np.array([0.25]))[0] == 1
    assert ceiled_r2(np.array([-0.5]), np.array([0.25]))[0] == -1
    assert np.isnan(ceiled_r2(np.array([0.5]), np.array([-0.1]))[0])
    assert spearman_brown(0.5) == pytest.approx(2 / 3)


def test_interval_of_unbiased_draws_is_that_of_percentiles():
    draws = np.random.default_rng(1).normal(size=(100_000, 2))
    draws[:, 1] = np.nan
    bounds = interval(np.zeros(2), draws)
    np.testing.assert_allclose(bounds[:, 0], [-1.96, 1.96], atol=0.03)
    assert np.isnan(bounds[:, 1]).all()


def test_interval_agrees_with_scipy():
    x = np.random.default_rng(3).exponential(size=40)
    weights = bootstrap_weights(40, 20_000, 0)
    variances = weights @ x**2 / 40 - (weights @ x / 40) ** 2
    ours = interval(x.var(), variances)
    oracle = bootstrap((x,), np.var, n_resamples=20_000, method="percentile", rng=0)
    shift = norm.ppf((variances < x.var()).mean())
    expected = np.quantile(oracle.bootstrap_distribution, norm.cdf(2 * shift + norm.ppf([0.025, 0.975])))
    np.testing.assert_allclose(ours, expected, rtol=0.03)


def test_groups_are_drawn_whole():
    groups = np.array(list("cabbacdefc"))
    weights = bootstrap_weights(10, 200, 0, groups)
    for name in np.unique(groups):
        assert (np.ptp(weights[:, groups == name], axis=1) == 0).all()
    first = np.unique(groups, return_index=True)[1]
    assert (weights[:, first].sum(axis=1) == len(first)).all()
    alone = np.array(list("jihgfedcba"))
    np.testing.assert_array_equal(bootstrap_weights(10, 200, 0, alone), bootstrap_weights(10, 200, 0))


def test_interval_of_the_mean_score_covers_the_truth():
    """Of a hundred simulated experiments, about ninety-five intervals hold the true r."""
    truth, covered = 0.6, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(150, 8))
        y = truth * signal + np.sqrt(1 - truth**2) * rng.normal(size=signal.shape)
        draws = score(y, signal, bootstrap_weights(150, 400, seed))["pearson_r"].mean(axis=1)
        low, high = interval(score(y, signal)["pearson_r"].mean(), draws)
        covered += low <= truth <= high
    assert 90 <= covered <= 99


def test_encoders_of_equal_quality_are_seldom_told_apart_and_worse_ones_are():
    told = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(200, 6))
        y = signal + rng.normal(size=signal.shape)
        predictions = [signal + noise * rng.normal(size=signal.shape) for noise in (0.5, 0.5, 2.0)]
        weights = np.vstack([np.ones(200, dtype=int), bootstrap_weights(200, 300, seed)])
        draws = np.stack([score(y, p, weights)["pearson_r"].mean(axis=1) for p in predictions])
        p = tell_from_best(draws)
        assert p.max() == 1 and p[2] < 1e-3
        told += (p[:2] < 0.05).any()
    assert told <= 9


def test_the_same_predictions_and_none_are_not_told_from_the_best():
    draws = np.random.default_rng(0).normal(size=(1, 100))
    p = tell_from_best(np.vstack([draws, draws, np.full((1, 100), np.nan)]))
    assert p[:2].tolist() == [1, 1] and np.isnan(p[2])

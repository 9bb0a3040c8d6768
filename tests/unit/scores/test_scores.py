import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, pearsonr
from sklearn.metrics import explained_variance_score, mean_squared_error, r2_score

from ventral.scores.catalogue import METRICS
from ventral.scores.ceilings import ceiled_r2
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.scores.r2 import r2
from ventral.scores.resampling import bootstrap_weights, interval
from ventral.scores.scoring import influence, score

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
    theirs = oracle.bootstrap_distribution
    expected = np.quantile(theirs, [0.025, 0.975]) - theirs.mean() + x.var()  # about the estimate
    np.testing.assert_allclose(ours, expected, rtol=0.03)


def test_an_interval_holds_its_estimate_and_has_a_width_where_resamples_are_biased():
    """Draws far below the estimate: percentiles corrected for bias would collapse to the largest draw."""
    draws = np.random.default_rng(0).normal(0.3, 0.01, 1000)
    low, high = interval(0.4, draws)
    assert low == pytest.approx(0.38, abs=0.002) and high == pytest.approx(0.42, abs=0.002)


def test_groups_are_drawn_whole():
    groups = np.array(list("cabbacdefc"))
    weights = bootstrap_weights(10, 200, 0, groups)
    for name in np.unique(groups):
        assert (np.ptp(weights[:, groups == name], axis=1) == 0).all()
    first = np.unique(groups, return_index=True)[1]
    assert (weights[:, first].sum(axis=1) == len(first)).all()
    alone = np.array(list("jihgfedcba"))
    np.testing.assert_array_equal(bootstrap_weights(10, 200, 0, alone), bootstrap_weights(10, 200, 0))


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_influences_lie_between_the_derivative_and_the_deletion(grouped, missing):
    """Both taken by scoring with changed weights, one group at a time."""
    y, p = pair(3, n=24)
    if missing:
        y[::3, 1] = np.nan
    groups = np.repeat(list("hgfedcba"), 3) if grouped else np.arange(24)
    values, found = influence(y, p, groups if grouped else None)
    whole = score(y, p)
    for metric in METRICS:
        np.testing.assert_allclose(values[metric], whole[metric][0])
    for i, name in enumerate(np.unique(groups)):
        own = groups == name
        nudged, without = (score(y, p, np.where(own, left, 1.0)[None]) for left in (1 - 1e-5, 0.0))
        for metric in METRICS:
            derivative = (whole[metric] - nudged[metric])[0] / 1e-5
            deletion = (whole[metric] - without[metric])[0]
            expected = np.sign(derivative) * np.sqrt(np.abs(derivative * deletion))
            scale = np.abs(found[metric]).max(axis=0)
            assert (np.abs(found[metric][i] - expected) < 0.01 * scale).all()


def test_a_neuroid_of_one_spike_has_finite_influences():
    y = np.zeros((12, 1))
    y[4] = 1.0
    values, found = influence(y, np.random.default_rng(0).normal(size=y.shape))
    for metric in METRICS:
        assert np.isfinite(values[metric]).all() and np.isfinite(found[metric]).all()


def test_a_resample_in_which_all_responses_are_equal_has_no_score():
    y = np.full((12, 1), 0.1)
    y[4] = 0.3
    weights = np.vstack([np.ones(12), np.arange(12) != 4, np.arange(12) > 5])
    found = score(y, np.random.default_rng(0).normal(size=y.shape), weights)
    for metric in ("explained_variance", "r2", "pearson_r"):
        assert np.isfinite(found[metric][:, 0]).tolist() == [True, False, False]


def test_r2_of_what_was_recorded_and_predicted():
    rates = np.array([[1.0, np.nan, 3, 2, 5], [2, np.nan, 3, np.nan, 7], [3, np.nan, 3, 4, 1e9]])
    predictions = np.array([[1.5, 0, 2, 2, 5], [2, 0, 3, 9, 7], [2.5, 0, 4, 4, np.nan]])
    np.testing.assert_allclose(r2(rates, predictions), [0.75, 0, 0, 1, 1])
    np.testing.assert_array_equal(r2(np.full((9, 2), [0.1, 1e6]), np.ones((9, 2))), 0)

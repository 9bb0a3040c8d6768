"""Self-consistency, false discoveries, face selectivity and latencies, against loops and against known truth."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ventral.data.xiao.psth import psth
from ventral.data.xiao.selectivity import (
    consistency_latency,
    face_selectivity,
    fdr_tsbky,
    psth_latency,
    self_consistency,
    self_consistency_test,
    visually_selective,
)

seeds = st.integers(0, 2**32 - 1)


# ---- self-consistency


def gaze(rng, n, n_images=3, side=3.0):
    """(n,) images and places on a grid of quarter degrees, so that pairs at exactly one degree occur."""
    stimulus = rng.choice([f"image {i}" for i in range(n_images)], n)
    return stimulus, *np.round(rng.uniform(0, side, (2, n)) * 4) / 4


def pairs_by_loop(stimulus, x, y, limit=1.0):
    return [
        (i, j)
        for i, j in combinations(range(len(x)), 2)
        if stimulus[i] == stimulus[j] and np.hypot(x[i] - x[j], y[i] - y[j]) <= limit
    ]


@given(seeds, st.integers(12, 40), st.sampled_from([0.25, 1.0, 2.0]))
def test_self_consistency_is_pearson_r_over_pairs_in_both_orders(seed, n, limit):
    rng = np.random.default_rng(seed)
    stimulus, x, y = gaze(rng, n)
    rates = rng.poisson(3, (n, 4)) * 5.0
    r = self_consistency(rates, stimulus, x, y, limit)
    pairs = pairs_by_loop(stimulus, x, y, limit)
    for u in range(4):
        first = [rates[i, u] for pair in pairs for i in pair]
        second = [rates[i, u] for pair in pairs for i in reversed(pair)]
        if len(set(first)) < 2:
            assert np.isnan(r[u])
        else:
            assert r[u] == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-9)


def test_a_unit_without_spikes_or_a_session_without_pairs_has_no_self_consistency():
    rates = np.array([[0.0, 1], [0, 2], [0, 4]])
    r, p = self_consistency_test(rates, np.array(["a", "a", "b"]), np.zeros(3), np.zeros(3), 5, 0)
    assert np.isnan([r[0], p[0]]).all() and r[1] == pytest.approx(-1)
    r, p = self_consistency_test(rates, np.array(["a", "b", "c"]), np.zeros(3), np.zeros(3), 5, 0)
    assert np.isnan([r, p]).all()


def test_p_counts_the_permutations_of_fixations_that_reach_r():
    rng = np.random.default_rng(1)
    stimulus, x, y = gaze(rng, 60)
    tuning = {name: rng.normal() for name in np.unique(stimulus)}
    rates = np.column_stack([rng.normal(size=60), [tuning[name] + rng.normal() for name in stimulus]])
    r, p = self_consistency_test(rates, stimulus, x, y, 2000, 0)
    np.testing.assert_allclose(r, self_consistency(rates, stimulus, x, y))
    by_hand = np.array([self_consistency(rates[rng.permutation(60)], stimulus, x, y) for _ in range(2000)])
    np.testing.assert_allclose(p, (1 + (by_hand >= r).sum(axis=0)) / 2001, atol=0.05)
    again = self_consistency_test(rates, stimulus, x, y, 2000, 0)
    np.testing.assert_array_equal(again, (r, p))
    assert p[1] < 0.01


def test_p_is_uniform_where_a_unit_sees_nothing():
    """Fixations crowd on few places, so that each is in many pairs: those are not independent."""
    rng = np.random.default_rng(2)
    stimulus, x, y = gaze(rng, 200, side=1.5)
    _, p = self_consistency_test(rng.normal(size=(200, 400)), stimulus, x, y, 200, 0)
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert p.mean() == pytest.approx(0.5, abs=0.05)


# ---- false discoveries

# The fifteen p values of Benjamini & Hochberg 1995, section 3.
P = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1]


def test_two_stages_by_hand():
    """Level 0.05. First stage at 0.05 / 1.05 = 0.04762: steps of 0.04762 / 15 = 0.003175. The fourth step, 0.01270,
    is over p_4 = 0.0095, the ninth, 0.02857, under p_9 = 0.0459, as are those between under theirs: four rejections,
    eleven left. Second stage: steps of 0.04762 / 11 = 0.004329. The eighth, 0.03463, is over p_8 = 0.0344, the ninth,
    0.03896, under p_9: eight rejections.

    q is p_i * 15 / i, the smallest of it from there on, times 1.05 * 11 / 15 = 0.77: q_8 = 0.0344 * 15 / 8 * 0.77 =
    0.0496650; q_9 = 0.0459 * 15 / 9 * 0.77 = 0.0589050; q_5 to q_7 are q_8's or less: 0.0201 * 3 * 0.77 = 0.0464310,
    then min(0.0278 * 2.5, 0.0298 * 15 / 7, ...) = 0.0638571 * 0.77 = 0.0491700 for both.
    """
    q = fdr_tsbky(np.array(P), 0.05)
    assert (q <= 0.05).sum() == 8
    expected = [0.0491700, 0.0491700, 0.0496650, 0.0589050]
    np.testing.assert_allclose(q[[5, 6, 7, 8]], expected, atol=1e-7)
    np.testing.assert_allclose(q[[0, 1, 4]], [0.0001 * 15 * 0.77, 0.0004 * 7.5 * 0.77, 0.046431], atol=1e-7)
    assert q[-1] == 0.77


def test_without_a_first_rejection_or_with_nothing_but_rejections():
    np.testing.assert_allclose(fdr_tsbky(np.array([0.04, 0.5]), 0.05), [0.084, 0.525])
    np.testing.assert_allclose(fdr_tsbky(np.array([0.01, 0.02]), 0.05), [0.021, 0.021])
    assert fdr_tsbky(np.array([]), 0.05).size == 0
    np.testing.assert_array_equal(fdr_tsbky(np.array([np.nan]), 0.05), [np.nan])


def two_stages(p, level):
    """Rejections by stepping up twice, as Benjamini, Krieger & Yekutieli 2006 state it."""

    def step_up(alpha):
        passed = [i for i, value in enumerate(sorted(p), 1) if value <= i * alpha / len(p)]
        return max(passed, default=0)

    first = step_up(level / (1 + level))
    if first in (0, len(p)):
        return first
    return step_up(level / (1 + level) * len(p) / (len(p) - first))


@given(st.lists(st.floats(0, 1).map(lambda v: round(v**3, 4)), min_size=1, max_size=30), st.sampled_from([0.01, 0.1]))
def test_two_stages_by_stepping_up(p, level):
    q = fdr_tsbky(np.array([*p, np.nan]), level)
    assert np.isnan(q[-1])
    # A step that p meets to the last bit may fall either way.
    assert (q[:-1] < level * (1 - 1e-12)).sum() <= two_stages(p, level) <= (q[:-1] <= level * (1 + 1e-12)).sum()


def test_selective_units_have_both_r_and_q():
    q, selective = visually_selective(np.array([0.3, 0.05, 0.3, np.nan]), np.array([1e-4, 1e-4, 0.5, np.nan]))
    assert selective.tolist() == [True, False, False, False]
    assert np.isnan(q[3])


# ---- faces


def test_face_selectivity_of_known_rates():
    rates = np.array([[6.0, 0], [6, 0], [2, 0], [2, 0], [100, 5]])
    in_face = np.array([[1, 1], [1, 1], [0, 0], [0, 0], [0, 0]], dtype=bool)
    in_none = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [0, 0]], dtype=bool)  # the last is in neither
    index, low, high = face_selectivity(rates, in_face, in_none, np.arange(5), 100, 0)
    assert index[0] == low[0] == high[0] == pytest.approx(0.5)
    assert np.isnan([index[1], low[1], high[1]]).all()
    nowhere = face_selectivity(rates, np.zeros_like(in_face), in_none, np.arange(5), 100, 0)
    assert np.isnan(nowhere).all()


def test_intervals_of_face_selectivity_resample_presentations():
    rng = np.random.default_rng(0)
    covered, widths = [], []
    for seed in range(60):
        presentation = np.repeat(np.arange(80), 5)
        in_face = np.repeat(rng.random(80) < 0.5, 5)[:, None]
        level = np.repeat(rng.gamma(4, 0.25, 80), 5)[:, None]  # the same for all fixations of a presentation
        rates = rng.poisson(np.where(in_face, 6, 4) * level).astype(float)
        _, low, high = face_selectivity(rates, in_face, ~in_face, presentation, 200, seed)
        covered.append(low <= 0.2 <= high)
        _, low_each, high_each = face_selectivity(rates, in_face, ~in_face, np.arange(400), 200, seed)
        widths.append((high - low) / (high_each - low_each))
    assert 0.85 <= np.mean(covered) <= 1
    assert np.mean(widths) > 1.3


# ---- responses in time


@given(seeds, st.integers(1, 12), st.integers(-30, 10), st.integers(1, 10))
def test_psth_is_the_mean_over_dense_rasters(seed, bin_ms, start, n_bins):
    rng = np.random.default_rng(seed)
    rasters = rng.poisson(0.1, (3, 1000))
    spikes = [np.repeat(np.arange(1000), row) for row in rasters]
    onsets = rng.uniform(200, 800, rng.integers(1, 20))
    rate = psth(spikes, onsets, (start, start + n_bins * bin_ms), bin_ms)
    begin = [round(t) + start for t in onsets]
    dense = [[row[b : b + n_bins * bin_ms].reshape(-1, bin_ms).sum(axis=1) for b in begin] for row in rasters]
    np.testing.assert_allclose(rate, np.mean(dense, axis=1) / (bin_ms / 1000))


def test_psth_of_no_events_and_of_half_a_bin():
    assert np.isnan(psth([np.array([3])], np.array([]), (0, 10), 5)).all()
    with pytest.raises(ValueError, match="window 0 to 12 ms is not a whole number of bins of 5 ms"):
        psth([np.array([3])], np.array([1.0]), (0, 12), 5)


def simulate(rng, latency_ms, n_units=6, n=3000):
    """Fixations on 20 places in 10 images, and units whose rate follows the place from `latency_ms` on for 100 ms."""
    onset = 1000 + np.cumsum(rng.uniform(250, 450, n))
    place = rng.integers(0, 200, n)
    gain = rng.gamma(2, 20, (200, n_units))
    spikes = []
    for u in range(n_units):
        base = rng.uniform(0, onset[-1] + 1000, rng.poisson(8 * (onset[-1] + 1000) / 1000))
        count = rng.poisson(gain[place, u] * 0.1)
        driven = np.repeat(onset + latency_ms, count) + rng.uniform(0, 100, count.sum())
        spikes.append(np.sort(np.floor(np.concatenate([base, driven]))).astype(np.int32))
    jitter = rng.uniform(-0.2, 0.2, (2, n))
    return spikes, onset, place // 20, place % 20 * 3 + jitter[0], jitter[1]


@pytest.mark.parametrize("latency_ms", [43, 60, 88, 121])
def test_latencies_are_within_5_ms_of_truth(latency_ms):
    spikes, onset, stimulus, x, y = simulate(np.random.default_rng(latency_ms), latency_ms)
    np.testing.assert_allclose(psth_latency(spikes, onset), latency_ms, atol=5)
    np.testing.assert_allclose(consistency_latency(spikes, onset, stimulus, x, y), latency_ms, atol=5)


def test_latency_of_suppression():
    rng = np.random.default_rng(0)
    onset = 1000 + 400.0 * np.arange(1000)
    times = rng.uniform(0, 402_000, 402 * 40)
    since = (times - 1000) % 400
    spikes = [np.sort(times[~((since >= 70) & (since < 200))]).astype(np.int32)]
    np.testing.assert_allclose(psth_latency(spikes, onset), 70, atol=5)


def test_units_without_a_response_have_no_latency():
    rng = np.random.default_rng(3)
    _, onset, stimulus, x, y = simulate(rng, 60, n_units=1)
    end = onset[-1] + 1000
    spikes = [np.sort(rng.uniform(0, end, int(end / 1000 * rate))).astype(np.int32) for rate in (1, 5, 20, 60)]
    spikes.append(np.array([], dtype=np.int32))
    assert np.isnan(psth_latency(spikes, onset)).all()
    assert np.isnan(consistency_latency(spikes, onset, stimulus, x, y)).all()

"""Whether, when and to what units respond in free viewing: measures after Xiao et al. 2024."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ventral.data.xiao.psth import psth
from ventral.data.xiao.spikes import count_spikes
from ventral.scores.resampling import bootstrap_weights, interval

Floats = NDArray[np.float64]

RETURN_DVA = 1.0  # two fixations on an image that are this close count as repetitions
SMALLEST_R, FALSE_DISCOVERIES = 0.1, 0.01  # thresholds for a visually selective unit
FIRST_MS, LAST_MS = 20, 300  # visual responses begin no earlier; later ones belong to the next fixation
EDGE_MS, EDGE = 20, 5.0  # windows before and after a change, and its smallest size in standard errors
NEARLY = 0.7  # changes of this share of the steepest one count as edges too
LATEST_MS = 200  # onsets are searched up to here; later changes are ends of responses
SHARED = 4.0  # a latency needs a covariance this many standard errors above 0: p = 0.003 over a hundred windows
SLIDING_MS, STEP_MS = 40, 4  # windows of self-consistency in time
BEFORE_MS = 100  # the baseline of self-consistency is measured from so long before the onset


def self_consistency(
    rates: Floats, stimulus: NDArray[Any], x: Floats, y: Floats, max_distance_dva: float = RETURN_DVA
) -> Floats:
    """Self-consistency (Xiao et al. 2024): Pearson r of a unit's responses to pairs of fixations on the same place.

    Every two fixations on the same image at most `max_distance_dva` apart are a pair, also within one presentation, and
    also successive ones. A pair has no order, so it counts in both orders, and both sides of the correlation have the
    same mean and variance.

    Args:
        rates: (n, U) rate of every unit after every fixation.
        stimulus: (n,) image of each fixation.
        x: (n,) place in degrees.
        y: (n,) place in degrees.
        max_distance_dva: largest distance within a pair in degrees.

    Returns:
        (U,) r; NaN if the rates of a unit are the same in all pairs, or if there is no pair.
    """
    return _pair_r(rates - rates.mean(axis=0), _pair_matrix(stimulus, x, y, max_distance_dva))


def self_consistency_test(
    rates: Floats,
    stimulus: NDArray[Any],
    x: Floats,
    y: Floats,
    n_permutations: int,
    seed: int,
    max_distance_dva: float = RETURN_DVA,
) -> tuple[Floats, Floats]:
    """Self-consistency with its p value, from permutations.

    The responses are permuted over fixations, together for all units, and the pairs stay. So a fixation in many pairs
    stays in many pairs. Permuting the partners of pairs instead would treat these pairs as independent, and p would be
    too small.

    Args:
        rates: (n, U); this and the others are as for `self_consistency`.
        stimulus: (n,).
        x: (n,).
        y: (n,).
        n_permutations: number of permutations.
        seed: seed of the permutations.
        max_distance_dva: largest distance within a pair.

    Returns:
        (U,) r and (U,) p = (1 + permutations that reach r) / (1 + permutations), NaN where r is.
    """
    pairs = _pair_matrix(stimulus, x, y, max_distance_dva)
    paired = np.flatnonzero(pairs.sum(axis=0))
    pairs = pairs[paired][:, paired]
    centred = rates - rates.mean(axis=0)
    r = _pair_r(centred[paired], pairs)
    rng = np.random.default_rng(seed)
    reached = np.zeros(len(r), dtype=np.int64)
    for _ in range(n_permutations):
        dealt = rng.permutation(len(rates))[: len(paired)]
        reached += _pair_r(centred[dealt], pairs) >= r - 1e-12  # rates are small counts, and ties must stay ties
    return r, np.where(np.isnan(r), np.nan, (1 + reached) / (1 + n_permutations))


def _pair_matrix(stimulus: NDArray[Any], x: Floats, y: Floats, max_distance_dva: float) -> Any:
    """(n, n) sparse, symmetric: 1 where two fixations are a pair."""
    _, image = np.unique(stimulus, return_inverse=True)
    # Each image gets a plane of its own, too far from the others for pairs, so that one search finds all pairs.
    places = np.column_stack([x, y, image * (2 * max_distance_dva + 1)])
    i, j = cKDTree(places).query_pairs(max_distance_dva, output_type="ndarray").T
    half = sparse.csr_array((np.ones(len(i)), (i, j)), shape=(len(x), len(x)))
    return half + half.T


def _pair_moments(rates: Floats, pairs: Any) -> tuple[Floats, Floats]:
    """(U,) covariance within pairs of (n, U) rates, and their variance over pairs, each pair in both orders."""
    degree = pairs.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square = (degree @ power / degree.sum() for power in (rates, rates**2))
        return (rates * (pairs @ rates)).sum(axis=0) / degree.sum() - mean**2, square - mean**2


def _pair_r(centred: Floats, pairs: Any) -> Floats:
    covariance, variance = _pair_moments(centred, pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Below this, the variance is rounding.
        return np.where(variance > 1e-12 * np.square(centred).max(axis=0, initial=0), covariance / variance, np.nan)


def fdr_tsbky(p: Floats, level: float) -> Floats:
    """Adjusted p of the two-stage procedure of Benjamini, Krieger & Yekutieli 2006 (definition 6).

    The first stage, Benjamini & Hochberg at level / (1 + level), rejects r of m hypotheses. The second stage takes m -
    r as the number of true null hypotheses. The result depends on the level, because the first stage does.

    Args:
        p: (m,) p values; NaN for none, which does not count in m.
        level: false discovery rate.

    Returns:
        (m,) q: a hypothesis is rejected if q <= level; NaN where p is NaN.
    """
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    m = len(tested)
    order = tested[np.argsort(p[tested])]
    adjusted = np.minimum.accumulate((p[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    rejected = (adjusted * (1 + level) <= level).sum()
    true = m - rejected if rejected < m else m
    q[order] = np.minimum(adjusted * (1 + level) * true / max(m, 1), 1)
    return q


def visually_selective(r: Floats, p: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(m,) adjusted p of m self-consistencies, and which units are selective: r >= 0.1 and q < 0.01 (Xiao et al. 2024).

    Args:
        r: (m,) self-consistencies.
        p: (m,) their p values.
    """
    q = fdr_tsbky(p, FALSE_DISCOVERIES)
    return q, (r >= SMALLEST_R) & (q < FALSE_DISCOVERIES)


def face_selectivity(
    rates: Floats,
    in_face: NDArray[np.bool_],
    in_none: NDArray[np.bool_],
    presentation: NDArray[Any],
    n_draws: int,
    seed: int,
) -> Floats:
    """Index (F - N) / (F + N) of the mean rates in faces and elsewhere (Xiao et al. 2024), with a 95 % interval.

    Args:
        rates: (n, U) rate of every unit after every fixation.
        in_face: (n, U) whether the unit's receptive field was in a face.
        in_none: (n, U) whether it was in no region.
        presentation: (n,) presentation of each fixation; resamples draw whole presentations.
        n_draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        (3, U) index, lower and upper bound; NaN if one kind of fixation is missing or both rates are 0.
    """
    ids, shown = np.unique(presentation, return_inverse=True)
    gather = sparse.csr_array((np.ones(len(shown)), (shown, np.arange(len(shown)))), shape=(len(ids), len(shown)))
    parts = [gather @ (values * kind) for kind in (in_face, in_none) for values in (rates, np.ones_like(rates))]

    def index(weights: NDArray[Any]) -> Floats:
        face_sum, n_face, other_sum, n_other = (weights @ part for part in parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            face, other = face_sum / n_face, other_sum / n_other
            return (face - other) / (face + other)

    own = index(np.ones((1, len(ids))))[0]
    return np.stack([own, *interval(own, index(bootstrap_weights(len(ids), n_draws, seed)))])


def psth_latency(spikes: Sequence[NDArray[np.integer]], onsets_ms: Floats) -> Floats:
    """Latency of a unit by its steepest change of rate, up or down, between `EDGE_MS` and the `EDGE_MS` before.

    Free viewing has no quiet baseline: the response to the previous fixation is still fading, at times that vary with
    the duration of that fixation. Only the response to the current fixation has a sharp edge. A response may end as
    sharply as it began, so the first edge that is nearly as steep as the steepest counts.

    Args:
        spikes: U arrays of ascending spike times in ms.
        onsets_ms: (n,) times of the events.

    Returns:
        (U,) ms from the event, between `FIRST_MS` and `LATEST_MS`; NaN if the change is below `EDGE` standard errors of
        Poisson counts.
    """
    fine = psth(spikes, onsets_ms, (FIRST_MS - EDGE_MS, LATEST_MS + EDGE_MS), 1)
    rate = sliding_window_view(fine, EDGE_MS, axis=1).mean(axis=2)
    after, before = rate[:, EDGE_MS:], rate[:, :-EDGE_MS]
    error = np.sqrt((after + before) / (max(len(onsets_ms), 1) * EDGE_MS / 1000))
    steep = np.abs(after - before)
    nearly = steep >= NEARLY * steep.max(axis=1, keepdims=True)
    first = nearly.argmax(axis=1)[:, None]
    within = (np.arange(steep.shape[1]) >= first) & (np.arange(steep.shape[1]) < first + EDGE_MS)
    best = np.where(within, steep, -1).argmax(axis=1)[:, None]
    clear = np.take_along_axis(steep, best, axis=1) > EDGE * np.take_along_axis(error, best, axis=1)
    return np.where(clear[:, 0], FIRST_MS + best[:, 0], np.nan)


def consistency_latency(
    spikes: Sequence[NDArray[np.integer]],
    onsets_ms: Floats,
    stimulus: NDArray[Any],
    x: Floats,
    y: Floats,
    max_distance_dva: float = RETURN_DVA,
) -> Floats:
    """Latency of a unit by self-consistency: when the covariance within pairs of fixations rises to half its height.

    The covariance of counts within pairs, minus its mean before the onset, is the variance of the unit's signal about
    the place. It is taken in windows of `SLIDING_MS` from before the onset to `LAST_MS`. Its square root grows in
    proportion to the part of the window that the response fills, so it reaches half height when the middle of the
    window is at the onset of the response. r or the covariance itself would reach it later.

    Args:
        spikes: U arrays of ascending spike times in ms.
        onsets_ms: (n,) onsets of the fixations.
        stimulus: (n,) image of each, as in `self_consistency`.
        x: (n,) place in degrees.
        y: (n,) place in degrees.
        max_distance_dva: largest distance within a pair.

    Returns:
        (U,) ms from the onset: the last rise through half height before the peak. NaN if the peak is below `SHARED`
        standard errors, or if the rise is before `FIRST_MS`, because fixations then share more than the place.
    """
    pairs = _pair_matrix(stimulus, x, y, max_distance_dva)
    begins = np.arange(-BEFORE_MS, LAST_MS, STEP_MS)
    onset = np.rint(onsets_ms).astype(np.int64)
    shared = np.empty((len(spikes), len(begins)))
    error = np.empty_like(shared)
    for t, begin in enumerate(begins):
        counts = np.column_stack([count_spikes(times, onset + begin, SLIDING_MS) for times in spikes])
        shared[:, t], variance = _pair_moments(counts - counts.mean(axis=0), pairs)
        error[:, t] = variance / np.sqrt(max(pairs.nnz / 2, 1))
    shared -= shared[:, begins + SLIDING_MS <= FIRST_MS].mean(axis=1, keepdims=True)
    peak = shared.argmax(axis=1)[:, None]
    peaks = np.take_along_axis(shared, peak, axis=1) > SHARED * np.take_along_axis(error, peak, axis=1)
    height = np.sqrt(np.maximum(shared, 0))
    latency = np.array([_half_height(begins + SLIDING_MS / 2, own) for own in height])
    return np.where(peaks[:, 0] & (latency >= FIRST_MS), latency, np.nan)


def _half_height(time: NDArray[Any], height: NDArray[Any]) -> float:
    """The time when `height` last rises through half of its peak before the peak, by linear interpolation."""
    half, peak = height.max() / 2, int(height.argmax())
    below = np.flatnonzero(height[:peak] < half)
    if not below.size:
        return np.nan
    i = below[-1]
    return float(np.interp(half, height[i : i + 2], time[i : i + 2]))

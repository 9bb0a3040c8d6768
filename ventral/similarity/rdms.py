"""Representational dissimilarity matrices (RDMs), from Gram matrices, and their correlation under resampling."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.gram.matrix import Gram, gram_of
from ventral.scores.ceilings import step_up
from ventral.scores.moments import CONSTANT
from ventral.similarity.measures import rank

Floats = NDArray[np.float64]

# An image counts as flat if its variance over units is below this share of the numbers that it is computed from:
# float32 rounding.
FLAT = 1e-6
LEAST = 3  # fewest neuroids behind an entry of an RDM, and fewest stimuli of one; over two, r is 1 or -1
DECIMALS = 6  # of a dissimilarity, relative to the largest, that are exact with float32 inner products


def correlation_rdm(gram: Gram) -> Floats:
    """1 - Pearson r over units between every two images (Kriegeskorte, Mur & Bandettini 2008), from a Gram matrix.

    Args:
        gram: of n images.

    Returns:
        (n, n), symmetric, with a zero diagonal. An image with the same value in all units gets r = 0 with every other.
    """
    # Inner products after subtracting each image's mean over units: undo the centring over images, but not through the
    # raw products, in which a large mean would cost all digits. Two n x n arrays in all, each step symmetric to the
    # last bit.
    rows = np.outer(gram.unit_sum, gram.unit_sum)
    rows /= -gram.n_units
    rows += gram.inner
    other = np.add.outer(gram.mean_product, gram.mean_product)
    rows += other
    rows += gram.mean_norm2
    variance = np.diag(rows).copy()
    # For an image with the same value in all units only rounding is left, which must not be scaled up to a pattern.
    flat = variance <= FLAT * (np.diag(gram.inner) + gram.mean_norm2)
    norm = np.sqrt(np.where(flat, 1, variance))
    rows /= np.outer(norm, norm, out=other)
    rows[flat] = rows[:, flat] = 0
    rdm: Floats = np.subtract(1, np.clip(rows, -1, 1, out=rows), out=rows)
    np.fill_diagonal(rdm, 0)
    return _share_ties(rdm)


def _share_ties(rdm: Floats) -> Floats:
    """In an RDM with few distinct values, such as one made of labels, make values equal, in place, that rounding
    separated.

    Ranks would turn rounding into an order. An RDM has few values if at least half of its first row repeats.
    """
    largest = rdm.max()
    if largest > 0 and 2 * len(np.unique(np.round(rdm[0] / largest, DECIMALS - 1))) <= len(rdm):
        rdm /= largest
        np.round(rdm, DECIMALS, out=rdm)
        rdm *= largest
    return rdm


def neural_gram(rates: NDArray[np.floating]) -> Gram:
    """Gram matrix of (n stimuli, neuroid) responses, each neuroid z-scored first.

    Without z-scoring, neuroids with high rates would dominate the pattern of every stimulus.
    """
    spread = rates.std(axis=0)
    scored = (rates - rates.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return gram_of(scored.astype(np.float64))


def shared_stimuli(seen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The stimuli of an RDM: those that all neuroids saw, or such that every two were seen by `LEAST` neuroids.

    The latter applies if fewer than half of the stimuli would be left, as when single trials are missing. Then the
    stimulus with the most unknown pairs is left out, again and again, until every pair is known.

    Args:
        seen: (n stimuli, neuroid) whether there is a response.

    Returns:
        (m,) indices. A pair of them lacks neuroids only if there are fewer than `LEAST` in all.
    """
    complete = seen.all(axis=1)
    if 2 * complete.sum() >= seen.any(axis=1).sum():
        return np.flatnonzero(complete)
    both = seen.astype(np.float32) @ seen.T.astype(np.float32)
    kept = np.flatnonzero(np.diag(both) >= LEAST)
    lacking = both[np.ix_(kept, kept)] < LEAST
    counts, left = lacking.sum(axis=1), np.ones(len(kept), dtype=bool)
    while counts.any():
        worst = int(np.argmax(counts))
        left[worst] = False
        counts = np.where(left, counts - lacking[worst], 0)
    return kept[left]


def neural_rdm(rates: NDArray[np.floating]) -> Floats:
    """Correlation RDM of (n stimuli, neuroid) responses, each neuroid z-scored first.

    If responses are missing (NaN), each entry uses the neuroids that saw both stimuli.
    """
    return correlation_rdm(neural_gram(rates)) if np.isfinite(rates).all() else paired_rdm(rates)


def paired_rdm(rates: NDArray[np.floating]) -> Floats:
    """1 - Pearson r of every two stimuli over the neuroids that saw both, each neuroid z-scored over what it saw.

    Args:
        rates: (n stimuli, neuroid), NaN where there is no response.

    Returns:
        (n, n), symmetric, with a zero diagonal. r is 0 for two stimuli that fewer than two neuroids saw both, or if one
        has the same value in all of these.
    """
    seen = np.isfinite(rates)
    x, n = np.where(seen, rates, 0).astype(np.float64), np.maximum(seen.sum(axis=0), 1)
    x = np.where(seen, x - x.sum(axis=0) / n, 0)
    spread = np.sqrt((x**2).sum(axis=0) / n)
    x /= np.where(spread > 0, spread, 1)
    known = seen.astype(np.float64)
    both = np.maximum(known @ known.T, 1)
    mean, square = x @ known.T / both, x**2 @ known.T / both  # [i, j]: of stimulus i, over neuroids that also saw j
    variance = square - mean**2
    flat = variance <= FLAT * square
    product = np.where(flat | flat.T, 1, variance * variance.T)
    r = np.where(flat | flat.T, 0, (x @ x.T / both - mean * mean.T) / np.sqrt(product))
    rdm: Floats = 1 - np.clip(r, -1, 1)
    np.fill_diagonal(rdm, 0)
    return rdm


@dataclass(frozen=True)
class WeighedRDM:
    """Standardised values of an RDM, with the moments that correlations under any weighting of the stimuli need.

    Attributes:
        values: (n, n) dissimilarities or their ranks, of mean 0 and variance 1 over pairs, 0 in a constant RDM; with a
            zero diagonal.
        weights: (draw, n) weights of the stimuli, such as bootstrap counts.
    """

    values: Floats
    weights: NDArray

    def moment(self, matrix: Floats) -> Floats:
        """(draw,) weighted mean of a (n, n) matrix over pairs of different stimuli."""
        w = self.weights.astype(np.float64)
        pairs = w.sum(axis=1) ** 2 - (w**2).sum(axis=1)
        return np.einsum("ij,ij->i", w @ matrix, w) / pairs

    @cached_property
    def mean(self) -> Floats:
        """(draw,) weighted mean value."""
        return self.moment(self.values)

    @cached_property
    def variance(self) -> Floats:
        """(draw,) weighted variance of the values."""
        return self.moment(self.values**2) - self.mean**2


def weigh_rdm(values: Floats, weights: NDArray | None = None) -> WeighedRDM:
    """Standardise the (m,) values of an RDM; `weights` (draw, n) of the stimuli, None for one draw of ones."""
    centred = values - values.mean()
    spread = np.sqrt(np.mean(centred**2))
    constant = spread**2 <= CONSTANT * np.mean(values**2)
    matrix = squareform(np.zeros_like(centred) if constant else centred / spread)
    return WeighedRDM(matrix, np.ones((1, len(matrix))) if weights is None else weights)


def rank_rdm(rdm: Floats, weights: NDArray | None = None) -> WeighedRDM:
    """Rank the dissimilarities of an (n, n) RDM; `weights` as for `weigh_rdm`."""
    return weigh_rdm(rank(squareform(rdm, checks=False)), weights)


def correlate(a: WeighedRDM, b: WeighedRDM) -> Floats:
    """(draw,) correlation of two RDMs under each weighting of the stimuli that they share.

    For ranks it is Spearman's, for dissimilarities Pearson's. Pairs of a stimulus with itself do not count. The ranks
    are those of the full set, so that a thousand resamples cost one product of (draw, n) with (n, n). This is an
    approximation; `ventral.similarity.inference.exact_spearman` ranks every resample. 0 for a constant RDM.
    """
    covariance = a.moment(a.values * b.values) - a.mean * b.mean
    product = a.variance * b.variance
    constant = product <= CONSTANT
    return np.where(constant, 0, np.clip(covariance / np.sqrt(np.where(constant, 1, product)), -1, 1))


def rdm_reliability(halves: NDArray[np.floating], times: float = 2) -> float:
    """Split-half reliability of a neural RDM: Spearman of the RDMs of two halves, averaged over pairs, stepped up.

    Spearman-Brown assumes additive noise. The noise of a dissimilarity also increases its size and depends on it, so
    the result is too low when noise outweighs signal: in simulation (`tests/validity`) .43 for a true .47, .10 for .17.
    The distances of `crossnobis_rdm` have no such bias.

    Args:
        halves: (2 K, n stimuli, neuroid) responses in equal halves of the presentations, 2k and 2k + 1 of one pair.
            Stimuli without a value in some half are left out, and those with pairs that too few neuroids saw
            (`shared_stimuli`).
        times: how many times a half the whole is, `ventral.scores.ceilings.halves_in_whole`.

    Returns:
        The reliability; NaN if fewer than three stimuli were repeated.
    """
    seen = np.isfinite(halves).all(axis=0)
    stimuli = shared_stimuli(seen)
    if len(stimuli) < LEAST:
        return float("nan")
    halves = np.where(seen, halves, np.nan)[:, stimuli]
    pairs = ([rank_rdm(neural_rdm(half)) for half in halves[first : first + 2]] for first in range(0, len(halves), 2))
    return float(step_up(np.mean([correlate(*pair)[0] for pair in pairs]), times))


def crossnobis_rdm(halves: NDArray[np.floating], noise: NDArray[np.floating]) -> Floats:
    """Crossvalidated squared distances between the responses to every two stimuli (Walther et al. 2016).

    Differences between two stimuli in one half are multiplied with those in the other half, each neuroid divided by
    the standard deviation of its noise, and averaged over neuroids and pairs of halves. Noise is independent between
    halves, so that the distances are unbiased: 0 on average if responses are equal, and negative as often as positive.

    Args:
        halves: (2 K, n stimuli, neuroid) mean responses, 2k and 2k + 1 of disjoint halves of the presentations.
        noise: (neuroid,) noise variance. Neuroids without a positive value are left out.

    Returns:
        (n, n), symmetric, with a zero diagonal; NaN in the rows and columns of stimuli without a value in some half.
        All NaN if no neuroid is left.
    """
    known = noise > 0
    scaled = (halves[:, :, known] / np.sqrt(noise[known])).astype(np.float64)
    complete = np.isfinite(scaled).all(axis=(0, 2)) & known.any()
    rdm = np.full((len(complete), len(complete)), np.nan)
    if complete.any():
        scaled = scaled[:, complete]
        scaled -= scaled.mean(axis=(0, 1))  # keeps digits, and does not change differences
        inner = sum(one @ other.T for one, other in zip(scaled[::2], scaled[1::2], strict=True))
        rdm[np.ix_(complete, complete)] = squared_distances((inner + inner.T) / (len(scaled) * known.sum()))
    return rdm


def squared_distances(inner: Floats) -> Floats:
    """(n, n) squared distances between n stimuli from their (n, n) inner products, which need not be positive."""
    norm = np.diag(inner)
    return np.add.outer(norm, norm) - 2 * inner

"""Representational dissimilarity matrices (RDMs), from Gram matrices, and how alike two of them are."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from ventral.gram import Gram, gram_of
from ventral.scores import CONSTANT, spearman_brown

Floats = NDArray[np.float64]

# An image whose variance over units is below this share of what it was computed from is flat up to float32 rounding.
FLAT = 1e-6


def correlation_rdm(gram: Gram) -> Floats:
    """1 - Pearson r over units between every two images (Kriegeskorte, Mur & Bandettini 2008), from a Gram matrix.

    Args:
        gram: of n images.

    Returns:
        (n, n), symmetric, with a zero diagonal. An image that drives all units alike correlates with none: r = 0.
    """
    # Inner products after taking each image's mean over units away: undo the centring over images, but never through
    # the raw products, in which a large mean would swamp the rest.
    # Two n x n arrays in all, each step symmetric to the last bit.
    rows = np.outer(gram.unit_sum, gram.unit_sum)
    rows /= -gram.n_units
    rows += gram.inner
    other = np.add.outer(gram.mean_product, gram.mean_product)
    rows += other
    rows += gram.mean_norm2
    variance = np.diag(rows).copy()
    # An image with the same value in all units is left with rounding, which must not be scaled up to a pattern.
    flat = variance <= FLAT * (np.diag(gram.inner) + gram.mean_norm2)
    norm = np.sqrt(np.where(flat, 1, variance))
    rows /= np.outer(norm, norm, out=other)
    rows[flat] = rows[:, flat] = 0
    rdm: Floats = np.subtract(1, np.clip(rows, -1, 1, out=rows), out=rows)
    np.fill_diagonal(rdm, 0)
    return rdm


def neural_gram(rates: NDArray[np.floating]) -> Gram:
    """Gram matrix of (n stimuli, neuroid) responses, each neuroid z-scored first.

    Without z-scoring, neuroids of high rate decide the pattern of every stimulus.
    """
    spread = rates.std(axis=0)
    scored = (rates - rates.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return gram_of(scored.astype(np.float64))


def neural_rdm(rates: NDArray[np.floating]) -> Floats:
    """Correlation RDM of (n stimuli, neuroid) responses, each neuroid z-scored first."""
    return correlation_rdm(neural_gram(rates))


@dataclass(frozen=True)
class RankedRDM:
    """An RDM as centred ranks, with the moments that correlations under any weighting of the stimuli need.

    Attributes:
        ranks: (n, n) ranks of the dissimilarities, centred on zero, with a zero diagonal.
        weights: (draw, n) weights of the stimuli, such as bootstrap counts.
    """

    ranks: Floats
    weights: NDArray

    def moment(self, matrix: Floats) -> Floats:
        """(draw,) weighted mean of a (n, n) matrix over pairs of different stimuli."""
        w = self.weights.astype(np.float64)
        pairs = w.sum(axis=1) ** 2 - (w**2).sum(axis=1)
        return np.einsum("ij,ij->i", w @ matrix, w) / pairs

    @cached_property
    def mean(self) -> Floats:
        """(draw,) weighted mean rank."""
        return self.moment(self.ranks)

    @cached_property
    def variance(self) -> Floats:
        """(draw,) weighted variance of the ranks."""
        return self.moment(self.ranks**2) - self.mean**2


def rank_rdm(rdm: Floats, weights: NDArray | None = None) -> RankedRDM:
    """Rank the dissimilarities of an (n, n) RDM; `weights` (draw, n) of the stimuli, None for one draw of ones."""
    ranks = rankdata(squareform(rdm, checks=False))
    centred = squareform(ranks - ranks.mean())
    return RankedRDM(centred, np.ones((1, len(rdm))) if weights is None else weights)


def spearman(a: RankedRDM, b: RankedRDM) -> Floats:
    """(draw,) Spearman correlation of two RDMs under each weighting of the stimuli that they share.

    Pairs of a stimulus with itself do not count. Ranks are those of the full set, so that a thousand resamples cost
    one product of (draw, n) with (n, n). A constant RDM correlates with nothing: 0.
    """
    covariance = a.moment(a.ranks * b.ranks) - a.mean * b.mean
    product = a.variance * b.variance
    constant = product <= CONSTANT * len(a.ranks) ** 8
    return np.where(constant, 0, np.clip(covariance / np.sqrt(np.where(constant, 1, product)), -1, 1))


def rdm_reliability(halves: NDArray[np.floating]) -> float:
    """Split-half reliability of a neural RDM: Spearman of the RDMs of two halves, corrected by Spearman-Brown.

    Args:
        halves: (2, n stimuli, neuroid) responses in two disjoint halves of the presentations. Stimuli that lack a
            value in either half are left out.

    Returns:
        The reliability, NaN where fewer than three stimuli were repeated.
    """
    complete = np.isfinite(halves).all(axis=(0, 2))
    if complete.sum() < 3:
        return float("nan")
    first, second = (rank_rdm(neural_rdm(half[complete])) for half in halves)
    return float(spearman_brown(spearman(first, second)[0]))

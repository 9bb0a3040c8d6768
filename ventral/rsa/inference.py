"""How sure a comparison of RDMs is: an exact bootstrap over stimuli, and permutations of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

Floats = NDArray[np.float64]

BLOCK = 2**26  # entries of permuted RDMs held at a time: 256 MB


@dataclass(frozen=True)
class Ordering:
    """The m pairs of an RDM from the least dissimilar on, sorted once for all resamples.

    Attributes:
        order: (m,) indices of the pairs in ascending order.
        starts: where each run of equal dissimilarities starts in this order; None where there are no ties.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp] | None


def order_rdm(rdm: Floats) -> Ordering:
    """Sort the pairs of an (n, n) RDM."""
    values = squareform(rdm, checks=False)
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    first = np.r_[True, ascending[1:] != ascending[:-1]]
    return Ordering(order, None if first.all() else np.flatnonzero(first))


def _whole(n_pairs: int) -> type[np.integer]:
    """A type that holds twice the ranks of all pairs of a resample, of which there are a few more than of pairs."""
    return np.int32 if n_pairs < 2**29 else np.int64


def resampled_ranks(
    drawn: NDArray[np.integer], starts: NDArray[np.intp] | None, cubes: float
) -> tuple[NDArray[np.integer], float]:
    """Twice the ranks within a resample, centred on zero; equal dissimilarities share their mean rank.

    A pair that was drawn w times fills w places of the sorted list, so that the running sum of the weights in the
    sorted order of the full set gives all ranks without another sort, and doubled in whole numbers. The squares of T
    centred ranks in runs of t equal ones sum to (T^3 - sum t^3) / 12 (Kendall 1945).

    Args:
        drawn: (m,) how often each pair was drawn, from the least dissimilar on.
        starts: of the runs of equal dissimilarities, as in `Ordering`.
        cubes: sum of the cubes of `drawn`.

    Returns:
        (m,) in the same order, where those of pairs that were not drawn mean nothing; and the sum of squares over all
        that were.
    """
    upto: NDArray[np.integer] = np.cumsum(drawn, dtype=_whole(len(drawn)))
    total = upto[-1]
    if starts is None:
        upto += upto - drawn
    else:
        ends = np.r_[starts[1:], len(upto)]
        last = upto[ends - 1]
        before = np.r_[last[:1] * 0, last[:-1]]
        cubes = ((last - before).astype(np.float64) ** 3).sum()
        upto = np.repeat(last + before, ends - starts)
    upto -= total
    return upto, (float(total) ** 3 - cubes) / 3


def exact_spearman(one: Ordering, others: Sequence[Ordering], weights: NDArray[np.integer]) -> Floats:
    """Spearman correlation of an RDM with k others in every resample of the stimuli, ranked anew in each.

    Pairs of a stimulus with its own copies do not count.

    Args:
        one: the RDM of n stimuli.
        others: k RDMs of the same stimuli.
        weights: (draw, n) how often each stimulus was drawn.

    Returns:
        (draw, k); 0 where an RDM is constant.
    """
    # All pairs are kept in the order of the first RDM, which then needs no reordering.
    i, j = (side[one.order] for side in np.triu_indices(weights.shape[1], 1))
    place = np.empty_like(one.order)
    place[one.order] = np.arange(len(place))
    orders = [place[other.order] for other in others]
    # The narrower the numbers, the more of them a cache holds; a pair's weight is a product of two.
    narrow = weights.astype(np.min_scalar_type(int(weights.max()) ** 2))
    found = np.zeros((len(weights), len(others)))
    weighted, beside = np.empty(len(place)), np.empty(len(place), _whole(len(place)))  # new memory would cost as much
    for draw, (weight, wide) in enumerate(zip(narrow, weights.astype(np.float64), strict=True)):
        pairs = weight.take(i) * weight.take(j)
        cubes = ((wide**3).sum() ** 2 - (wide**6).sum()) / 2
        ranks, squares = resampled_ranks(pairs, one.starts, cubes)
        np.multiply(ranks, pairs, out=weighted)
        for k, (other, order) in enumerate(zip(others, orders, strict=True)):
            ranks, of_other = resampled_ranks(pairs.take(order), other.starts, cubes)
            beside[order] = ranks
            if squares > 0 and of_other > 0:
                found[draw, k] = np.einsum("i,i", weighted, beside) / np.sqrt(squares * of_other)
    return np.clip(found, -1, 1, out=found)


def permutation_null(one: Floats, others: NDArray[np.floating], n_draws: int, seed: int) -> NDArray[np.float32]:
    """Correlations of an RDM with others when its stimuli are dealt out at random.

    Args:
        one: (n, n) standardised ranks, or dissimilarities, of the pairs, with a zero diagonal.
        others: (k, n, n) the same of k RDMs.
        n_draws: permutations.
        seed: of the permutations.

    Returns:
        (draw, k) correlations.
    """
    n = len(one)
    rng = np.random.default_rng(seed)
    narrow = one.astype(np.float32)
    flat = others.reshape(len(others), -1).astype(np.float32, copy=False)
    null = np.empty((n_draws, len(others)), dtype=np.float32)
    step = max(BLOCK // n**2, 1)
    for start in range(0, n_draws, step):
        orders = [rng.permutation(n) for _ in range(min(step, n_draws - start))]
        block = np.stack([narrow.take(order, axis=0).take(order, axis=1).ravel() for order in orders])
        null[start : start + len(orders)] = block @ flat.T / (n * (n - 1))
    return null


def permutation_p(estimate: float, null: NDArray[np.floating]) -> float:
    """One-sided p: share of the permutations that reach the estimate, itself counted as one of them."""
    reached = np.count_nonzero(null >= estimate - 1e-6)  # float32
    return (1 + reached) / (1 + len(null))

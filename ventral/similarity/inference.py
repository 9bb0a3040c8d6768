"""Statistics of a comparison of RDMs: an exact bootstrap over stimuli, and permutations of stimuli."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.similarity.measures import sort_runs

Floats = NDArray[np.float64]

BLOCK = 2**24  # pairs of permuted RDMs in memory at a time: 64 MB


@dataclass(frozen=True)
class Ordering:
    """The m pairs of an RDM in ascending order of dissimilarity, sorted once for all resamples.

    Attributes:
        order: (m,) indices of the pairs in ascending order.
        starts: (r,) where each run of two or more equal dissimilarities starts in this order.
        lengths: (r,) of these runs.
        tied: places in this order of all pairs of these runs.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    tied: NDArray[np.intp]


def order_rdm(rdm: Floats) -> Ordering:
    """Sort the pairs of an (n, n) RDM."""
    order, starts, lengths = sort_runs(squareform(rdm, checks=False))
    runs = lengths > 1
    return Ordering(order, starts[runs], lengths[runs], np.flatnonzero(np.repeat(runs, lengths)))


def _whole(n_pairs: int) -> type[np.integer]:
    """An integer type that holds twice the largest rank of a resample, which has a few more pairs than the RDM."""
    return np.int32 if n_pairs < 2**29 else np.int64


def resampled_ranks(
    drawn: NDArray[np.integer], of: Ordering, cubes: float, upto: NDArray[np.integer]
) -> tuple[NDArray[np.integer], float]:
    """Ranks within a resample; equal dissimilarities share their mean rank.

    A pair that was drawn w times fills w places of the sorted list. So the running sum of the weights, in the sorted
    order of the full set, gives all ranks without another sort: twice the mean rank of a pair is twice the sum up to
    it, minus its own weight, plus one. The squares of T centred ranks, in runs of t equal ones, sum to (T^3 - sum t^3)
    / 12 (Kendall 1945).

    Args:
        drawn: (m,) how often each pair was drawn, in ascending order of dissimilarity.
        of: the RDM that is resampled.
        cubes: sum of the cubes of `drawn`.
        upto: (m,) filled with the running sum of `drawn`; allocating it here would take as long as the sum.

    Returns:
        For the tied pairs, what to add to twice `upto` minus `drawn`; and the sum of squares of twice the centred
        ranks.
    """
    np.cumsum(drawn, out=upto)
    more = upto[:0]
    if len(of.tied):
        last, own = upto[of.starts + of.lengths - 1], drawn[of.tied]
        before = upto[of.starts] - drawn[of.starts]
        more = np.repeat(last + before, of.lengths) - 2 * upto[of.tied] + own
        run, single = (last - before).astype(np.float64), own.astype(np.float64)
        cubes += (run * run * run).sum() - (single * single * single).sum()
    return more, (float(upto[-1]) ** 3 - cubes) / 3


def exact_spearman(one: Ordering, others: Sequence[Ordering], weights: NDArray[np.integer], threads: int = 1) -> Floats:
    """Spearman correlation of an RDM with k others in every resample of the stimuli, with the ranks of the resample.

    Pairs of a stimulus with its own copies do not count.

    Args:
        one: the RDM of n stimuli.
        others: k RDMs of the same stimuli.
        weights: (draw, n) how often each stimulus was drawn.
        threads: number of threads that share the draws.

    Returns:
        (draw, k) correlations; 0 if an RDM is constant.
    """
    # All pairs are kept in the order of the first RDM, which then needs no reordering.
    i, j = (side[one.order] for side in np.triu_indices(weights.shape[1], 1))
    place = np.empty_like(one.order)
    place[one.order] = np.arange(len(place))
    orders = [place[other.order] for other in others]
    tied = [order[other.tied] for order, other in zip(orders, others, strict=True)]
    # Narrow integers, so that more of them fit in a cache; a pair's weight is a product of two weights.
    narrow = weights.astype(np.min_scalar_type(int(weights.max()) ** 2))

    def correlate_draws(draws: NDArray[np.integer]) -> Floats:
        found = np.zeros((len(draws), len(others)))
        weighted, upto, beside = (np.empty(len(i), kind) for kind in (np.float64, *2 * [_whole(len(i))]))
        for draw, weight in enumerate(draws):
            wide = weight.astype(np.float64)
            pairs = weight.take(i) * weight.take(j)
            cubes = ((wide**3).sum() ** 2 - (wide**6).sum()) / 2
            more, squares = resampled_ranks(pairs, one, cubes, beside)
            total = beside[-1]
            beside += beside
            beside -= pairs
            beside -= total
            beside[one.tied] += more
            # These sum to zero, so a constant added to all ranks of another RDM drops out: those need no centring.
            np.multiply(beside, pairs, out=weighted)
            own = np.einsum("i,i", weighted, pairs)  # einsum, because BLAS would start its own threads
            for k, (other, order, ties) in enumerate(zip(others, orders, tied, strict=True)):
                more, of_other = resampled_ranks(pairs.take(order), other, cubes, upto)
                beside[order] = upto
                if squares > 0 and of_other > 0:
                    product = 2 * np.einsum("i,i", weighted, beside) + np.einsum("i,i", weighted.take(ties), more) - own
                    found[draw, k] = product / np.sqrt(squares * of_other)
        return np.clip(found, -1, 1, out=found)

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(correlate_draws, np.array_split(narrow, threads))))


def permutation_null(one: Floats, others: NDArray[np.floating], n_draws: int, seed: int) -> NDArray[np.float32]:
    """Correlations of an RDM with others after random permutations of its stimuli.

    Args:
        one: (n, n) standardised ranks, or dissimilarities, of the pairs, with a zero diagonal.
        others: (k, m) the same for the m pairs of k RDMs.
        n_draws: permutations.
        seed: of the permutations.

    Returns:
        (draw, k) correlations.
    """
    n, n_pairs = len(one), others.shape[1]
    rng = np.random.default_rng(seed)
    narrow, above = one.astype(np.float32), np.flatnonzero(~np.tri(n, dtype=bool))
    flat = others.astype(np.float32, copy=False)
    null = np.empty((n_draws, len(others)), dtype=np.float32)
    block = np.empty((min(max(BLOCK // n_pairs, 1), n_draws), n_pairs), dtype=np.float32)
    for start in range(0, n_draws, len(block)):
        some = block[: n_draws - start]
        for permuted in some:
            order = rng.permutation(n)
            narrow.take(order, axis=0).take(order, axis=1).take(above, out=permuted, mode="clip")
        null[start : start + len(some)] = some @ flat.T / n_pairs
    return null


def permutation_p(estimate: float, null: NDArray[np.floating]) -> float:
    """One-sided p: share of the permutations that reach the estimate; the estimate counts as one permutation."""
    reached = np.count_nonzero(null >= estimate - 1e-6)  # float32
    return (1 + reached) / (1 + len(null))

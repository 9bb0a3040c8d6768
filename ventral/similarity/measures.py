"""Measures of the similarity of two RDMs, on the dissimilarities of their m pairs of stimuli."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ventral.scores.moments import CONSTANT

Floats = NDArray[np.float64]


def sort_runs(values: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(m,) indices of the values in ascending order, and the start and length of each run of equal values in it.

    Equal values come in any order, because a stable sort takes six times as long.
    """
    order = np.argsort(values)
    ascending = values[order]
    starts = np.flatnonzero(np.r_[True, ascending[1:] != ascending[:-1]])
    return order, starts, np.diff(starts, append=len(order))


def rank(values: Floats) -> Floats:
    """Ranks from 1 of (m,) finite values, ties sharing their mean rank."""
    order, starts, lengths = sort_runs(values)
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(starts + (lengths + 1) / 2, lengths)
    return ranks


def pearson(a: Floats, b: Floats) -> float:
    """Pearson correlation of two (m,) vectors; 0 where one is constant."""
    x, y = a - a.mean(), b - b.mean()
    if x @ x <= CONSTANT * (a @ a) or y @ y <= CONSTANT * (b @ b):
        return 0.0
    return cosine(x, y)


def known_pearson(a: Floats, b: Floats) -> float:
    """Pearson correlation of two (m,) vectors over the entries known in both; NaN if these are fewer than three."""
    known = np.isfinite(a) & np.isfinite(b)
    return pearson(a[known], b[known]) if known.sum() > 2 else float("nan")


def cosine(a: Floats, b: Floats) -> float:
    """Cosine of two (m,) vectors; 0 if one is all zeros. Unlike Pearson's r, it depends on the zero point."""
    norm = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / norm, -1, 1)) if norm > 0 else 0.0


def spearman(a: Floats, b: Floats) -> float:
    """Pearson correlation of the ranks, ties sharing their mean; 0 where one is constant."""
    return pearson(rank(a), rank(b))


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's tau-a: (pairs of entries in the same order - pairs in opposite order) / all pairs; ties count as 0.

    The measure for models with ties, such as categories: Spearman and tau-b prefer them to models that order the tied
    pairs (Nili et al. 2014). It takes O(m log m): two seconds for the five million pairs of 3,200 stimuli, too long for
    a bootstrap.
    """
    from scipy.stats import kendalltau  # imported here because it takes a second, and figures import this module

    untied = _untied(a) * _untied(b)
    return float(kendalltau(a, b).statistic * np.sqrt(untied)) if untied > 0 else 0.0


def _untied(values: Floats) -> float:
    """Share of the pairs of values that are not ties."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float(1 - (counts * (counts - 1)).sum() / (len(values) * (len(values) - 1)))


def partial_spearman(a: Floats, b: Floats, group: NDArray[np.intp]) -> float:
    """Partial Spearman correlation of two (m,) vectors given the group of each entry; NaN if the groups determine
    either.

    Ranks are taken over all entries, and correlated after subtracting the mean of each group.
    """
    x, y = (_about_groups(rank(values), group) for values in (a, b))
    return cosine(x, y) if x.any() and y.any() else float("nan")


def _about_groups(ranks: Floats, group: NDArray[np.intp]) -> Floats:
    """Ranks minus the mean of their group."""
    rest = ranks - (np.bincount(group, ranks) / np.maximum(np.bincount(group), 1))[group]
    return rest if rest @ rest > CONSTANT * (ranks @ ranks) else np.zeros_like(ranks)


MEASURES: dict[str, Callable[[Floats, Floats], float]] = {
    "spearman": spearman,
    "pearson": pearson,
    "kendall": kendall,
    "cosine": cosine,
}

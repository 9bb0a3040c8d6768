"""Noise ceilings: how well the best possible model can match an RDM."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ventral.similarity.measures import MEASURES, rank

Floats = NDArray[np.float64]


class Ceiling(NamedTuple):
    """What a perfect model can reach; NaN if unknown.

    Attributes:
        ceiling: the value to compare a model with.
        low: what a model with the same noise would reach.
        high: what no model exceeds in expectation.
    """

    ceiling: float
    low: float
    high: float


def noise_ceiling(rdms: Floats, measure: str = "spearman") -> tuple[float, float]:
    """Lower and upper noise ceiling over several RDMs of the same stimuli (Nili et al. 2014).

    The upper one is the similarity of each RDM to the mean of all, which no model exceeds on average. The lower one is
    the similarity of each to the mean of the others, which the true model should reach.

    Args:
        rdms: (k, m) dissimilarities of the m pairs in k >= 2 sessions or subjects.
        measure: one of `ventral.similarity.measures.MEASURES`.
    """
    scaled, alike = np.stack([_scaled(rdm, measure) for rdm in rdms]), MEASURES[measure]
    total = scaled.sum(axis=0)
    low = [alike(total - own, rdm) for own, rdm in zip(scaled, rdms, strict=True)]
    high = [alike(total, rdm) for rdm in rdms]
    return float(np.mean(low)), float(np.mean(high))


def _scaled(rdm: Floats, measure: str) -> Floats:
    """An RDM scaled for the mean that is most similar to all: to one norm, standardised, or ranked."""
    if measure == "cosine":
        return rdm / (np.sqrt(np.mean(rdm**2)) or 1)
    if measure == "pearson":
        return (rdm - rdm.mean()) / (rdm.std() or 1)
    return rank(rdm)


def split_half_ceiling(reliability: float) -> Ceiling:
    """Ceiling of an RDM from its split-half reliability: `low` is the reliability, `high` and the ceiling its square
    root.

    The reliability is the expected match with a second recording of as many presentations; its square root is the
    expected match with an RDM without noise. NaN if the reliability is not positive.
    """
    if not reliability > 0:
        return Ceiling(*3 * [float("nan")])
    return Ceiling(float(np.sqrt(reliability)), reliability, float(np.sqrt(reliability)))


def shared_ceiling(rdms: Floats, otherwise: float = float("nan")) -> Ceiling:
    """Ceiling over RDMs of the same stimuli in several sessions or subjects (Nili et al. 2014).

    With more than two RDMs, the lower bound is the ceiling: each RDM is left out of the mean that it is compared with.
    The upper bound includes it, so it is higher the fewer RDMs there are and cannot be compared between studies.

    Args:
        rdms: (k, m) dissimilarities of the m pairs in k >= 2 sessions or subjects.
        otherwise: the ceiling if there are only two.
    """
    low, high = noise_ceiling(rdms)
    return Ceiling(low if len(rdms) > 2 else otherwise, low, high)

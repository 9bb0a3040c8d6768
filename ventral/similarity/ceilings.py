"""Noise ceilings: how well the best possible model could be expected to match an RDM."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ventral.similarity.measures import MEASURES, rank

Floats = NDArray[np.float64]


class Ceiling(NamedTuple):
    """What a perfect model could reach, NaN where unknown.

    Attributes:
        ceiling: the number to hold a model against.
        low: what a model of the same noise would reach.
        high: what no model can be expected to beat.
    """

    ceiling: float
    low: float
    high: float


def noise_ceiling(rdms: Floats, measure: str = "spearman") -> tuple[float, float]:
    """Lower and upper noise ceiling over several RDMs of the same stimuli (Nili et al. 2014).

    The upper one is how alike each is to the mean of all, which no model can beat on average; the lower one how alike
    each is to the mean of the others, which the true model should reach.

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
    """An RDM as it enters the mean that is most alike to all: of one norm, standardised, or ranked."""
    if measure == "cosine":
        return rdm / (np.sqrt(np.mean(rdm**2)) or 1)
    if measure == "pearson":
        return (rdm - rdm.mean()) / (rdm.std() or 1)
    return rank(rdm)


def split_half_ceiling(reliability: float) -> Ceiling:
    """Ceiling of an RDM from its split-half reliability: from that itself, to its square root, which is the ceiling.

    A second recording of as many presentations would match the RDM as its reliability says; an RDM without noise, as
    the square root of it. NaN where the reliability is not positive.
    """
    if not reliability > 0:
        return Ceiling(*3 * [float("nan")])
    return Ceiling(float(np.sqrt(reliability)), reliability, float(np.sqrt(reliability)))


def shared_ceiling(rdms: Floats, otherwise: float = float("nan")) -> Ceiling:
    """Ceiling over RDMs of the same stimuli in several sessions or subjects (Nili et al. 2014).

    Of more than two, the lower bound is the ceiling: each RDM is left out of the mean that it is compared with. The
    upper bound has it in, and is the higher the fewer there are: it compares no study with another.

    Args:
        rdms: (k, m) dissimilarities of the m pairs in k >= 2 sessions or subjects.
        otherwise: the ceiling where there are only two, which cannot tell one from the other.
    """
    low, high = noise_ceiling(rdms)
    return Ceiling(low if len(rdms) > 2 else otherwise, low, high)

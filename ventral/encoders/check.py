"""A network trained, as it claims, tells categories of objects apart in its late layers, unlike its random copy."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ventral.encoders.fit import ReadoutPlan
from ventral.gram.matrix import Gram
from ventral.gram.spectra import Decomposition
from ventral.scores.classification import accuracy_gain

LATE = 2  # layers from the end in which categories are looked for
# Decoding from random copies of different seeds differs by as much: .34 to .43 over seeds of EfficientNet-Lite0, where
# the trained one reaches .98. A network has to be better by more than that to count as trained.
MARGIN = 0.1

Layers = Iterable[tuple[str, Gram]]


@dataclass(frozen=True)
class Check:
    """How well categories are told apart by a network and by its random copy.

    Attributes:
        layer: the network's best; the copy is judged by its own best.
        n_images: number of images.
        accuracy: share of left-out images whose category is read out rightly.
        accuracy_random: the same for the copy.
        difference: of the two.
        low, high: its 95 % interval over images, paired.
        passed: whether `low` exceeds `MARGIN`.
    """

    layer: str
    n_images: int
    accuracy: float
    accuracy_random: float
    difference: float
    low: float
    high: float
    passed: bool

    @property
    def verdict(self) -> str:
        """The outcome in words."""
        return f"{'better' if self.passed else 'NO better'} than its random copy"


def decode_categories(gram: Gram, categories: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(n,) whether the category of each image is right by ridge onto one-hot categories, fitted without it.

    Args:
        gram: of one layer, of n images.
        categories: (n,) names.
    """
    one_hot = (categories[:, None] == np.unique(categories)).astype(float)
    inner = np.zeros_like(gram.inner) if gram.dead else gram.inner
    left_out = ReadoutPlan(alpha="loo").fit(Decomposition(inner, gram.n_units), one_hot).held_out
    return np.asarray(left_out.argmax(axis=1) == one_hot.argmax(axis=1))


def compare_with_random(network: Layers, copy: Layers, categories: NDArray[np.str_]) -> Check:
    """Compare the decoding of categories from a network and from its copy of random weights.

    Args:
        network: names and Gram matrices of its late layers, of n images.
        copy: those of its random copy.
        categories: (n,) of the images.
    """
    best, right = max(
        ((layer, decode_categories(gram, categories)) for layer, gram in network), key=lambda found: found[1].mean()
    )
    right_random = max((decode_categories(gram, categories) for _, gram in copy), key=np.mean)
    gain = accuracy_gain(right, right_random)
    return Check(
        layer=best,
        n_images=gain["n"],
        accuracy=float(right.mean()),
        accuracy_random=float(right_random.mean()),
        difference=gain["accuracy"],
        low=gain["low"],
        high=gain["high"],
        passed=gain["low"] > MARGIN,
    )

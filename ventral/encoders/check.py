"""Whether a network is trained, as it claims: its late layers tell objects apart better than those of a random copy."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ventral.gram.matrix import Gram
from ventral.gram.spectra import Decomposition
from ventral.readouts.ridge import Ridge
from ventral.scores.classification import accuracy_gain

LATE = 2  # layers from the end from which categories are decoded
# Random copies differ from each other by as much: their accuracy is .34 to .43 over seeds of EfficientNet-Lite0, whose
# trained weights reach .98. A network must be better by more than that to count as trained.
MARGIN = 0.1

Layers = Iterable[tuple[str, Gram]]


@dataclass(frozen=True)
class CategoryCheck:
    """How well categories are told apart by a network and by its random copy.

    Attributes:
        layer: the best one of the network; the copy is judged by its own best.
        n_images: number of images.
        accuracy: share of images whose category is decoded rightly by a readout fitted without them.
        accuracy_random: the same for the copy.
        difference: `accuracy` - `accuracy_random`.
        low, high: 95 % interval of the difference over images, paired.
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
    """(n,) whether ridge regression onto one-hot categories, fitted without an image, decodes its category rightly.

    Args:
        gram: of one layer, of n images.
        categories: (n,) names.
    """
    one_hot = (categories[:, None] == np.unique(categories)).astype(float)
    fitted = Ridge("loo").fit(Decomposition(gram.kernel, gram.n_units), one_hot, seed=0)
    return np.asarray(fitted.held_out.argmax(axis=1) == one_hot.argmax(axis=1))


def compare_with_random(network: Layers, copy: Layers, categories: NDArray[np.str_]) -> CategoryCheck:
    """Compare the decoding of categories from a network and from its copy of random weights.

    Args:
        network: names and Gram matrices of its late layers, of n images.
        copy: those of the random copy.
        categories: (n,) of the images.
    """
    best, right = max(
        ((layer, decode_categories(gram, categories)) for layer, gram in network), key=lambda found: found[1].mean()
    )
    right_random = max((decode_categories(gram, categories) for _, gram in copy), key=np.mean)
    gain = accuracy_gain(right, right_random)
    return CategoryCheck(
        layer=best,
        n_images=gain["n"],
        accuracy=float(right.mean()),
        accuracy_random=float(right_random.mean()),
        difference=gain["accuracy"],
        low=gain["low"],
        high=gain["high"],
        passed=gain["low"] > MARGIN,
    )

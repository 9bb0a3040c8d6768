"""Made-up images on which a kept encoder is tested: read again, it must predict the same rates as when it was kept.

An intact file of weights does not show that the code which uses them is the same: it may be a user's own code, or
another version of a library.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_PROBES = 3
# Shares of a neuroid's standard deviation and of the rate itself by which predictions may differ. Machines round
# differently, and readouts with next to no penalty, which use the smallest components, multiply these differences.
TOLERANCE = {"float32": 1e-2, "tf32": 5e-2, "bfloat16": 1e-1}


def probe_images(side: int) -> NDArray[np.uint8]:
    """(n, side, side, 3) coloured ramps of several slopes, the same to the last bit on any machine."""
    image, y, x, colour = np.ogrid[1 : N_PROBES + 1, :side, :side, 1:4]
    ramps = image * 255 * y // side + (colour * 255 * x // side) + 40 * image * colour
    return np.abs(ramps % 510 - 255).astype(np.uint8)  # up and down again, without an edge


def deviation(card: Mapping[str, Any], rates: NDArray[np.floating]) -> float:
    """How far (n, neuroid) predictions for the probes are from those of a card; 0 where the card has none.

    Returns:
        The largest difference, as a share of the sum of a neuroid's standard deviation and the rate; infinite where a
        prediction is not a number.
    """
    if "probes" not in card:
        return 0.0
    kept = np.array(card["probes"], dtype=float)
    sd = np.array([value or 0.0 for value in card.get("sd", [0.0])])
    scale = np.maximum(sd + np.abs(kept), np.finfo(np.float32).tiny)
    return float(np.nan_to_num(np.abs(rates - kept) / scale, nan=np.inf).max())

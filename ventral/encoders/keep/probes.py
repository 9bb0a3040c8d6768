"""Made-up images that a kept encoder is tried on: loaded anew, it has to predict for them what it did when it was kept.

Weights whose file is intact do not say that the code around them is the same: that is a user's own, or of another
version of a library.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_PROBES = 3
# Shares of a neuroid's standard deviation and of the rate itself by which predictions may differ: by rounding, on
# another machine, and in the weakest readouts, which lean on the smallest components.
TOLERANCE = {"float32": 1e-2, "bfloat16": 1e-1}


def probe_images(side: int) -> NDArray[np.uint8]:
    """(n, side, side, 3) coloured ramps of several slopes, the same to the last bit on any machine."""
    image, y, x, colour = np.ogrid[1 : N_PROBES + 1, :side, :side, 1:4]
    ramps = image * 255 * y // side + (colour * 255 * x // side) + 40 * image * colour
    return np.abs(ramps % 510 - 255).astype(np.uint8)  # up and down again, without an edge


def deviation(card: Mapping[str, Any], rates: NDArray[np.floating]) -> float:
    """The largest difference between (n, neuroid) predictions for the probes and those of a card; 0 where it has none.

    Returns:
        It, in the sum of a neuroid's standard deviation and the rate; infinite where predictions are not numbers.
    """
    if "probes" not in card:
        return 0.0
    kept = np.array(card["probes"], dtype=float)
    sd = np.array([value or 0.0 for value in card.get("sd", [0.0])])
    scale = np.maximum(sd + np.abs(kept), np.finfo(np.float32).tiny)
    return float(np.nan_to_num(np.abs(rates - kept) / scale, nan=np.inf).max())

"""R2, by which layers are chosen; apart from the scores of tables, so that an edit of these refits nothing."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def r2(responses: NDArray[np.floating], predictions: NDArray[np.floating]) -> Floats:
    """R2 of every neuroid, over the stimuli with a response and a prediction.

    The same number as `ventral.scores.metrics.score` gives without weights, which has NaN where this has 0.

    Args:
        responses: (n stimuli, neuroid), NaN where nothing was recorded.
        predictions: (n stimuli, neuroid), NaN where nothing was predicted.

    Returns:
        (neuroid,) 1 - sum of squared errors / sum of squares about the mean; 0 where the responses are constant.
    """
    seen = np.isfinite(responses) & np.isfinite(predictions)
    known, count = np.where(seen, responses, 0.0), np.maximum(seen.sum(axis=0), 1)
    spread = np.where(seen, known - known.sum(axis=0) / count, 0)
    error, variance = (np.where(seen, known - predictions, 0) ** 2).sum(axis=0), (spread**2).sum(axis=0)
    varies = variance > 1e-24 * (known**2).sum(axis=0)  # what is left otherwise is rounding
    return np.where(varies, 1 - error / np.where(varies, variance, 1), 0)

"""R2, by which tables score and layers are chosen; apart from the words of the metric, so that these refit nothing."""

import numpy as np
from numpy.typing import NDArray

from ventral.scores.moments import Floats, Moments, moments_of


def r2_of(moments: Moments) -> Floats:
    """(draw, neuroid) coefficient of determination; NaN where there is nothing to explain."""
    return 1 - moments.squared_error / moments.variance


def r2(responses: NDArray[np.floating], predictions: NDArray[np.floating]) -> Floats:
    """(neuroid,) R2 over the stimuli with a response and a prediction (not NaN); 0 where there is nothing to explain.

    There is nothing where the responses are constant, or fewer than two. Layers are chosen by this number, from
    predictions of train stimuli by readouts fitted without them.
    """
    return np.nan_to_num(r2_of(moments_of(responses, predictions))[0])

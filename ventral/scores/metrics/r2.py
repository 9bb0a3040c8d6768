"""The coefficient of determination: 1 - mean((y - yhat)^2) / Var(y)."""

import numpy as np
from numpy.typing import NDArray

from ventral.scores.metric import Metric
from ventral.scores.moments import Floats, moments_of

METRIC = Metric(
    title="R²",
    heading="R²",
    meaning="coefficient of determination, 1 - mean((y - yhat)²) / Var(y)",
    formula=lambda moments: 1 - moments.squared_error / moments.variance,
    scale="share",
    ceiling=lambda ceiling: ceiling,
)


def r2(responses: NDArray[np.floating], predictions: NDArray[np.floating]) -> Floats:
    """(neuroid,) R2 over the stimuli with a response and a prediction (not NaN); 0 where there is nothing to explain.

    So it is where the responses are constant, or fewer than two. Layers are chosen by it, with predictions of train
    stimuli by readouts fitted without them.
    """
    return np.nan_to_num(METRIC(moments_of(responses, predictions))[0])

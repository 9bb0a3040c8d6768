"""Pearson's correlation of predictions and responses."""

import numpy as np
from numpy.typing import NDArray

from ventral.scores.metric import Metric
from ventral.scores.moments import CONSTANT, Floats, Moments, moments_of


def _correlation(moments: Moments) -> Floats:
    """Pearson r; 0 where the prediction is constant."""
    variance, predicted = moments.variance, moments.predicted_variance
    constant = predicted <= CONSTANT * moments.raw_variance
    r = np.where(constant, 0, moments.covariance / np.sqrt(np.where(constant, 1, predicted) * variance))
    return np.where(np.isnan(variance), np.nan, np.clip(r, -1, 1))


METRIC = Metric(
    title="Pearson r",
    heading="r",
    meaning="Pearson correlation of predictions and responses over stimuli",
    formula=_correlation,
    scale="r",
    ceiling=np.sqrt,
    is_headline=True,
)


def pearson_r(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """Pearson r of every column of (n, neuroid) `a` with that of `b`, over the rows observed in both."""
    return METRIC(moments_of(a, b))[0]

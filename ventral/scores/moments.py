"""First and second moments of responses and predictions over stimuli, from which every metric is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A prediction whose variance is below this share of the responses' is constant: it explains nothing and has r = 0.
CONSTANT = 1e-12


@dataclass(frozen=True)
class Moments:
    """Weighted moments of responses y and predictions yhat over the stimuli that a neuroid saw.

    Attributes:
        variance: (draw, neuroid) of y; NaN where fewer than two stimuli were seen or y is constant.
        raw_variance: the same, a number everywhere.
        predicted_variance: of yhat.
        error_variance: of y - yhat.
        squared_error: mean of (y - yhat)^2.
        covariance: of y and yhat.
    """

    variance: Floats
    raw_variance: Floats
    predicted_variance: Floats
    error_variance: Floats
    squared_error: Floats
    covariance: Floats


@dataclass(frozen=True)
class Terms:
    """What is summed over stimuli to get the moments.

    Attributes:
        values: each (n stimuli, neuroid): whether y was observed, then y, yhat and y - yhat about their means, their
            squares, and the product of the first two.
        mean: (neuroid,) mean of y.
        mean_error: (neuroid,) mean of y - yhat.
    """

    values: Sequence[Floats]
    mean: Floats
    mean_error: Floats

    def moments(self, sums: Sequence[Floats]) -> Moments:
        """The moments from weighted sums of the values, each (draw, neuroid)."""
        total = sums[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            drift_y, drift_p, drift_e, square_y, square_p, square_e, product = (each / total for each in sums[1:])
            var_y, var_p, var_e = (
                np.maximum(square - drift**2, 0)
                for square, drift in ((square_y, drift_y), (square_p, drift_p), (square_e, drift_e))
            )
            # y is constant where the variance that is left is rounding error of its mean or of its squares.
            varies = (var_y > (1e-15 * self.mean) ** 2) & (var_y > CONSTANT * square_y)
            return Moments(
                variance=np.where((total >= 2) & varies, var_y, np.nan),
                raw_variance=var_y,
                predicted_variance=var_p,
                error_variance=var_e,
                squared_error=var_e + (drift_e + self.mean_error) ** 2,
                covariance=product - drift_y * drift_p,
            )


def terms_of(responses: NDArray[np.floating], predictions: NDArray[np.floating]) -> Terms:
    """What is summed over stimuli.

    Args:
        responses: (n stimuli, neuroid) y, NaN where nothing was recorded.
        predictions: (n stimuli, neuroid) yhat.

    Raises:
        ValueError: if the shapes differ.
    """
    if responses.shape != predictions.shape:
        raise ValueError(f"responses {responses.shape} and predictions {predictions.shape} differ in shape")
    seen = np.isfinite(responses) & np.isfinite(predictions)
    y, mean_y = _centred(responses, seen)
    p, _ = _centred(predictions, seen)
    e, mean_e = _centred(responses - predictions, seen)
    return Terms([seen.astype(np.float64), y, p, e, y**2, p**2, e**2, y * p], mean_y, mean_e)


def moments_of(
    responses: NDArray[np.floating], predictions: NDArray[np.floating], weights: NDArray[Any] | None = None
) -> Moments:
    """The moments, once for each weighting of the stimuli.

    Args:
        responses: (n stimuli, neuroid) y, NaN where nothing was recorded.
        predictions: (n stimuli, neuroid) yhat.
        weights: (draw, n stimuli) non-negative weights; None for one draw with every stimulus once.
    """
    terms = terms_of(responses, predictions)
    w = np.ones((1, len(responses))) if weights is None else np.asarray(weights, dtype=np.float64)
    return terms.moments([w @ value for value in terms.values])


def _centred(values: NDArray[np.floating], seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Values about their mean over the observed rows, 0 elsewhere, and that mean: small numbers keep their digits."""
    mean = np.where(seen, values, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, values - mean, 0.0), mean

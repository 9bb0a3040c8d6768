"""How well predictions match responses, by every metric, and how much each stimulus moves the score."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ventral.scores.catalogue import METRICS
from ventral.scores.moments import Floats, Moments, moments_of, terms_of

NUDGE = 1e-4  # share of a stimulus's weight that is taken away to estimate the derivative


def score(
    responses: NDArray[np.floating], predictions: NDArray[np.floating], weights: NDArray[Any] | None = None
) -> dict[str, Floats]:
    """Score every neuroid, once for each weighting of the stimuli.

    All metrics come from weighted first and second moments, so that a thousand bootstrap resamples (weights = how
    often each stimulus was drawn) cost eight matrix products.

    Args:
        responses: (n stimuli, neuroid) y, NaN where nothing was recorded (left out, neuroid by neuroid).
        predictions: (n stimuli, neuroid) yhat.
        weights: (draw, n stimuli) non-negative weights; None for one draw with every stimulus once.

    Returns:
        For each metric a (draw, neuroid) array; NaN where fewer than two stimuli were observed or y is constant (except
        for the mean squared error).

    Raises:
        ValueError: if the shapes of `responses` and `predictions` differ.
    """
    return _measure(moments_of(responses, predictions, weights))


def _measure(moments: Moments) -> dict[str, Floats]:
    return {name: metric(moments) for name, metric in METRICS.items()}


def influence(
    responses: NDArray[np.floating], predictions: NDArray[np.floating], groups: NDArray[Any] | None = None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Score every neuroid, and measure how much each stimulus moves the score.

    The influence of a stimulus is the geometric mean of two: the derivative of the score by the weight of the stimulus
    (the infinitesimal jackknife, Jaeckel 1972) and what its deletion changes (the jackknife, Tukey 1958). The sum of
    the squares estimates the variance of the score over stimuli. Of few stimuli the derivatives make it too small and
    the deletions too large, as HC1 and HC3 do in regression; between them, as with HC2, intervals keep their coverage.

    Args:
        responses: (n stimuli, neuroid), NaN where nothing was recorded.
        predictions: (n stimuli, neuroid).
        groups: (n,) group of each stimulus, such as fixations on one image, that are deleted together; None: each is
            its own.

    Returns:
        `score` of all stimuli, each metric (neuroid,); and for each metric the influences (group, neuroid), groups
        sorted by name: 0 where the neuroid did not see the group.
    """
    terms = terms_of(responses, predictions)
    values = list(terms.values)
    totals = [value.sum(axis=0) for value in values]
    if groups is not None:
        index = np.unique(groups, return_inverse=True)[1]
        together = sparse.csr_array((np.ones(len(index)), (index, np.arange(len(index)))))
        values = [together @ value for value in values]
    whole = _measure(terms.moments([total[None] for total in totals]))

    def change(share: float) -> dict[str, Floats]:
        """How much a metric changes where every group in its turn loses a share of its weight."""
        left = _measure(terms.moments([total - share * value for total, value in zip(totals, values, strict=True)]))
        return {metric: (whole[metric] - left[metric]) / share for metric in METRICS}

    found = {}
    derivatives, deletions = change(NUDGE), change(1.0)
    for metric, derivative in derivatives.items():
        deletion = deletions[metric]
        # Without its only spike a neuroid has no score: the derivative is then all there is.
        between = np.sign(derivative) * np.sqrt(
            np.abs(derivative * np.where(np.isfinite(deletion), deletion, derivative))
        )
        found[metric] = np.where(np.isfinite(between), between, 0.0)
    return {metric: value[0] for metric, value in whole.items()}, found

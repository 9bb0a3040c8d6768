"""Which encoders cannot be distinguished from the best."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ventral.scores.intervals import Estimate, covariance, difference, spread

Floats = NDArray[np.float64]


def model_confidence_set(values: Floats, draws: Floats) -> Floats:
    """The p of each of k encoders to be among the best (Hansen, Lunde & Nason 2011, with their statistic T_max).

    As long as the remaining encoders differ more than resamples of equal ones would, the worst is removed. The p of an
    encoder is the largest p of all tests up to its removal. The error rate does not depend on the number of encoders:
    among k equal ones, one is marked worse in 5 % of studies. Differences from the observed best have no such
    guarantee, because the same noise picks the best.

    Args:
        values: (k,) score of each encoder, higher is better; NaN for none.
        draws: (draw, k) deviations of the scores in resamples, about 0.

    Returns:
        (k,) p, 1 for the last encoder that remains; NaN where there is no score.
    """
    p = np.full(len(values), np.nan)
    left = list(np.flatnonzero(np.isfinite(values)))
    reached = 0.0
    while len(left) > 1:
        gap = values[left].mean() - values[left]
        noise = draws[:, left].mean(axis=1, keepdims=True) - draws[:, left]
        spread = noise.std(axis=0)
        spread[spread <= 1e-9 * max(spread.max(), 1e-300)] = np.inf  # equal predictions cannot be distinguished
        statistic = gap / spread
        worst = int(np.argmax(statistic))
        reached = max(reached, float(((noise / spread).max(axis=1) >= statistic[worst]).mean()))
        p[left.pop(worst)] = reached
    p[left] = 1.0
    return p


def resample(estimates: Sequence[Estimate], n_draws: int, seed: int) -> Floats:
    """(draw, k) deviations of k estimates of the same stimuli and neuroids in resamples of them.

    Deviations follow a multivariate t distribution, because the covariance is itself estimated: normal draws with the
    covariance of the estimates, divided by the root of a chi square over its degrees of freedom. Only differences
    between encoders matter, so the degrees of freedom are those of the difference from their mean, as the median over
    encoders.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(covariance(estimates))
    normal = rng.standard_normal((n_draws, len(estimates))) * np.sqrt(np.maximum(values, 0))
    stimuli, neuroids, cells = (
        np.mean([getattr(each, part) for each in estimates], axis=0) for part in ("stimuli", "neuroids", "cells")
    )
    mean = Estimate(0.0, stimuli, neuroids, cells, estimates[0].over)
    df = max(float(np.median([spread(difference(each, mean))[1] for each in estimates])), 3.0)
    return (normal @ vectors.T) / np.sqrt(rng.chisquare(df, (n_draws, 1)) / df)

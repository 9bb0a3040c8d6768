"""Bootstrap resamples of stimuli, and intervals from what they give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COVERAGE = 0.95  # of all intervals


def bootstrap_weights(n_stimuli: int, n_draws: int, seed: int, groups: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """(draw, n) how often each stimulus is drawn in each bootstrap resample of n stimuli with replacement.

    With (n,) groups, such as fixations on one image, whole groups are drawn: what is in one is not independent, and
    resamples of single stimuli would make intervals too narrow (the cluster bootstrap, Davison & Hinkley 1997, 3.8).
    """
    if groups is not None:
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        drawn = bootstrap_weights(len(first), n_draws, seed)
        return drawn[:, np.argsort(np.argsort(first))[group]]  # in order of appearance: groups of one change nothing
    return np.random.default_rng(seed).multinomial(n_stimuli, np.full(n_stimuli, 1 / n_stimuli), size=n_draws)


def interval(estimate: NDArray[np.floating] | float, draws: Floats) -> Floats:
    """Percentile interval of bootstrap draws, shifted so that their mean is the estimate.

    Resamples repeat stimuli, which pulls most statistics down on average. Where many neuroids or pairs make the spread
    of the draws small beside that bias, bias-corrected percentiles collapse to one end of the draws; a shift does not.

    Args:
        estimate: (...) the statistic itself.
        draws: (draw, ...) the statistic of each resample; draws that are NaN are left out.

    Returns:
        (2, ...) lower and upper bound, around the estimate; NaN where the estimate or every draw is.
    """
    estimate = np.asarray(estimate, dtype=np.float64)
    known = np.isfinite(draws)
    n = known.sum(axis=0)
    bias = np.where(known, draws, 0).sum(axis=0) / np.maximum(n, 1) - estimate
    ordered = np.sort(np.where(known, draws, np.nan), axis=0)  # NaN last
    tail = (1 - COVERAGE) / 2
    index = np.rint(np.multiply.outer([tail, 1 - tail], np.maximum(n - 1, 0))).astype(np.intp)
    bounds = np.take_along_axis(ordered, index, axis=0) - bias
    bounds = np.stack([np.minimum(bounds[0], estimate), np.maximum(bounds[1], estimate)])
    return np.where((n > 0) & np.isfinite(estimate), bounds, np.nan)

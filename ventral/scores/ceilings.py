"""Signal, noise and noise ceiling of neuroids, from repeated presentations.

The response to presentation j of stimulus i is s_i + e_ij: a signal of variance S over stimuli, and noise of variance
sigma2 that is independent between presentations. Fixations are not independent: in free viewing, the rows of a
recording are fixations, and those of one presentation share its noise.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]


def sum_rows(values: NDArray, group: NDArray[np.intp], n_groups: int) -> Floats:
    """(group, neuroid) sums of the rows of every group; rows of group -1 do not count."""
    rows = np.flatnonzero(group >= 0)
    return sparse.csr_array((np.ones(len(rows)), (group[rows], rows)), shape=(n_groups, len(group))) @ values


def average_rows(
    values: NDArray[np.floating], group: NDArray[np.intp], n_groups: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Mean and number of the observed values of every group of rows.

    Args:
        values: (rows, neuroid), NaN where nothing was recorded.
        group: (rows,) group of each row, from 0; -1 for a row without a group.
        n_groups: number of groups.

    Returns:
        (group, neuroid) means, NaN where nothing was observed, and (group, neuroid) counts.
    """
    observed = np.isfinite(values)
    if observed.all():  # as nearly always; one product instead of two saves half of the time
        in_group = np.bincount(group[group >= 0], minlength=n_groups)
        counts, sums = np.repeat(in_group[:, None], values.shape[1], axis=1), sum_rows(values, group, n_groups)
    else:
        counts = np.rint(sum_rows(observed.astype(np.float32), group, n_groups)).astype(np.int64)
        sums = sum_rows(np.where(observed, values, 0), group, n_groups)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / counts, np.nan), counts


def covariance(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """(neuroid,) unbiased covariance of the columns of two (n, neuroid) arrays over the rows observed in both.

    NaN if there are fewer than two such rows; 0 if a column is constant.
    """
    seen = np.isfinite(a) & np.isfinite(b)
    n = seen.sum(axis=0)
    x, y = (np.where(seen, values, 0) for values in (a, b))
    x, y = (np.where(seen, values - values.sum(axis=0) / np.maximum(n, 1), 0) for values in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 1, np.einsum("ij,ij->j", x, y) / (n - 1), np.nan)


def squared_errors(
    values: NDArray[np.floating], rows: NDArray, stimulus: NDArray[np.intp], n_stimuli: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Unbiased estimate of the squared error of the mean response to every stimulus.

    The mean weights presentation j by its share w_j of the rows. The expectation of the product of two different
    presentations is the squared signal. So the squared error is the squared mean minus the weighted mean of these
    products: (sum w_j^2 x_j^2 - W mean^2) / (1 - W), with W = sum w_j^2, for any noise of each presentation. With equal
    weights this is the variance within the stimulus divided by n, which is also the average over all equal random
    halves.

    Args:
        values: (presentation, neuroid) mean over the rows of each presentation, NaN where nothing was recorded.
        rows: (presentation, neuroid) number of these rows.
        stimulus: (presentation,) index of the stimulus of each presentation.
        n_stimuli: number of stimuli n.

    Returns:
        (n, neuroid) squared errors, NaN where fewer than two presentations were observed; with unequal weights, a
        single one can be negative. And (n, neuroid) numbers of presentations.
    """
    observed = np.isfinite(values)
    n = average_rows(values, stimulus, n_stimuli)[1]
    weight = np.where(observed, rows, 0).astype(np.float32)
    # Subtracting the mean over presentations changes no expectation and keeps digits; in place, to save memory.
    x = np.where(observed, values, 0).astype(np.float64)
    x -= x.sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    x *= weight
    with np.errstate(invalid="ignore", divide="ignore"):
        total = sum_rows(weight, stimulus, n_stimuli)
        shares = sum_rows(weight**2, stimulus, n_stimuli) / total**2
        mean = sum_rows(x, stimulus, n_stimuli) / total
        x *= x
        squares = sum_rows(x, stimulus, n_stimuli) / total**2
        return np.where(n > 1, (squares - shares * mean**2) / (1 - shares), np.nan), n


def variance_components(
    rates: NDArray[np.floating], errors: NDArray[np.floating], n_presentations: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Signal variance and noise variance of every neuroid, from the stimuli that were repeated.

    The signal variance is the variance of the mean responses minus their mean squared error. It equals the covariance
    of two equal random halves of the presentations, averaged over all ways to halve them; it is unbiased, and defined
    for neuroids that hardly fire. With little or no signal it can be negative. It is not clipped, because that would
    bias sums over neuroids.

    Args:
        rates: (stimulus, neuroid) mean responses.
        errors: (stimulus, neuroid) from `squared_errors`.
        n_presentations: (stimulus, neuroid) presentations behind each mean.

    Returns:
        (neuroid,) signal variance S, and (neuroid,) noise variance sigma2 of one presentation; the mean over n
        presentations has sigma2 / n. NaN if no stimulus was repeated; S also if only one was.
    """
    repeated = n_presentations > 1
    k = repeated.sum(axis=0)
    known = np.where(repeated, rates, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(repeated, errors, 0).sum(axis=0) / k
        share = np.where(repeated, 1 / n_presentations, 0).sum(axis=0) / k
        return covariance(known, known) - error, error / share


def noise_ceiling(signal: NDArray, noise: NDArray, n_presentations: NDArray[np.integer]) -> Floats:
    """Reliability of the mean responses to exactly the given stimuli: S / (S + sigma2 mean(1 / n_i)).

    This is the squared correlation that a perfect model reaches on average.

    Args:
        signal: (neuroid,) signal variance S.
        noise: (neuroid,) noise variance sigma2 of one presentation.
        n_presentations: (stimulus, neuroid) presentations behind the responses to the scored stimuli; 0 where nothing
            was observed, and these do not count.

    Returns:
        (neuroid,) reliability between -1 and 1; it has the sign of S, and the bounds keep estimates finite for neuroids
        that hardly fire. 0 if responses do not vary. NaN if S or sigma2 is NaN, or if no stimulus was observed.
    """
    seen = n_presentations > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(seen, 1 / n_presentations, 0).sum(axis=0) / seen.sum(axis=0)
        total = signal + noise * share
        bounded = np.where(total > 0, np.clip(signal / total, -1, 1), np.sign(signal))
        return np.where(np.isfinite(total), bounded, np.nan)


def step_up(r: Floats | float, times: float = 2) -> Any:
    """Reliability of a whole, `times` as long as parts that correlate by r (Spearman 1910; Brown 1910)."""
    return times * np.asarray(r) / (1 + (times - 1) * np.asarray(r))


def halves_in_whole(n_presentations: NDArray[np.integer]) -> float:
    """How many times as long as a half of floor(n / 2) presentations the whole is, judged by the noise of their means.

    Args:
        n_presentations: number of presentations of each stimulus, in any shape; stimuli shown once do not count.

    Returns:
        mean(1 / floor(n / 2)) / mean(1 / n): 2 if all n are even, 3 if all are 3; NaN if no stimulus was repeated.
    """
    n = n_presentations[n_presentations > 1]
    return float(np.mean(1 / (n // 2)) / np.mean(1 / n)) if n.size else float("nan")


def ceiled_r2(r: Floats | float, ceiling: Floats | float) -> Any:
    """Share of the explainable variance that is explained, r |r| / ceiling.

    The noise of one neuroid bounds its r at the square root of the reliability of the responses that are scored, so
    r^2 is divided by the reliability itself, not by its square. The sign of r is kept: chance then averages to zero.
    NaN where the ceiling is not positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(ceiling) > 0, r * np.abs(r) / np.asarray(ceiling), np.nan)

"""How well predictions match responses, how well they could, and how sure we are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

METRICS = ("explained_variance", "r2", "pearson_r", "mse")
Floats = NDArray[np.float64]

# A prediction whose variance is below this share of the responses' is constant: it explains nothing and has r = 0.
CONSTANT = 1e-12
NUDGE = 1e-4  # share of a stimulus's weight, whose loss tells the derivative


def score(
    responses: NDArray[np.floating], predictions: NDArray[np.floating], weights: NDArray[Any] | None = None
) -> dict[str, Floats]:
    """Score every neuroid, once for each weighting of the stimuli.

    All metrics come from weighted first and second moments, so that a thousand bootstrap resamples (weights = how
    often each stimulus was drawn) cost six matrix products.

    Args:
        responses: (n stimuli, neuroid) y, NaN where nothing was recorded (left out, neuroid by neuroid).
        predictions: (n stimuli, neuroid) yhat.
        weights: (draw, n stimuli) non-negative weights; None for one draw with every stimulus once.

    Returns:
        For each of `METRICS` a (draw, neuroid) array: `explained_variance` = 1 - Var(y - yhat) / Var(y); `r2` =
        1 - mean((y - yhat)^2) / Var(y); `pearson_r`, 0 where yhat is constant; `mse` in squared units of y. NaN where
        fewer than two stimuli were observed or y is constant (but for `mse`).

    Raises:
        ValueError: if the shapes of `responses` and `predictions` differ.
    """
    if responses.shape != predictions.shape:
        raise ValueError(f"responses {responses.shape} and predictions {predictions.shape} differ in shape")
    w = np.ones((1, len(responses))) if weights is None else np.asarray(weights, dtype=np.float64)
    values, means = _moments(responses, predictions)
    return _metrics([w @ value for value in values], *means)


def influence(
    responses: NDArray[np.floating], predictions: NDArray[np.floating], groups: NDArray[Any] | None = None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Score every neuroid, and tell how much each stimulus moves the score.

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
    values, means = _moments(responses, predictions)
    totals = [value.sum(axis=0) for value in values]
    if groups is not None:
        index = np.unique(groups, return_inverse=True)[1]
        together = sparse.csr_array((np.ones(len(index)), (index, np.arange(len(index)))))
        values = [together @ value for value in values]
    whole = _metrics([total[None] for total in totals], *means)

    def change(share: float) -> dict[str, Floats]:
        """How much a metric changes where every group in its turn loses a share of its weight."""
        left = _metrics([total - share * value for total, value in zip(totals, values, strict=True)], *means)
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


def _moments(
    responses: NDArray[np.floating], predictions: NDArray[np.floating]
) -> tuple[list[Floats], tuple[Floats, Floats]]:
    """What the metrics need to be summed over stimuli, each (n, neuroid); and the means of y and of y - yhat."""
    seen = np.isfinite(responses) & np.isfinite(predictions)
    y, mean_y = _centred(responses, seen)
    p, _ = _centred(predictions, seen)
    e, mean_e = _centred(responses - predictions, seen)
    return [seen.astype(np.float64), y, p, e, y**2, p**2, e**2, y * p], (mean_y, mean_e)


def _metrics(sums: list[Floats], mean_y: Floats, mean_e: Floats) -> dict[str, Floats]:
    """The metrics from weighted sums, each (draw, neuroid), of what `_moments` gives."""
    total = sums[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        drift_y, drift_p, drift_e, square_y, square_p, square_e, product = (each / total for each in sums[1:])
        var_y, var_p, var_e = (
            np.maximum(square - drift**2, 0)
            for square, drift in ((square_y, drift_y), (square_p, drift_p), (square_e, drift_e))
        )
        covariance = product - drift_y * drift_p
        mse = var_e + (drift_e + mean_e) ** 2
        # y is constant where what is left of its variance is rounding, of its mean or of the squares it comes from.
        varies = (var_y > (1e-15 * mean_y) ** 2) & (var_y > CONSTANT * square_y)
        scored = np.where((total >= 2) & varies, var_y, np.nan)
        constant = var_p <= CONSTANT * var_y
        r = np.where(constant, 0, covariance / np.sqrt(np.where(constant, 1, var_p) * scored))
        r = np.where(np.isnan(scored), np.nan, np.clip(r, -1, 1))
    return {"explained_variance": 1 - var_e / scored, "r2": 1 - mse / scored, "pearson_r": r, "mse": mse}


def _centred(values: NDArray[np.floating], seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Values about their mean over the observed rows, 0 elsewhere, and that mean: small numbers keep their digits."""
    mean = np.where(seen, values, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, values - mean, 0.0), mean


def pearson_r(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """Pearson r of every column of (n, neuroid) `a` with that of `b`, over the rows observed in both."""
    return score(a, b)["pearson_r"][0]


def ceiled_r2(r: Floats | float, ceiling: Floats | float) -> Any:
    """Share of the explainable variance that is explained, r |r| / ceiling.

    The noise of one neuroid bounds its r at the square root of the reliability of the responses that are scored, so
    r^2 is divided by the reliability itself, not by its square. The sign of r is kept: chance then averages to zero.
    NaN where the ceiling is not positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(ceiling) > 0, r * np.abs(r) / np.asarray(ceiling), np.nan)


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


def interval(estimate: NDArray[np.floating] | float, draws: Floats, level: float = 0.95) -> Floats:
    """Percentile interval of bootstrap draws, shifted so that their mean is the estimate.

    Resamples repeat stimuli, which pulls most statistics down on average. Where many neuroids or pairs make the spread
    of the draws small beside that bias, bias-corrected percentiles collapse to one end of the draws; a shift does not.

    Args:
        estimate: (...) the statistic itself.
        draws: (draw, ...) the statistic of each resample; draws that are NaN are left out.
        level: coverage.

    Returns:
        (2, ...) lower and upper bound, around the estimate; NaN where the estimate or every draw is.
    """
    estimate = np.asarray(estimate, dtype=np.float64)
    known = np.isfinite(draws)
    n = known.sum(axis=0)
    bias = np.where(known, draws, 0).sum(axis=0) / np.maximum(n, 1) - estimate
    ordered = np.sort(np.where(known, draws, np.nan), axis=0)  # NaN last
    tail = (1 - level) / 2
    index = np.rint(np.multiply.outer([tail, 1 - tail], np.maximum(n - 1, 0))).astype(np.intp)
    bounds = np.take_along_axis(ordered, index, axis=0) - bias
    bounds = np.stack([np.minimum(bounds[0], estimate), np.maximum(bounds[1], estimate)])
    return np.where((n > 0) & np.isfinite(estimate), bounds, np.nan)

"""How well predictions match responses, how well they could, and how sure we are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

METRICS = ("explained_variance", "r2", "pearson_r", "mse")
Floats = NDArray[np.float64]

# A prediction whose variance is below this share of the responses' is constant: it explains nothing and has r = 0.
CONSTANT = 1e-12


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
    seen = np.isfinite(responses) & np.isfinite(predictions)
    total = w @ seen
    y, mean_y = _centred(responses, seen)
    p, _ = _centred(predictions, seen)
    e, mean_e = _centred(responses - predictions, seen)
    with np.errstate(invalid="ignore", divide="ignore"):
        drift_y, drift_p, drift_e = (w @ part / total for part in (y, p, e))
        var_y, var_p, var_e = (
            np.maximum(w @ part**2 / total - drift**2, 0) for part, drift in ((y, drift_y), (p, drift_p), (e, drift_e))
        )
        covariance = w @ (y * p) / total - drift_y * drift_p
        mse = var_e + (drift_e + mean_e) ** 2
        # y is constant where what is left of its variance is rounding of its mean.
        scored = np.where((total >= 2) & (var_y > (1e-15 * mean_y) ** 2), var_y, np.nan)
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


def spearman_brown(r: Floats | float) -> Any:
    """Reliability of the whole from the correlation of its halves, 2 r / (1 + r) (Spearman 1910; Brown 1910)."""
    return 2 * np.asarray(r) / (1 + np.asarray(r))


def ceiled_r2(r: Floats | float, reliability: Floats | float) -> Any:
    """Share of the explainable variance that is explained, r |r| / reliability.

    The noise of one neuroid bounds its r at sqrt(reliability), so r^2 is divided by the reliability itself, not by
    its square. The sign of r is kept: chance then averages to zero. NaN where the reliability is not positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(reliability) > 0, r * np.abs(r) / np.asarray(reliability), np.nan)


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
    """Bias-corrected bootstrap interval (Efron & Tibshirani 1993, section 14.3).

    Resamples repeat stimuli, which pulls a score down on average; percentiles are therefore taken as far off centre
    as the share of draws below the estimate says.

    Args:
        estimate: (...) the score itself.
        draws: (draw, ...) the score of each resample; draws that are NaN are left out.
        level: coverage.

    Returns:
        (2, ...) lower and upper bound, NaN where the estimate or every draw is.
    """
    estimate = np.asarray(estimate, dtype=np.float64)
    ordered = np.sort(draws, axis=0)  # NaN last
    n = np.isfinite(draws).sum(axis=0)
    below = ((draws < estimate).sum(axis=0) + 0.5 * (draws == estimate).sum(axis=0)) / np.maximum(n, 1)
    bias = ndtri(np.clip(below, 1 / (len(draws) + 1), len(draws) / (len(draws) + 1)))
    tail = ndtri((1 - level) / 2)
    shares = np.stack([ndtr(2 * bias + tail), ndtr(2 * bias - tail)])
    index = np.rint(shares * np.maximum(n - 1, 0)).astype(np.intp)
    bounds = np.take_along_axis(ordered, index, axis=0)
    return np.where((n > 0) & np.isfinite(estimate), bounds, np.nan)


def tell_from_best(draws: Floats) -> Floats:
    """How surely each of k encoders is worse than the best of them, on the same resamples of the same stimuli.

    The difference from the best is paired draw by draw; its standard error over the draws gives a two-sided p, and the
    k - 1 of them are adjusted to keep the false discovery rate (Benjamini & Hochberg 1995).

    Args:
        draws: (k, 1 + draws) mean score of each encoder, the score itself first.

    Returns:
        (k,) adjusted p, 1 for the best itself and for an encoder that predicts the same; NaN where a score is.
    """
    from scipy.stats import false_discovery_control  # here: it takes half a second, and only this needs it

    p = np.full(len(draws), np.nan)
    scored = np.flatnonzero(np.isfinite(draws[:, 0]))
    if not scored.size:
        return p
    p[scored] = 1.0
    difference = draws[scored[np.argmax(draws[scored, 0])]] - draws[scored]
    error = np.nanstd(difference[:, 1:], axis=1)
    lower = np.flatnonzero((difference[:, 0] > 0) & (error > 0))
    if lower.size:
        p[scored[lower]] = false_discovery_control(2 * ndtr(-difference[lower, 0] / error[lower]))
    return p

"""How well predictions match responses, how well they could, and how sure we are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    shift = np.where(seen, responses, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    y = np.where(seen, responses - shift, 0.0)
    p = np.where(seen, predictions - shift, 0.0)
    total = w @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_y, mean_p = w @ y / total, w @ p / total
        var_y = np.maximum(w @ y**2 / total - mean_y**2, 0)
        var_p = np.maximum(w @ p**2 / total - mean_p**2, 0)
        covariance = w @ (y * p) / total - mean_y * mean_p
        mse = w @ (y - p) ** 2 / total
        constant = var_p <= CONSTANT * var_y
        scored = np.where((total >= 2) & (var_y > 0), var_y, np.nan)
        var_e = np.maximum(mse - (mean_y - mean_p) ** 2, 0)
        r = np.where(constant, 0, covariance / np.sqrt(np.where(constant, 1, var_p) * scored))
        r = np.where(np.isnan(scored), np.nan, np.clip(r, -1, 1))
    return {"explained_variance": 1 - var_e / scored, "r2": 1 - mse / scored, "pearson_r": r, "mse": mse}


def pearson_r(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """Pearson r of every column of (n, neuroid) `a` with that of `b`, over the rows observed in both."""
    return score(a, b)["pearson_r"][0]


def spearman_brown(r: Floats | float) -> Any:
    """Reliability of the whole from the correlation of its halves, 2 r / (1 + r) (Spearman 1910; Brown 1910)."""
    return 2 * np.asarray(r) / (1 + np.asarray(r))


def ceiled_r2(r: Floats, reliability: Floats) -> Floats:
    """Share of the explainable variance that is explained, r |r| / reliability.

    The noise of one neuroid bounds its r at sqrt(reliability), so r^2 is divided by the reliability itself, not by
    its square. The sign of r is kept: chance then averages to zero. NaN where the reliability is not positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(reliability > 0, r * np.abs(r) / reliability, np.nan)


def bootstrap_weights(n_stimuli: int, n_draws: int, seed: int) -> NDArray[np.int64]:
    """(draw, n) how often each stimulus is drawn in each bootstrap resample of n stimuli with replacement."""
    return np.random.default_rng(seed).multinomial(n_stimuli, np.full(n_stimuli, 1 / n_stimuli), size=n_draws)


def interval(draws: Floats, level: float = 0.95) -> Floats:
    """(2, ...) lower and upper percentile bounds of (draw, ...) bootstrap draws; NaN draws are left out."""
    tail = 50 * (1 - level)
    undefined = np.isnan(draws).all(axis=0)
    return np.where(undefined, np.nan, np.nanpercentile(np.where(undefined, 0, draws), [tail, 100 - tail], axis=0))

"""Intervals of scores over stimuli, neuroids or both, from the influence of each on the score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

LEVEL = 0.95
# What an interval generalises over. `subjects` and `sessions` are drawn as a whole, in place of single neuroids,
# together with the stimuli.
OVER = {
    "stimuli": "stimuli",
    "neuroids": "neuroids",
    "both": "stimuli and neuroids",
    "subjects": "stimuli and subjects",
    "sessions": "stimuli and sessions",
}


@dataclass(frozen=True)
class Estimate:
    """The mean score of a region, or a ratio of two means, with the influences on it.

    Attributes:
        value: the score.
        stimuli: (stimulus,) influence of each stimulus, or group of stimuli, on the score.
        neuroids: (neuroid,) influence of each neuroid, or of each subject or session.
        cells: influence of each neuroid's response to each stimulus, the part of the variance that both others contain.
        over: what the interval is over: one of `OVER`.
    """

    value: float
    stimuli: Floats
    neuroids: Floats
    cells: NDArray[np.float32]
    over: str


def estimate(
    scores: Floats,
    influences: Floats,
    over: str = "stimuli",
    clusters: NDArray[Any] | None = None,
    ceilings: Floats | None = None,
) -> Estimate:
    """Mean score over neuroids, or its ratio to the mean ceiling, with the influences behind its interval.

    Args:
        scores: (neuroid,); neuroids with NaN are left out.
        influences: (stimulus, neuroid) of each stimulus on each score, from `ventral.scores.scoring.influence`.
        over: one of `OVER`.
        clusters: (neuroid,) subject or session of each neuroid, if the interval is over these.
        ceilings: (neuroid,) noise ceilings, NaN where unknown; the value is then sum(scores) / sum(ceilings) over the
            neuroids that have both. None: the mean.

    Returns:
        The estimate; its value is NaN if nothing is left. Its `over` becomes "stimuli" if there is only one neuroid,
        subject or session.
    """
    below = np.where(np.isfinite(scores), np.ones(len(scores)) if ceilings is None else ceilings, np.nan)
    known = np.isfinite(below)
    total = float(below[known].sum())
    if total <= 0:
        return Estimate(np.nan, np.zeros(len(influences)), np.zeros(1), np.zeros(1, np.float32), "stimuli")
    value = float(scores[known].sum()) / total
    of_neuroids = np.where(known, scores - value * below, 0) / total
    cells = np.where(known, influences, 0) / total
    stimuli = cells.sum(axis=1)
    count = int(known.sum())
    if clusters is not None:
        _, index = np.unique(clusters, return_inverse=True)
        member = (index[:, None] == np.arange(index.max() + 1)).astype(np.float64)
        of_neuroids, cells = of_neuroids @ member, cells @ member
        count = len(np.unique(index[known]))
    of_neuroids = of_neuroids * np.sqrt(count / max(count - 1, 1))
    return Estimate(value, stimuli, of_neuroids, cells.astype(np.float32).ravel(), over if count > 1 else "stimuli")


def difference(a: Estimate, b: Estimate) -> Estimate:
    """The difference a - b of two estimates of the same stimuli and neuroids."""
    return Estimate(a.value - b.value, a.stimuli - b.stimuli, a.neuroids - b.neuroids, a.cells - b.cells, a.over)


def covariance(estimates: Sequence[Estimate]) -> Floats:
    """(k, k) covariance of k estimates of the same stimuli and neuroids.

    Stimuli and neuroids are crossed: the variance over both is the sum of the variances over each, minus the part that
    both contain (Cameron, Gelbach & Miller 2011). That part is subtracted from the variance over neuroids, at most down
    to 0 and at the same rate for all k, so that no combination of estimates has a negative variance.
    """
    over = estimates[0].over
    stimuli = np.stack([each.stimuli for each in estimates])
    neuroids = np.stack([each.neuroids for each in estimates])
    if over == "stimuli":
        return stimuli @ stimuli.T
    if over == "neuroids":
        return neuroids @ neuroids.T
    in_both = sum(float(each.cells @ each.cells) for each in estimates)
    total = float(np.sum(neuroids**2))
    left = max(1 - in_both / total, 0.0) if total > 0 else 0.0
    return stimuli @ stimuli.T + left * (neuroids @ neuroids.T)


def spread(one: Estimate) -> tuple[float, float]:
    """Standard error of an estimate, and the degrees of freedom of its variance (Satterthwaite 1946)."""
    drawn = [max(int(np.count_nonzero(each)) - 1, 1) for each in (one.stimuli, one.neuroids)]
    variance = float(covariance([one])[0, 0])
    error = float(np.sqrt(variance))
    if one.over == "stimuli":
        return error, drawn[0]
    if one.over == "neuroids":
        return error, drawn[1]
    stimuli = float(one.stimuli @ one.stimuli)
    rest = max(variance - stimuli, 0.0)
    parts = stimuli**2 / drawn[0] + rest**2 / drawn[1]
    return error, (stimuli + rest) ** 2 / parts if parts > 0 else drawn[0]


def interval_of(one: Estimate, scale: str = "linear") -> tuple[float, float]:
    """The 95 % interval of an estimate, by Student's t on a scale with nearly constant variance.

    Args:
        one: the estimate.
        scale: "linear"; "r", Fisher's z of a correlation; "share", log(1 - x) of a share of variance; or "positive",
            the logarithm.

    Returns:
        Lower and upper bound around the value; NaN if nothing varies, as with constant predictions.
    """
    low, high = bounds(one.value, *spread(one), scale)
    return float(low), float(high)


def bounds(value: Any, error: Any, df: Any, scale: str = "linear") -> tuple[Any, Any]:
    """Bounds from values, their standard errors and degrees of freedom, elementwise; see `interval_of`."""
    forward, slope, back = _SCALES[scale]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        centre = forward(np.asarray(value, dtype=np.float64))
        width = stdtrit(df, (1 + LEVEL) / 2) * np.asarray(error) * slope(np.asarray(value, dtype=np.float64))
        found = [back(centre - width), back(centre + width)]
    known = np.isfinite(centre) & np.isfinite(width) & (np.asarray(error) > 0)
    return tuple(np.where(known, bound, np.nan) for bound in found)  # type: ignore[return-value]


# Each scale with its derivative and its inverse.
_Map = Callable[[Floats], Floats]
_SCALES: dict[str, tuple[_Map, _Map, _Map]] = {
    "linear": (lambda x: x, np.ones_like, lambda x: x),
    "r": (np.arctanh, lambda x: 1 / (1 - x**2), np.tanh),
    "share": (lambda x: -np.log(1 - x), lambda x: 1 / (1 - x), lambda z: 1 - np.exp(-z)),
    "positive": (np.log, lambda x: 1 / x, np.exp),
}

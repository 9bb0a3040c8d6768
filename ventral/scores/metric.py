"""What a metric says about itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ventral.scores.moments import Floats, Moments


@dataclass(frozen=True)
class Metric:
    """One measure of how well predictions match responses.

    Attributes:
        title: its name in text and on axes.
        heading: its name above a column of a table.
        meaning: a short definition, for the docs.
        formula: (draw, neuroid) values from the moments of responses and predictions; NaN where it is undefined.
        scale: the scale on which its intervals are symmetric, as in `ventral.scores.intervals.bounds`.
        ceiling: its highest value that the noise of the responses allows, from the noise ceiling of r²; None where it
            has no such bound.
        higher_is_better: whether a higher value is a better one.
        is_headline: whether the tables and figures for readers show it; the csv files hold every metric.
    """

    title: str
    heading: str
    meaning: str
    formula: Callable[[Moments], Floats]
    scale: str = "linear"
    ceiling: Callable[[Any], Any] | None = None
    higher_is_better: bool = True
    is_headline: bool = False

    def __call__(self, moments: Moments) -> Floats:
        """The (draw, neuroid) values."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.formula(moments)

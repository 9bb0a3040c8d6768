"""Numbers as a person reads them."""

import numpy as np


def rounded(value: float, digits: int = 3) -> str:
    """A number as every table shows it, or "none"."""
    return "none" if np.isnan(value) else f"{value:.{digits}f}"


def bounded(value: float, low: float, high: float) -> str:
    """A number and its interval as every table shows them; without an interval the number alone."""
    interval = "" if np.isnan(value) or np.isnan(low) else f" [{rounded(low)}, {rounded(high)}]"
    return rounded(value) + interval

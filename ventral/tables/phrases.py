"""Numbers, lists and data sets as they are written in tables, on the page and in alternative texts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

SIMULATED = "simulated"  # the source of recordings that no animal gave
MOST_NAMES = 4  # a sentence with more names is one that nobody reads


def rounded(value: float, digits: int = 3) -> str:
    """A number as every table shows it, or "none"."""
    return "none" if np.isnan(value) else f"{value:.{digits}f}"


def bounded(value: float, low: float, high: float, digits: int = 3) -> str:
    """A number and its interval as every table shows them; without an interval the number alone."""
    interval = "" if np.isnan(value) or np.isnan(low) else f" [{rounded(low, digits)}, {rounded(high, digits)}]"
    return rounded(value, digits) + interval


def named(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names in a row: "a, b and c", or "a, b and 7 more"."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else "none"


def counted(number: int, what: str, many: str = "") -> str:
    """A number of things: "1 image", "2 images", "2 stimuli" where `many` says so."""
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"


def labelled(dataset: str, source: str) -> str:
    """The name of a data set, with the word that says whether its recordings are real."""
    return f"{dataset} ({'simulated' if source == SIMULATED else 'real'})"


def layer_name(network: str, layer: str) -> str:
    """A layer by network and name; a network of a single layer of its own name, such as pixels, by that."""
    return network if layer == network else f"{network} {layer}"


def highest_by_region(rows: pd.DataFrame, value: str) -> str:
    """For each region its highest value and the layer that has it: "IT 0.63 (resnet layer4); V4 0.50 (...)".

    Args:
        rows: `network`, `layer`, `region` and the values.
        value: column of the values.
    """
    found = []
    for region, here in rows[rows[value].notna()].groupby("region", sort=False):
        best = here.sort_values(value, ascending=False, kind="stable").iloc[0]
        found.append(f"{region} {rounded(best[value], 2)} ({layer_name(best['network'], best['layer'])})")
    return "; ".join(found) or "none"

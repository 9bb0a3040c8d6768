"""Tables of all encoders, gathered and written."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ventral.atomic import writing
from ventral.scores import interval, tell_from_best

UNTRAINED = " (NO better than its random copy)"
BASELINES = ("pixels", "majority")  # beside networks that tell faces
TOLD = 0.05  # adjusted p below which an encoder is told from the best
ENCODER = ["dataset", "protocol", "source", "region", "encoder", "network", "weights", "readout"]


def gather_scores(parts: Iterable[Sequence[pd.DataFrame]]) -> list[pd.DataFrame]:
    """Join what `score_encoder` returns for each encoder: `scores.csv`, `summary.csv` and `layers.csv`, sorted.

    In the summary `p_from_best` tells whether an encoder's mean r is below that of the best of its dataset, protocol,
    region and split, and `among_best` marks those of which it cannot be told; `below_best` is how far it is below, in
    r, with its 95 % interval from the same resamples.
    """
    keys = (["split", "metric", "neuroid"], ["split"], ["depth"])
    gathered = []
    for tables, within in zip(zip(*parts, strict=True), keys, strict=True):
        table = pd.concat(tables, ignore_index=True)
        rest = [column for column in table.columns if column not in ENCODER]
        gathered.append(table[ENCODER + rest].sort_values(ENCODER + within, kind="stable", ignore_index=True))
    summary = gathered[1]
    summary[["below_best", "below_best_low", "below_best_high", "p_from_best"]] = np.nan
    for rows in summary.groupby(["dataset", "protocol", "region", "split"]).indices.values():
        draws = np.stack(list(summary["draws"].iloc[rows]))
        summary.loc[rows, "p_from_best"] = tell_from_best(draws)
        if np.isfinite(draws[:, 0]).any():
            below = draws[np.nanargmax(draws[:, 0])] - draws
            low, high = interval(below[:, 0], below[:, 1:].T)
            summary.loc[rows, ["below_best", "below_best_low", "below_best_high"]] = np.stack(
                [below[:, 0], low, high], 1
            )
    summary["among_best"] = summary["p_from_best"] >= TOLD
    gathered[1] = summary.drop(columns="draws")
    return gathered


def gather_checks(paths: Iterable[str | Path]) -> pd.DataFrame:
    """`weights.csv`: how each network that claims to be trained compares with its random copy."""
    rows = [pd.read_csv(path, keep_default_na=False) for path in paths]
    empty = pd.DataFrame(columns=["network", "weights", "accuracy", "accuracy_random", "low", "high", "passed"])
    return pd.concat(rows, ignore_index=True).sort_values("network", ignore_index=True) if rows else empty


def gather_faces(parts: Iterable[pd.DataFrame], source: str) -> pd.DataFrame:
    """`faces.csv`: how well classifiers tell faces.

    Args:
        parts: of each network, as of `ventral.classification.score_sets`; baselines, alike in all, stay once.
        source: of the recordings whose images they are.

    Returns:
        One row a `set`, `category` and `classifier`, networks first: `source`, `n`, `accuracy` with its interval and
        `called_face`; rows "NETWORK - BASELINE" are the gain in accuracy.
    """
    table = pd.concat(list(parts), ignore_index=True).drop_duplicates(["set", "category", "classifier"])
    place = table.groupby(["set", "category"], sort=False).ngroup()
    kind = table["classifier"].isin(BASELINES) + 2 * table["classifier"].str.contains(" - ")
    table.insert(0, "source", source)
    return table.iloc[np.lexsort((kind, place))].reset_index(drop=True)


def mark_untrained(table: pd.DataFrame, checks: pd.DataFrame) -> pd.DataFrame:
    """The table, in whose `weights` networks are marked that tell objects apart no better than their random copies."""
    failed = table["network"].isin(checks["network"][~checks["passed"].astype(bool)])
    return table.assign(weights=table["weights"].where(~failed, table["weights"] + UNTRAINED))


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as csv; six significant digits, so that rounding of the last bits never shows."""
    with writing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table that `write_csv` wrote; names stay text, though a layer be called 3 and a region 17 or NA."""
    names = dict.fromkeys([*ENCODER, "neuroid", "layer", "compared_with", "split"], str)
    return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])

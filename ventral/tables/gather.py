"""The tables of all encoders, gathered."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ventral.scores.intervals import difference, interval_of
from ventral.scores.ranking import model_confidence_set, resample
from ventral.tables.groups import RANKING

UNTRAINED = " (NO better than its random copy)"
BASELINES = ("pixels", "majority")  # classifiers that networks which detect faces are compared with
BEST_P = 0.05  # p below which an encoder is not among the best
ENCODER = ["dataset", "protocol", "source", "region", "encoder", "network", "weights", "readout"]


def gather_scores(
    parts: Iterable[Sequence[pd.DataFrame]], references: Sequence[str], n_draws: int, seed: int
) -> list[pd.DataFrame]:
    """Join what `score_encoder` returns for each encoder: `scores.csv`, `summary.csv` and `layers.csv`, sorted.

    In the summary `p_best` is that of the model confidence set of the encoders of one dataset, protocol, region and
    split by mean r, and `among_best` marks those that are in it; `below_best` is how far an encoder is below the best,
    in r, with its 95 % interval. Encoders on references (`reference`) are ranked only where there are no others.

    Args:
        parts: of each encoder.
        references: networks that are no models of vision, from `ventral.networks.published.is_reference`.
        n_draws: resamples behind the model confidence set.
        seed: of the resamples.
    """
    keys = (["split", "metric", "neuroid"], ["split"], ["depth"])
    gathered = []
    for tables, within in zip(zip(*parts, strict=True), keys, strict=True):
        table = pd.concat(tables, ignore_index=True)
        if table.empty:  # layers, where no protocol has a val
            table = pd.DataFrame(columns=[*ENCODER, "layer", *within], dtype=str)
        rest = [column for column in table.columns if column not in ENCODER]
        gathered.append(table[ENCODER + rest].sort_values(ENCODER + within, kind="stable", ignore_index=True))
    summary = gathered[1] = gathered[1].assign(reference=gathered[1]["network"].isin(references))
    ranked = [_ranked(rows, n_draws, seed) for _, rows in summary.groupby(["dataset", "protocol", "region", "split"])]
    gathered[1] = summary.drop(columns="estimate").join(pd.concat(ranked))
    return gathered


def _ranked(rows: pd.DataFrame, n_draws: int, seed: int) -> pd.DataFrame:
    """How far each encoder of one region and split is below the best, and whether it is among the best."""
    columns = ["below_best", "below_best_low", "below_best_high", "p_best"]
    table = pd.DataFrame(np.nan, rows.index, columns)
    scored = rows["estimate"][np.isfinite(rows[RANKING])]
    if len(scored):
        models = scored[~rows["reference"]]
        ranked = models if len(models) else scored
        values = np.array([one.value for one in ranked])
        best = ranked.iloc[int(np.argmax(values))]
        table.loc[ranked.index, "p_best"] = model_confidence_set(values, resample(list(ranked), n_draws, seed))
        below = [difference(best, one) for one in scored]
        table.loc[scored.index, columns[:3]] = [(one.value, *interval_of(one)) for one in below]
    return table.assign(among_best=table["p_best"] >= BEST_P)


def gather_checks(paths: Iterable[str | Path]) -> pd.DataFrame:
    """`weights.csv`: how each network that claims to be trained compares with its random copy."""
    rows = [pd.read_csv(path, keep_default_na=False) for path in paths]
    empty = pd.DataFrame(columns=["network", "weights", "accuracy", "accuracy_random", "low", "high", "passed"])
    return pd.concat(rows, ignore_index=True).sort_values("network", ignore_index=True) if rows else empty


def gather_faces(parts: Iterable[pd.DataFrame], dataset: str, source: str) -> pd.DataFrame:
    """`faces.csv`: how well classifiers detect faces.

    Args:
        parts: of each network, from `ventral.scores.classification.score_sets`; a baseline that all parts hold is kept
            once.
        dataset: whose images they are.
        source: of its recordings.

    Returns:
        One row a `set`, `category` and `classifier`, networks first: `dataset`, `source`, `n`, `accuracy` with its
        interval and `called_face`; rows "NETWORK - BASELINE" are the gain in accuracy.
    """
    table = pd.concat(list(parts), ignore_index=True).drop_duplicates(["set", "category", "classifier"])
    place = table.groupby(["set", "category"], sort=False).ngroup()
    kind = table["classifier"].isin(BASELINES) + 2 * table["classifier"].str.contains(" - ")
    table.insert(0, "source", source)
    table.insert(0, "dataset", dataset)
    return table.iloc[np.lexsort((kind, place))].reset_index(drop=True)


def mark_untrained(table: pd.DataFrame, checks: pd.DataFrame) -> pd.DataFrame:
    """The table; its `weights` mark the networks that classify objects no better than their random copies."""
    failed = table["network"].isin(checks["network"][~checks["passed"].astype(bool)])
    return table.assign(weights=table["weights"].where(~failed, table["weights"] + UNTRAINED))

"""Scores neuroid by neuroid, as figures show them."""

import numpy as np
import pandas as pd

from ventral.scores.catalogue import METRICS, RANKED_BY
from ventral.tables.groups import Group


def neuroid_scores(scores: pd.DataFrame, group: Group, encoder: str, min_reliability: float = -np.inf) -> pd.DataFrame:
    """What an encoder reaches on every neuroid of a region.

    Args:
        scores: rows of `scores.csv` of one dataset.
        group: says the region, the protocol and the split.
        encoder: its name.
        min_reliability: neuroids of less are left out, as in the means of the summary.

    Returns:
        One row a neuroid that has a score: every metric; `signed_r2` = r |r|; `ceiling_r2`, the noise ceiling of r²;
        `ceiling` of r, its square root (0 where it is negative), and `low`, `high`: the same of the ceiling less and
        plus the standard deviation of the reliability over halvings. NaN where there were no repetitions.
    """
    here = (scores["protocol"] == group.protocol) & (scores["split"] == group.split)
    here &= (scores["region"] == group.region) & (scores["encoder"] == encoder)
    here &= ~(scores["reliability"] < min_reliability)
    rows = scores[here]
    values = rows.pivot_table(index="neuroid", columns="metric", values="value")
    values = values.reindex(columns=list(METRICS)).dropna(subset=[RANKED_BY])
    known = rows.drop_duplicates("neuroid").set_index("neuroid").reindex(values.index)
    ceiling, spread = known["ceiling"].to_numpy(float), known["reliability_sd"].to_numpy(float)
    spread = np.nan_to_num(spread)
    return values.assign(
        signed_r2=values["pearson_r"] * values["pearson_r"].abs(),
        ceiling_r2=ceiling,
        ceiling=np.sqrt(np.clip(ceiling, 0, 1)),
        low=np.sqrt(np.clip(ceiling - spread, 0, 1)),
        high=np.sqrt(np.clip(ceiling + spread, 0, 1)),
    )

"""The encoders that are compared with one another, and which of them is best: one definition for all who ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ventral.scores.catalogue import RANKED_BY, columns_of

RANKING = columns_of(RANKED_BY)[0]  # the column by which encoders are ranked


@dataclass(frozen=True)
class Group:
    """The encoders of one dataset, protocol and region on the stimuli held out last: models first, the best first.

    Attributes:
        dataset, protocol, region: their names.
        source: of the recordings.
        split: test where there is one, else val.
        rows: of `summary.csv`.
    """

    dataset: str
    protocol: str
    region: str
    source: str
    split: str
    rows: pd.DataFrame

    @property
    def best(self) -> dict[str, Any]:
        """The row of the highest mean r: of a model, or of a reference where no model was run."""
        return dict(self.rows.iloc[0])

    @property
    def is_scored(self) -> bool:
        """Whether any encoder has a score."""
        return bool(self.rows[RANKING].notna().any())

    @property
    def rivals(self) -> pd.DataFrame:
        """The other rows that the best is ranked with: models, or references where there are no models."""
        others = self.rows.iloc[1:]
        return others[others["reference"] == self.best["reference"]]

    @property
    def reference(self) -> dict[str, Any] | None:
        """The row of the best reference beside models."""
        rows = self.rows[self.rows["reference"] & self.rows[RANKING].notna()]
        return None if rows.empty or self.best["reference"] else dict(rows.iloc[0])

    @property
    def random(self) -> str | None:
        """The best encoder of random weights; None where there is none, or where it is the best of all."""
        of_random = self.rows[self.rows["weights"].str.startswith("random") & self.rows[RANKING].notna()]
        names = of_random["encoder"].tolist()[:1]
        return names[0] if names and names[0] != self.best["encoder"] else None

    @property
    def tied(self) -> list[str]:
        """Other encoders that cannot be distinguished from the best."""
        return self.rivals["encoder"][self.rivals["among_best"].astype(bool)].tolist()


def best_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the summary by mean r, the best first; references after models."""
    order = rows.sort_values(RANKING, ascending=False, kind="stable")
    return order.sort_values("reference", kind="stable")


def groups(summary: pd.DataFrame, protocol: str | None = None) -> Iterator[Group]:
    """Every group of a study, in the order of the table.

    Args:
        summary: rows of `summary.csv`; none, where no encoder was fitted.
        protocol: the only one to look at; None: all.
    """
    if summary.empty:
        return
    for (dataset, of_protocol, region), rows in summary.groupby(["dataset", "protocol", "region"], sort=False):
        if protocol in (None, of_protocol):
            split = "test" if (rows["split"] == "test").any() else "val"
            source, shown = str(rows["source"].iloc[0]), best_first(rows[rows["split"] == split])
            yield Group(str(dataset), str(of_protocol), str(region), source, split, shown)

"""What the report is made of: the tables and recordings of a finished study, read once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from ventral.data.responses import read_responses
from ventral.files.csv import read_table
from ventral.tables.gather import best_first

TABLES = ("summary", "layers", "rsa", "left_out", "reproduction", "weights", "faces", "xiao_units", "missing_stimuli")
SIMULATED = "simulated"


@dataclass(frozen=True)
class Group:
    """The encoders of one dataset, protocol and region on the stimuli held out last, models first, the best first.

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
        """The row of the highest mean r, of a model where there is one."""
        return dict(self.rows.iloc[0])

    @property
    def rivals(self) -> pd.DataFrame:
        """The other rows that the best is ranked with: models, or references where there are no models."""
        others = self.rows.iloc[1:]
        return others[others["reference"] == self.best["reference"]]

    @property
    def reference(self) -> dict[str, Any] | None:
        """The row of the best reference beside models."""
        rows = self.rows[self.rows["reference"] & self.rows["pearson_r_mean"].notna()]
        return None if rows.empty or self.best["reference"] else dict(rows.iloc[0])

    @property
    def tied(self) -> list[str]:
        """Other encoders that cannot be told from the best."""
        return self.rivals["encoder"][self.rivals["among_best"].astype(bool)].tolist()


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        config: the keys of the config that the report tells of, defaults filled in.
        responses: as `responses/{dataset}.nc`, by dataset.
        tables: of `TABLES`, by name; those that the study does not have are empty.
        provenance: as `tables/provenance.json`, empty where there is none.
    """

    config: Mapping[str, Any]
    responses: Mapping[str, xr.Dataset]
    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]

    def table(self, name: str, dataset: str | None = None) -> pd.DataFrame:
        """A table, or its rows of one dataset; empty where the study has none."""
        table = self.tables.get(name, pd.DataFrame())
        return table if dataset is None or table.empty else table[table["dataset"] == dataset]

    def source(self, dataset: str) -> str:
        """Where the recordings of a dataset come from."""
        return str(self.responses[dataset].attrs["source"])

    def is_simulated(self, dataset: str) -> bool:
        """Whether the recordings of a dataset are simulated."""
        return self.source(dataset) == SIMULATED

    def groups(self, dataset: str | None = None, protocol: str | None = None) -> Iterator[Group]:
        """The encoders that are compared with one another, of all datasets and protocols or of one."""
        summary = self.table("summary", dataset)
        if summary.empty:
            return
        for (name, of_protocol, region), rows in summary.groupby(["dataset", "protocol", "region"], sort=False):
            if protocol in (None, of_protocol):
                split = "test" if (rows["split"] == "test").any() else "val"
                source, shown = str(rows["source"].iloc[0]), best_first(rows[rows["split"] == split])
                yield Group(str(name), str(of_protocol), str(region), source, split, shown)


def read_study(config: Mapping[str, Any], responses: Mapping[str, str], tables: Sequence[str]) -> Study:
    """Read what a study left.

    Args:
        config: as in `Study`.
        responses: paths of `responses/{dataset}.nc`, by dataset.
        tables: paths; those named as `TABLES` are read, and `provenance.json`.
    """
    paths = {Path(path).name: Path(path) for path in tables}
    provenance = paths.get("provenance.json")
    return Study(
        config=config,
        responses={dataset: read_responses(path) for dataset, path in responses.items()},
        tables={name: read_table(paths[f"{name}.csv"]) for name in TABLES if f"{name}.csv" in paths},
        provenance=json.loads(provenance.read_text()) if provenance else {},
    )

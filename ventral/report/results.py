"""Read the tables and recordings of a finished study for the report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from ventral.data.responses import read_responses
from ventral.files.csv import read_table
from ventral.tables.groups import Group, groups
from ventral.tables.phrases import SIMULATED

TABLES = ("summary", "layers", "rsa", "left_out", "reproduction", "weights")


@dataclass(frozen=True)
class Results:
    """The results of a finished study.

    Attributes:
        config: the keys of the config that the report shows, with defaults filled in.
        responses: content of `responses/{dataset}.nc`, by dataset.
        tables: those of `TABLES` that the study has, by name.
        provenance: content of `tables/provenance.json`; empty if there is none.
        missing_stimuli: for each dataset, the stimuli that its sessions showed but whose images are missing.
    """

    config: Mapping[str, Any]
    responses: Mapping[str, xr.Dataset]
    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]
    missing_stimuli: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def table(self, name: str, dataset: str | None = None) -> pd.DataFrame:
        """Return a table, or its rows of one dataset. It is empty if the study does not have the table."""
        table = self.tables.get(name, pd.DataFrame())
        return table if dataset is None or table.empty else table[table["dataset"] == dataset]

    def source(self, dataset: str) -> str:
        """The source of the recordings of a dataset."""
        return str(self.responses[dataset].attrs["source"])

    def is_simulated(self, dataset: str) -> bool:
        """Whether the recordings of a dataset are simulated."""
        return self.source(dataset) == SIMULATED

    def groups(self) -> Iterator[Group]:
        """The groups of encoders that are compared with one another, of all datasets and protocols."""
        return groups(self.table("summary"))


def read_results(config: Mapping[str, Any], responses: Mapping[str, str], tables: Sequence[str]) -> Results:
    """Read the results of a study.

    Args:
        config: as in `Results`.
        responses: paths of `responses/{dataset}.nc`, by dataset.
        tables: paths. Those in `TABLES` are read, and `provenance.json`, and each `missing_stimuli.csv`, whose folder
            has the name of its dataset.
    """
    paths = {Path(path).name: Path(path) for path in tables}
    provenance = paths.get("provenance.json")
    return Results(
        config=config,
        responses={dataset: read_responses(path) for dataset, path in responses.items()},
        tables={name: read_table(paths[f"{name}.csv"]) for name in TABLES if f"{name}.csv" in paths},
        provenance=json.loads(provenance.read_text()) if provenance else {},
        missing_stimuli={
            path.parent.name: read_table(path)["stimulus_id"].astype(str).tolist()
            for path in map(Path, tables)
            if path.name == "missing_stimuli.csv"
        },
    )

"""What the report is made of: the tables and recordings of a finished study, read once."""

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
    """What a finished study found.

    Attributes:
        config: the keys of the config that the report shows, defaults filled in.
        responses: as `responses/{dataset}.nc`, by dataset.
        tables: of `TABLES`, by name; a study may lack some.
        provenance: as `tables/provenance.json`, empty where there is none.
        missing_stimuli: by dataset, the stimuli that its sessions showed and whose images are not at hand.
    """

    config: Mapping[str, Any]
    responses: Mapping[str, xr.Dataset]
    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]
    missing_stimuli: Mapping[str, Sequence[str]] = field(default_factory=dict)

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

    def groups(self) -> Iterator[Group]:
        """The encoders that are compared with one another, of all datasets and protocols."""
        return groups(self.table("summary"))


def read_results(config: Mapping[str, Any], responses: Mapping[str, str], tables: Sequence[str]) -> Results:
    """Read what a study left.

    Args:
        config: as in `Results`.
        responses: paths of `responses/{dataset}.nc`, by dataset.
        tables: paths; those named as `TABLES` are read, `provenance.json`, and `missing_stimuli.csv` in a folder named
            after its dataset.
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

"""Tables of the report: cells to read, each with what it is sorted by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ventral.report.results import Study
from ventral.report.words import highest, kind, layer_rows
from ventral.scores.intervals import OVER
from ventral.tables.pages import bounded, rounded

BEST, TIED, REFERENCE = "best", "not distinguishable", "reference"
WRAPPED = 45  # letters; cells of more are set in several lines


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what is read.
        key: the number that it is sorted by, None for text.
        mark: its class in the style sheet.
    """

    text: str
    key: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the page.

    Attributes:
        name: of its parts' ids.
        title: said above it.
        columns: their names.
        rows: of cells.
        filters: columns by whose values rows can be chosen.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    filters: Sequence[str] = ()

    def choices(self, column: str) -> list[str]:
        """The values of a column that is chosen by, in their order."""
        index = list(self.columns).index(column)
        return list(dict.fromkeys(row[index].text for row in self.rows))

    def has_numbers(self, index: int) -> bool:
        """Whether a column is of numbers."""
        return self.rows[0][index].mark == "number"


def text(value: Any) -> Cell:
    """A cell of text; empty for what is missing."""
    said = "" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
    return Cell(said, mark="wide" if len(said) > WRAPPED else "")


def number(value: float, digits: int = 3) -> Cell:
    """A cell with a number."""
    return Cell(rounded(value, digits), float(value), "number")


def with_interval(row: Mapping[Any, Any], mean: str, low: str, high: str) -> Cell:
    """A cell with a number and its interval, sorted by the number."""
    return Cell(bounded(row[mean], row[low], row[high]), float(row[mean]), "number")


def summary_table(study: Study) -> Table:
    """Every encoder on the stimuli held out last, best first in each dataset, protocol and region."""
    several = len(study.config["protocols"]) > 1
    rows = []
    for group in study.groups():
        for place, row in enumerate(group.rows.to_dict("records")):
            mark = BEST if place == 0 else TIED if row["among_best"] else REFERENCE if row["reference"] else ""
            rows.append(
                [
                    text(kind(study, group.dataset)),
                    text(group.region),
                    *([text(group.protocol)] if several else []),
                    text(row["encoder"]),
                    Cell(mark, -float(place), mark.partition(" ")[0]),
                    with_interval(row, *_ends("pearson_r")),
                    with_interval(row, "ceiled_r2", "ceiled_r2_low", "ceiled_r2_high"),
                    number(row["ceiled_r2_median"], 2),
                    with_interval(row, *_ends("explained_variance")),
                    with_interval(row, "below_best", "below_best_low", "below_best_high"),
                    *(text(row[column]) for column in ("weights", "layer")),
                    _directions(row),
                    Cell(f"{row['n_scored']} on {row['n_stimuli']}", float(row["n_scored"]), "number"),
                ]
            )
    columns = ["dataset", "region", *(["protocol"] if several else []), "encoder", "mark", "r", "share of the ceiling"]
    columns += [
        "median share",
        "explained variance",
        "r below the best",
        "weights",
        "layer",
        "directions",
        "neuroids on stimuli",
    ]
    title = (
        f"Means over neuroids on held-out stimuli with 95 % intervals over {OVER[study.config['interval_over']]}. The "
        "share of the ceiling is the sum of r² over the sum of noise ceilings; beside it, the median over neuroids. "
        "Not distinguishable: with the best by r in the model confidence set. References (pixels, labels, random "
        "weights) are ranked after the models. Directions: of feature space, how many a readout uses, and the share of "
        "the largest eigenvalue below which it uses none."
    )
    return Table("summary", title, columns, rows, ("dataset", "region", *(["protocol"] if several else [])))


def _directions(row: Mapping[Any, Any]) -> Cell:
    """How many directions of feature space a readout used, and where it cut; empty for trained networks."""
    n, cut = row["n_directions"], row["rank_cut"]
    if np.isnan(n):
        return text(None)
    return Cell(f"{n:.0f}" if np.isnan(cut) else f"{n:.0f}, cut at {cut:g}", float(n), "number")


def _ends(metric: str) -> tuple[str, str, str]:
    return f"{metric}_mean", f"{metric}_low", f"{metric}_high"


def reproduction_table(study: Study) -> Table:
    """Each number of the literature beside ours."""
    rows = [
        [
            text(row["report"]),
            text(f"{row['dataset']} {row['region']}"),
            text(row["encoder"]),
            text(row["metric"].replace("_", " ")),
            number(row["reported"]),
            with_interval(row, "value", "low", "high"),
            number(row["difference"]),
            Cell(row["status"], mark=row["status"].replace(" ", "-")),
            *(text(row[column]) for column in ("why", "note", "split")),
        ]
        for row in study.table("reproduction").to_dict("records")
    ]
    columns = [
        "report",
        "region",
        "encoder",
        "metric",
        "reported",
        "ours",
        "difference",
        "status",
        "why",
        "note",
        "split",
    ]
    title = "Numbers of the literature beside ours on the same split, ours with 95 % intervals."
    return Table("reproduction", title, columns, rows, ("status", "report"))


def rsa_table(study: Study) -> Table:
    """Regions against one another and against the layer of each network that is its choice."""
    rsa = study.table("rsa")
    regions = rsa[rsa["layer"].isna()] if len(rsa) else rsa
    shown = pd.concat([regions, _chosen_layers(study)]) if len(rsa) else rsa
    order = list(study.responses)
    rows = [
        [
            text(kind(study, row["dataset"])),
            *(text(row[column]) for column in ("region", "compared_with", "layer")),
            with_interval(row, "spearman", "low", "high"),
            Cell(_ceiling(row), float(np.nanmax([row["ceiling"], row["ceiling_low"], -1])), "number"),
            number(row["p"]),
            number(row["q"]),
            with_interval(row, "cka_unbiased", "cka_unbiased_low", "cka_unbiased_high"),
            number(row["pooled"]),
            Cell(str(row["n_stimuli"]), float(row["n_stimuli"]), "number"),
        ]
        for row in sorted(shown.to_dict("records"), key=lambda row: order.index(row["dataset"]))
    ]
    columns = ["dataset", "region", "compared with", "layer", "Spearman of RDMs", "noise ceiling", "p", "q"]
    columns += ["CKA, unbiased", "pooled over sessions (no evidence)", "images"]
    title = (
        "Regions against one another, and against one layer of each network: the one that most readouts chose on train "
        "or, where no encoder was fitted, the one most like the region on these very images. 95 % intervals from "
        "resampled images."
    )
    return Table("rsa", title, columns, rows, ("dataset", "region"))


def _ceiling(row: Mapping[Any, Any]) -> str:
    if np.isnan(row["ceiling"]) and not np.isnan(row["ceiling_low"]):
        return f"{rounded(row['ceiling_low'])} to {rounded(row['ceiling_high'])}"
    return rounded(row["ceiling"])


def _chosen_layers(study: Study) -> pd.DataFrame:
    """Rows of `rsa.csv` of one layer for each region and network."""
    layers, found = study.table("layers"), []
    chosen = layers[layers["chosen"] & (layers["protocol"] == layers["protocol"].iloc[0])] if len(layers) else layers
    for (dataset, region, network), rows in layer_rows(study).groupby(
        ["dataset", "region", "compared_with"], sort=False
    ):
        own = pd.DataFrame()
        if len(chosen):
            # A session's rows ("AIT Sc240103") go by the choice of their region.
            here = chosen["region"].isin([region, str(region).split()[0]])
            own = chosen[(chosen["dataset"] == dataset) & here & (chosen["network"] == network)]
        layer = own["layer"].mode().iloc[0] if len(own) else highest(rows, "spearman")["layer"]
        found.append(rows[rows["layer"] == layer])
    return pd.concat(found) if found else pd.DataFrame()


def networks_table(study: Study) -> Table:
    """Networks and what is trained on the neurons, with their weights as they were in the end."""
    layers = study.table("layers")
    as_run = {} if layers.empty else layers.groupby("network")["weights"].first().to_dict()
    rows = []
    for name, settings in study.config["networks"].items():
        weights = as_run.get(name, settings["weights"])
        if weights.startswith("random"):
            weights += f", seed {settings.get('seed', study.config['seed'])}"
        rows.append([name, settings["architecture"], weights, settings.get("image_size"), "frozen, read out"])
    for name, settings in study.config["trained"].items():
        how = f"trained on the neurons, {settings['head']} head, seeds: {settings['seeds']}"
        rows.append([name, settings["network"], as_run.get(name), settings.get("image_size"), how])
    columns = ["network", "architecture", "weights", "image size (pixels)", "how"]
    return Table(
        "networks", "Networks with their weights, as they ran.", columns, [list(map(text, row)) for row in rows]
    )


def readouts_table(study: Study) -> Table:
    """Readouts and their settings."""
    rows = [
        [text(name), text(", ".join(f"{key} {_said(value)}" for key, value in settings.items()))]
        for name, settings in study.config["readouts"].items()
    ]
    return Table("readouts", "Readouts of the layers.", ["readout", "settings"], rows)


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


TABLES: Sequence[Callable[[Study], Table]] = (summary_table, reproduction_table, rsa_table)


def tables(study: Study, makers: Iterable[Callable[[Study], Table]]) -> dict[str, Table]:
    """The tables that have a row, by name."""
    made = [maker(study) for maker in makers]
    return {table.name: table for table in made if table.rows}

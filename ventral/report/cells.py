"""Make the tables of the report. Each cell has a text, and a number by which the page sorts it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ventral.report.results import Results
from ventral.report.words import highest, layer_rows
from ventral.scores.catalogue import CEILED, HEADLINES, MEDIAN, RANKED_BY, columns_of, heading_of
from ventral.scores.intervals import OVER
from ventral.tables.phrases import bounded, labelled, rounded

Row = Mapping[Any, Any]
BEST, TIED, REFERENCE = "best", "not distinguishable", "reference"
WRAPPED = 45  # letters; longer cells are broken into several lines


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: shown on the page.
        key: the number by which the column is sorted. None: it is sorted by the text.
        mark: class of the cell in the style sheet.
    """

    text: str
    key: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the page.

    Attributes:
        name: used in the ids of its elements.
        title: the text above it.
        columns: headings of the columns.
        rows: of cells.
        filters: headings of the columns by whose values a reader can choose rows.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    filters: Sequence[str] = ()

    def choices(self, column: str) -> list[str]:
        """List the different values of a column, in the order of the rows."""
        index = list(self.columns).index(column)
        return list(dict.fromkeys(row[index].text for row in self.rows))

    def has_numbers(self, index: int) -> bool:
        """Whether a column holds numbers."""
        return self.rows[0][index].mark == "number"


def text(value: Any) -> Cell:
    """Make a cell of text. It is empty for a missing value."""
    said = "" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
    return Cell(said, mark="wide" if len(said) > WRAPPED else "")


def number(value: float, digits: int = 3) -> Cell:
    """Make a cell with a number."""
    return Cell(rounded(value, digits), float(value), "number")


def with_interval(row: Row, mean: str, low: str, high: str) -> Cell:
    """Make a cell with a number and its interval, sorted by the number."""
    return Cell(bounded(row[mean], row[low], row[high]), float(row[mean]), "number")


@dataclass(frozen=True)
class Column:
    """One column: heading and cells in one place, so that no number can get a wrong heading.

    Attributes:
        heading: of the column.
        cell: makes the cell of a row.
        is_filter: whether a reader can choose rows by its values.
    """

    heading: str
    cell: Callable[[Row], Cell]
    is_filter: bool = False


def filled(name: str, title: str, columns: Sequence[Column], rows: Iterable[Row]) -> Table:
    """Make a table from columns and rows."""
    cells = [[column.cell(row) for column in columns] for row in rows]
    filters = [column.heading for column in columns if column.is_filter]
    return Table(name, title, [column.heading for column in columns], cells, filters)


def of_text(heading: str, key: str, is_filter: bool = False) -> Column:
    """Make a column of text."""
    return Column(heading, lambda row: text(row[key]), is_filter)


def of_numbers(heading: str, value: str, low: str, high: str) -> Column:
    """Make a column of numbers with their intervals."""
    return Column(heading, lambda row: with_interval(row, value, low, high))


def of_metric(name: str) -> Column:
    """Make the column of a metric: its mean over neuroids with the interval."""
    return of_numbers(heading_of(name), *columns_of(name))


def of_dataset(results: Results) -> Column:
    """Make the column of the dataset, which also says whether it is simulated."""
    return Column("dataset", lambda row: text(labelled(row["dataset"], results.source(row["dataset"]))), True)


def summary_table(results: Results) -> Table:
    """Make the table of all encoders on the held-out stimuli, best first in each dataset, protocol and region."""
    protocols = [of_text("protocol", "protocol", True)] * (len(results.config["protocols"]) > 1)
    columns = [
        of_dataset(results),
        of_text("region", "region", True),
        *protocols,
        of_text("encoder", "encoder"),
        Column("mark", lambda row: Cell(row["mark"], -float(row["place"]), row["mark"].partition(" ")[0])),
        of_metric(RANKED_BY),
        of_numbers(heading_of(CEILED), CEILED, f"{CEILED}_low", f"{CEILED}_high"),
        Column("median share", lambda row: number(row[f"{CEILED}{MEDIAN}"], 2)),
        *(of_metric(name) for name in HEADLINES if name != RANKED_BY),
        of_numbers(f"{heading_of(RANKED_BY)} below the best", "below_best", "below_best_low", "below_best_high"),
        of_text("weights", "weights"),
        of_text("layer", "layer"),
        Column("directions", _directions),
        Column(
            "neuroids on stimuli",
            lambda row: Cell(f"{row['n_scored']} on {row['n_stimuli']}", float(row["n_scored"]), "number"),
        ),
    ]
    title = (
        f"Means over neuroids on held-out stimuli with 95 % intervals over {OVER[results.config['interval_over']]}. "
        "The share of the ceiling is the sum of r² over the sum of noise ceilings; beside it, the median over "
        "neuroids. Not distinguishable: the encoder is in the model confidence set, together with the best by r. "
        "References (pixels, labels, random weights) are ranked after the models. Directions: how many directions of "
        "feature space a readout uses, and the share of the largest eigenvalue below which it drops a direction."
    )
    return filled("summary", title, columns, _marked(results))


def _marked(results: Results) -> Iterator[Row]:
    """Yield the rows of the summary, each with its place and mark in its group."""
    for group in results.groups():
        for place, row in enumerate(group.rows.to_dict("records")):
            mark = BEST if place == 0 else TIED if row["among_best"] else REFERENCE if row["reference"] else ""
            yield row | {"place": place, "mark": mark}


def _directions(row: Row) -> Cell:
    """Show how many directions of feature space a readout used, and its cut. Empty for trained networks."""
    n, cut = row["n_directions"], row["rank_cut"]
    if np.isnan(n):
        return text(None)
    return Cell(f"{n:.0f}" if np.isnan(cut) else f"{n:.0f}, cut at {cut:g}", float(n), "number")


def reproduction_table(results: Results) -> Table:
    """Make the table of numbers of the literature beside ours."""
    columns = [
        of_text("report", "report", True),
        Column("region", lambda row: text(f"{row['dataset']} {row['region']}")),
        of_text("encoder", "encoder"),
        Column("metric", lambda row: text(heading_of(row["metric"]))),
        Column("reported", lambda row: number(row["reported"])),
        of_numbers("ours", "value", "low", "high"),
        Column("difference", lambda row: number(row["difference"])),
        Column("status", lambda row: Cell(row["status"], mark=row["status"].replace(" ", "-")), True),
        *(of_text(name, name) for name in ("why", "note", "split")),
    ]
    title = "Numbers of the literature beside ours on the same split, ours with 95 % intervals."
    return filled("reproduction", title, columns, results.table("reproduction").to_dict("records"))


def rsa_table(results: Results) -> Table:
    """Make the table that compares regions with one another, and with the chosen layer of each network."""
    rsa = results.table("rsa")
    regions = rsa[rsa["layer"].isna()] if len(rsa) else rsa
    shown = pd.concat([regions, _chosen_layers(results)]) if len(rsa) else rsa
    order = list(results.responses)
    columns = [
        of_dataset(results),
        of_text("region", "region", True),
        of_text("compared with", "compared_with"),
        of_text("layer", "layer"),
        of_numbers("Spearman of RDMs", "spearman", "low", "high"),
        Column("noise ceiling", _ceiling),
        Column("p", lambda row: number(row["p"])),
        Column("q", lambda row: number(row["q"])),
        of_numbers("CKA, unbiased", "cka_unbiased", "cka_unbiased_low", "cka_unbiased_high"),
        Column("pooled over sessions (no evidence)", lambda row: number(row["pooled"])),
        Column("images", lambda row: Cell(str(row["n_stimuli"]), float(row["n_stimuli"]), "number")),
    ]
    title = (
        "Regions compared with one another, and with one layer of each network: the layer that most readouts chose on "
        "the train stimuli or, if no encoder was fitted, the layer most similar to the region on the same images. "
        "95 % intervals over resampled images."
    )
    rows = sorted(shown.to_dict("records"), key=lambda row: order.index(row["dataset"]))
    return filled("rsa", title, columns, rows)


def _ceiling(row: Row) -> Cell:
    both = np.isnan(row["ceiling"]) and not np.isnan(row["ceiling_low"])
    said = f"{rounded(row['ceiling_low'])} to {rounded(row['ceiling_high'])}" if both else rounded(row["ceiling"])
    return Cell(said, float(np.nanmax([row["ceiling"], row["ceiling_low"], -1])), "number")


def _chosen_layers(results: Results) -> pd.DataFrame:
    """Select the rows of `rsa.csv` of one layer for each region and network."""
    layers, found = results.table("layers"), []
    chosen = layers[layers["chosen"] & (layers["protocol"] == layers["protocol"].iloc[0])] if len(layers) else layers
    for (dataset, region, network), rows in layer_rows(results).groupby(
        ["dataset", "region", "compared_with"], sort=False
    ):
        own = pd.DataFrame()
        if len(chosen):
            # The rows of one session ("AIT Sc240103") use the layer that was chosen for the region.
            here = chosen["region"].isin([region, str(region).split()[0]])
            own = chosen[(chosen["dataset"] == dataset) & here & (chosen["network"] == network)]
        layer = own["layer"].mode().iloc[0] if len(own) else highest(rows, "spearman")["layer"]
        found.append(rows[rows["layer"] == layer])
    return pd.concat(found) if found else pd.DataFrame()


def networks_table(results: Results) -> Table:
    """Make the table of networks and trained encoders, with the weights that they really had."""
    layers, config = results.table("layers"), results.config
    as_run = {} if layers.empty else layers.groupby("network")["weights"].first().to_dict()
    rows = []
    for name, settings in config["networks"].items():
        weights = as_run.get(name, settings["weights"])
        if weights.startswith("random"):
            weights += f", seed {settings.get('seed', config['seed'])}"
        about = {"architecture": settings["architecture"], "weights": weights, "how": "frozen, with readouts"}
        rows.append({"network": name, "size": settings.get("image_size"), **about})
    for name, settings in config["trained"].items():
        how = f"trained on the neurons, {settings['head']} head, seeds: {settings['seeds']}"
        about = {"architecture": settings["network"], "weights": as_run.get(name), "how": how}
        rows.append({"network": name, "size": settings.get("image_size"), **about})
    columns = [
        *(of_text(name, name) for name in ("network", "architecture", "weights")),
        of_text("image size (pixels)", "size"),
        of_text("how", "how"),
    ]
    return filled("networks", "Networks and the weights that they had in this study.", columns, rows)


def readouts_table(results: Results) -> Table:
    """Make the table of readouts and their settings."""
    rows = [
        {"readout": name, "settings": ", ".join(f"{key} {_said(value)}" for key, value in settings.items())}
        for name, settings in results.config["readouts"].items()
    ]
    return filled(
        "readouts", "Readouts of the layers.", [of_text(name, name) for name in ("readout", "settings")], rows
    )


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


TABLES: Sequence[Callable[[Results], Table]] = (summary_table, reproduction_table, rsa_table)


def tables(results: Results, makers: Iterable[Callable[[Results], Table]]) -> dict[str, Table]:
    """Make the tables, and keep those that have a row, by name."""
    made = [maker(results) for maker in makers]
    return {table.name: table for table in made if table.rows}

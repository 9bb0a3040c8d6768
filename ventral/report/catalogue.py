"""Make the catalogue of all parts: recordings, readouts, metrics and figures, in the words of their modules."""

from collections.abc import Iterable

from ventral.data.kinds import find_kind, kinds
from ventral.figures.catalogue import figure_kind
from ventral.figures.catalogue import kinds as figures
from ventral.readouts.catalogue import kinds as readouts
from ventral.readouts.catalogue import readout_class
from ventral.scores.catalogue import METRICS

INTRODUCTION = """\
# Catalogue

<!-- Written by `python -m ventral schema` from the parts themselves. -->

Every part is one file. [develop.md](develop.md) shows how to add one. [config.md](config.md) lists their config keys.
"""


def catalogue_page() -> str:
    """Make the page, with one table for each sort of parts."""
    return "\n".join([INTRODUCTION, *_recordings(), *_readouts(), *_metrics(), *_figures()])


def _first_line(part: type) -> str:
    return (part.__doc__ or "").strip().partition("\n")[0]


def _table(title: str, folder: str, columns: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Make a heading, the folder of the files, and a table."""
    names = columns.split(", ")
    lines = [names, ["---"] * len(names), *rows]
    return [f"## {title}\n\n`{folder}`\n", *(f"| {' | '.join(line)} |" for line in lines), ""]


def _recordings() -> list[str]:
    rows = [(f"`{kind}`", _first_line(find_kind(kind))) for kind in kinds()]
    return _table("Kinds of recordings", "ventral/data/sources/", "kind, recordings", rows)


def _readouts() -> list[str]:
    rows = [(f"`{kind}`", _first_line(readout_class(kind))) for kind in readouts()]
    return _table("Kinds of readouts", "ventral/readouts/", "kind, readout", rows)


def _metrics() -> list[str]:
    rows = [
        (f"`{name}`", metric.title, metric.meaning, "higher" if metric.higher_is_better else "lower")
        for name, metric in METRICS.items()
    ]
    return _table("Metrics", "ventral/scores/metrics/", "metric, title, meaning, better", rows)


def _figures() -> list[str]:
    found = {name: figure_kind(name) for name in figures()}
    rows = [
        (f"`{name}`", kind.title, kind.category, "each dataset" if kind.of_dataset else "the study")
        for name, kind in found.items()
    ]
    return _table("Figures", "ventral/figures/", "figure, title, category, one for", rows)

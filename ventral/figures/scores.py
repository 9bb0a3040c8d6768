"""Scores of the best encoder of every region, neuroid by neuroid, and against the noise ceiling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ventral.figures.contract import PROTOCOL, FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ventral.study.plan import Study
    from ventral.tables.groups import Group


@dataclass(frozen=True)
class Scores:
    """What the figure shows.

    Attributes:
        regions: the encoders of each region, and by encoder the scores of its neuroids (the best encoder, and the best
            of random weights where that is another).
        dataset: its name.
    """

    regions: Sequence[tuple[Group, Mapping[str, pd.DataFrame]]]
    dataset: str


def exists(study: Study, dataset: str) -> bool:
    """Where encoders are fitted to one part of the stimuli and judged on the rest."""
    return dataset in study.with_encoders and PROTOCOL in study.config["protocols"]


def inputs(study: Study, dataset: str) -> Files:
    """The scores of neuroids, and the summary, which says which encoder is best."""
    return {name: paths.table(name) for name in ("scores", "summary")}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """Which neuroids are shown."""
    return {"min_reliability": study.config["min_reliability"]}


def read(scores: str, summary: str, min_reliability: float, dataset: str) -> Scores:
    """Read the scores of the best encoders."""
    from ventral.files.csv import read_table

    rows = read_table(scores, dataset), read_table(summary, dataset)
    return choose(*rows, dataset, min_reliability)


def choose(scores: pd.DataFrame, summary: pd.DataFrame, dataset: str, min_reliability: float = -math.inf) -> Scores:
    """The scores of the best encoder of every region.

    Args:
        scores: rows of `scores.csv` of one dataset.
        summary: rows of `summary.csv` of it.
        dataset: its name.
        min_reliability: neuroids of less are left out.

    Raises:
        NothingToDraw: if no encoder has a score.
    """
    from ventral.figures.style import NothingToDraw
    from ventral.tables.groups import groups
    from ventral.tables.neuroids import neuroid_scores

    found = []
    for group in groups(summary, PROTOCOL):
        if group.is_scored:
            names = [group.best["encoder"], *([group.random] if group.random else [])]
            tables = {name: neuroid_scores(scores, group, name, min_reliability) for name in names}
            found.append((group, {name: table for name, table in tables.items() if len(table)}))
    if not found:
        raise NothingToDraw("no encoder has a score")
    return Scores(found, dataset)


def draw(scores: Scores) -> Figure:
    """For each region explained variance, r² and r against its ceiling, neuroid by neuroid."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(7.2, 0.5 + 2.5 * len(scores.regions)), layout="constrained")
        parts = figure.subfigures(len(scores.regions), 1, squeeze=False).flat
        for part, (group, tables) in zip(parts, scores.regions, strict=True):
            _draw_region(part, group, tables)
        figure.suptitle(titled(scores.dataset, scores.regions[0][0].source, FIGURE.title))
    return figure


def _draw_region(figure: SubFigure, group: Group, tables: Mapping[str, pd.DataFrame]) -> None:
    from ventral.figures.style import draw_distribution
    from ventral.scores.catalogue import METRICS

    left, middle, right = figure.subplots(1, 3)
    draw_distribution(left, tables, "explained_variance", None)
    left.set_xlabel(METRICS["explained_variance"].title)
    handles = draw_distribution(middle, tables, "signed_r2", "ceiling_r2")
    middle.set_xlabel("r², with the sign of r")
    _draw_against_ceiling(right, tables)
    known = next(iter(tables.values()))["ceiling_r2"].notna().any()
    names = [*tables, *(["noise ceiling"] if known else [])]
    n = len(next(iter(tables.values())))
    figure.legend(
        handles[: len(names)],
        names,
        title=f"{group.region}: {n} neuroids, {int(group.best['n_stimuli'])} stimuli ({group.split})",
        loc="outside upper left",
        ncols=3,
        fontsize=7.5,
        alignment="left",
    )


def _draw_against_ceiling(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    """r of every neuroid against the highest that its noise allows."""
    from ventral.figures.style import BEST, RANDOM
    from ventral.scores.catalogue import METRICS

    known = {name: table.dropna(subset=["ceiling"]) for name, table in tables.items()}
    if all(table.empty for table in known.values()):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no noise ceiling is known", ha="center", va="center", transform=axes.transAxes)
        return
    looks: list[dict[str, Any]] = [
        {"marker": "o", "color": BEST},
        {"marker": "^", "color": RANDOM, "markerfacecolor": "none"},
    ]
    sizes: dict[str, Any] = {"markersize": 3, "markeredgewidth": 0.7, "elinewidth": 0.5, "alpha": 0.7}
    for table, look in zip(known.values(), looks, strict=False):
        spread = [table["ceiling"] - table["low"], table["high"] - table["ceiling"]]
        axes.errorbar(table["ceiling"], table["pearson_r"], xerr=spread, linestyle="none", **sizes, **look)
    low = min(0.0, *(table["pearson_r"].min() for table in known.values() if len(table)))
    axes.plot([0, 1], [0, 1], color="k", linewidth=0.8, zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(low - 0.03, 1.02))
    axes.set(xlabel="noise ceiling of r", ylabel=METRICS["pearson_r"].title)


def describe(scores: Scores) -> str:
    """The medians of the best encoder of each region, and of the best with random weights."""
    from ventral.tables.phrases import counted, labelled, rounded

    label = labelled(scores.dataset, scores.regions[0][0].source)
    said = [f"Histograms of the scores of neuroids, and each neuroid's Pearson r against its noise ceiling, {label}."]
    for group, tables in scores.regions:
        medians = [_medians(name, table) for name, table in tables.items()]
        reliability = rounded(group.best["reliability_median"], 2)
        n = counted(len(next(iter(tables.values()))), "neuroid")
        beside = f"; best with random weights: {medians[1]}" if medians[1:] else ""
        said.append(f"{group.region}, {n}: {medians[0]}, median reliability {reliability}{beside}.")
    return " ".join(said)


def _medians(encoder: str, table: pd.DataFrame) -> str:
    from ventral.scores.catalogue import HEADLINES
    from ventral.tables.phrases import rounded

    medians = [f"median {metric.title} {rounded(table[name].median(), 2)}" for name, metric in HEADLINES.items()]
    return ", ".join([encoder, *medians])


FIGURE = FigureKind(
    title="scores of each neuroid, best encoder of each region",
    category="Encoders",
    caption=(
        "Scores of the best encoder on each neuroid of {dataset} (filled; the highest mean Pearson r of its region on "
        "these held-out stimuli), and of the best encoder with random weights (outlined). Left: explained variance. "
        "Middle: r², negative where r is, in front of the noise ceilings that bound it (grey). Right: Pearson r "
        "against its ceiling, the square root of that of r²; bars: one standard deviation over ways to halve the "
        "repetitions; line: all that can be explained. Vertical lines: medians. Neuroids of a reliability below "
        "``min_reliability`` are left out."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
    memory=(2000, 0.1),
)

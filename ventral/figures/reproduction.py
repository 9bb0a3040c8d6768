"""Every number of the literature beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from ventral.study.plan import Study

CUT = -1.0  # values below are written as numbers
APART = 0.17  # of a row: reported above, ours below, so that matched ones do not hide each other
STATUS = {  # colours of Okabe & Ito 2008, and a marker each
    "matched": ("o", "#009E73"),
    "better": ("^", "#0072B2"),
    "worse": ("v", "#D55E00"),
    "not comparable": ("s", "#CC79A7"),
}
NOT_RUN = "0.45"
REPORTED = {"majaj", "xiao"}  # kinds of recordings of which `config/reported.csv` has numbers
GROUP, ROW = ["report", "dataset", "region"], ["report", "dataset", "region", "encoder", "split", "ours", "layer"]


def exists(study: Study, dataset: str) -> bool:
    """Where the literature has numbers of a dataset."""
    return bool(REPORTED & {study.datasets[name].kind for name in study.with_encoders})


def inputs(study: Study, dataset: str) -> Files:
    """The table of both numbers."""
    return {"table": paths.table("reproduction")}


def read(table: str) -> pd.DataFrame:
    """Read the table."""
    from ventral.files.csv import read_table

    return read_table(table)


def dot_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the reproduction as lines of a dot plot, by report.

    Args:
        table: as `tables/reproduction.csv`.

    Returns:
        Its rows of headline metrics that have a number, reported or ours, with `line`, from 0 at the top: one for every
        report, dataset and region, then one for each of its encoders. `was_run` says whether an encoder has a number of
        ours for any metric.
    """
    from ventral.scores.catalogue import HEADLINES

    numbers = table[["reported", "value"]].notna().any(axis=1)
    shown = table[table["metric"].isin(list(HEADLINES)) & numbers].fillna({"layer": "", "ours": ""})
    groups = shown.groupby(GROUP, sort=False).ngroup()
    shown = shown.assign(group=groups).sort_values("group", kind="stable")
    encoder = shown.groupby(ROW, sort=False).ngroup()
    was_run = shown["value"].notna().groupby(encoder).transform("any")
    return shown.assign(line=encoder + shown["group"] + 1, was_run=was_run).reset_index(drop=True)


def cut_note(reported: float, value: float) -> str:
    """The numbers that lie below the axis, written out; empty where there is none."""
    parts = [f"{name} {number:.4g}" for name, number in (("reported", reported), ("ours", value)) if number < CUT]
    return ", ".join(parts)


def _draw_metric(axes: Axes, rows: pd.DataFrame) -> None:
    import numpy as np

    for row in rows.to_dict("records"):
        y, reported, value = row["line"], row["reported"], row["value"]
        marker, colour = STATUS.get(row["status"], ("o", NOT_RUN))
        edge = "k" if row["was_run"] else NOT_RUN
        if not np.isnan(reported):
            mark = "<" if reported < CUT else "o"
            axes.plot(max(reported, CUT), y - APART, mark, markersize=5, markerfacecolor="w", markeredgecolor=edge)
        if not np.isnan(value):
            low, high = (max(row[end], CUT) for end in ("low", "high"))
            axes.plot([low, high], [y + APART] * 2, color=colour, linewidth=1.2)
            axes.plot(max(value, CUT), y + APART, "<" if value < CUT else marker, markersize=5, color=colour)
        note = cut_note(reported, value)
        if note:
            beside = np.nanmax([CUT, reported, value, row["high"]])
            axes.text(beside + 0.08, y, note, va="center", fontsize=7, color=edge)
    axes.axvline(0, color="0.8", linewidth=0.6, zorder=0)


def _label_lines(axes: Axes, rows: pd.DataFrame) -> None:
    """Encoders by name, grey where they were not run; reports in bold."""
    from matplotlib.transforms import blended_transform_factory

    encoders = rows.drop_duplicates("line")
    axes.set_yticks(encoders["line"], encoders["encoder"])
    for tick, was_run in zip(axes.get_yticklabels(), encoders["was_run"], strict=True):
        tick.set_color("k" if was_run else NOT_RUN)
    at_the_edge = blended_transform_factory(axes.figure.transFigure, axes.transData)
    for row in encoders.drop_duplicates("group").to_dict("records"):
        name = f"{row['report']}: {row['dataset']}, {row['region']}"
        head = axes.text(
            0.01, row["line"] - 0.85, name, transform=at_the_edge, va="center", fontweight="bold", fontsize=8
        )
        head.set_in_layout(False)


def _legend(rows: pd.DataFrame) -> list[Line2D]:
    """The marks that are drawn."""
    from matplotlib.lines import Line2D

    names = {"reported": (True, "k"), "reported, not run here": (False, NOT_RUN)}
    hollow = [
        Line2D([], [], marker="o", linestyle="", markerfacecolor="w", markeredgecolor=edge, label=name)
        for name, (was_run, edge) in names.items()
        if (rows["was_run"] == was_run).any()
    ]
    filled = [
        Line2D([], [], marker=marker, linestyle="", color=colour, label=f"ours: {status}")
        for status, (marker, colour) in STATUS.items()
        if status in set(rows["status"])
    ]
    return hollow[:1] + filled + hollow[1:]


def _title(rows: pd.DataFrame) -> str:
    encoders = rows.drop_duplicates("line")
    title = f"{FIGURE.title}: {int(encoders['was_run'].sum())} of {len(encoders)} encoders run"
    simulated = rows["why"].fillna("").str.contains("simulated")[rows["value"].notna()]
    if not simulated.any():
        return title
    return f"{title}\n{'ours' if simulated.all() else 'some of ours'} are from simulated recordings, and not comparable"


def draw(table: pd.DataFrame) -> Figure:
    """Headline metrics as reported (hollow) and ours (filled, with interval), one line an encoder.

    Args:
        table: as `tables/reproduction.csv`.
    """
    import numpy as np
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE
    from ventral.scores.catalogue import HEADLINES

    rows = dot_rows(table)
    n_lines = int(rows["line"].max()) + 1 if len(rows) else 1
    with plt.rc_context(STYLE):
        size = (7.2, 1.5 + 0.21 * n_lines)
        figure, row = plt.subplots(1, len(HEADLINES), figsize=size, sharey=True, layout="constrained")
        for axes, (name, metric) in zip(row, HEADLINES.items(), strict=True):
            here = rows[rows["metric"] == name]
            _draw_metric(axes, here)
            numbers = here[["reported", "value", "low"]].to_numpy(float)
            low = np.nanmin(numbers, initial=0.0)
            axes.set(xlim=(max(low, CUT) - 0.08, 1), xlabel=metric.title)
            axes.grid(axis="y", color="0.92", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", length=0)
        row[0].set_ylim(n_lines - 0.4, -0.6)
        _label_lines(row[0], rows)
        figure.legend(handles=_legend(rows), loc="outside lower center", ncols=3, fontsize=8)
        figure.suptitle(_title(rows))
    return figure


def describe(table: pd.DataFrame) -> str:
    """How many numbers there are, and how ours compare."""
    from ventral.tables.phrases import counted
    from ventral.tables.reproduction import statuses

    reports = counted(table["report"].nunique(), "report")
    return f"Dot plot of the {len(table)} numbers of {reports} beside ours: {statuses(table)}."


FIGURE = FigureKind(
    title="published numbers and ours",
    category="Encoders",
    caption=(
        "Every number that the literature reports on these recordings (hollow) and ours on the same split (filled, "
        "with its 95 % interval over resampled stimuli). Marks and colours say how the two compare; grey: not run in "
        "this study. Numbers below -1 are cut at the arrow and written out. The table ``reproduction`` gives the "
        "reasons."
    ),
    exists=exists,
    inputs=inputs,
    read=read,
    draw=draw,
    describe=describe,
    of_dataset=False,
)

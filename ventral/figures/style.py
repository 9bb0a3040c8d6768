"""What all figures share: their look, how they are written, and what becomes of one that cannot be drawn."""

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ventral.figures.contract import FigureKind
from ventral.files.atomic import writing
from ventral.files.console import trace
from ventral.files.errors import printable

matplotlib.use("Agg")
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "pdf.fonttype": 42,  # letters stay letters, as journals ask
    "text.parse_math": False,  # names of layers may hold dollars
    "svg.hashsalt": "ventral",  # the same figure gives the same file
}
UNDATED = {".svg": "Date", ".pdf": "CreationDate"}  # what would make two files of the same figure differ
# A figure's file carries its words. PNG takes any name; these are the names that SVG and PDF know.
TITLE, DESCRIPTION, CAPTION, DATASET, LEFT_OUT = "Title", "Description", "Caption", "Dataset", "Left out"
KNOWN = {".svg": {TITLE: "Title", DESCRIPTION: "Description"}, ".pdf": {TITLE: "Title", DESCRIPTION: "Subject"}}

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")  # Okabe & Ito 2008
BEST, RANDOM, CEILING = "#0072B2", "#D55E00", "0.75"  # of this palette, which colour-blind readers can distinguish
FLOOR = -0.3  # scores far below chance would flatten all others; the axis ends here
BIN = 0.05  # width of the bars of histograms
ACROSS = 3  # regions side by side


class NothingToDraw(ValueError):
    """What a figure would show is not there; the message says why, in the words of a reader."""


def save(figure: Figure, paths: list[str], about: Mapping[str, str]) -> None:
    """Write the figure once for each path, in the format of its suffix, with its words as metadata."""
    for path in paths:
        suffix = Path(path).suffix
        known = KNOWN.get(suffix, {name: name for name in about})
        metadata: Any = {known[name]: text for name, text in about.items() if name in known}
        metadata |= {UNDATED[suffix]: None} if suffix in UNDATED else {}
        with writing(path) as temporary, plt.rc_context(STYLE):  # dpi and hashsalt count now, not at drawing
            figure.savefig(temporary, bbox_inches="tight", metadata=metadata)
    plt.close(figure)


def draw(kind: FigureKind[Any], given: Mapping[str, Any], dataset: str, paths: list[str]) -> None:
    """Draw a figure and write it. If it cannot be drawn, a placeholder says why, and so does the log.

    Args:
        kind: what to draw.
        given: its files and settings, by name.
        dataset: its dataset, "" where it is of no single one.
        paths: as of `save`.
    """
    about = {TITLE: kind.title, DATASET: dataset}
    try:
        data = kind.read(**given, **({"dataset": dataset} if kind.of_dataset else {}))
        words = {DESCRIPTION: kind.describe(data), CAPTION: kind.caption.format(dataset=dataset)}
        save(kind.draw(data), paths, about | words)
    except NothingToDraw as error:
        _leave_out(str(error), paths, about)
    except Exception as error:
        trace(error)
        _leave_out(f"{type(error).__name__}: {error}", paths, about)


def _leave_out(why: str, paths: list[str], about: Mapping[str, str]) -> None:
    plt.close("all")
    print(f"{Path(paths[0]).stem}: no figure: {why}", file=sys.stderr)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(5, 1.2))
        figure.text(0.5, 0.5, fill(f"no figure: {printable(why)}", 70), ha="center", va="center")
    save(figure, paths, {**about, LEFT_OUT: printable(why)})


def titled(dataset: str, source: str, what: str) -> str:
    """Title of a figure; simulated recordings are called simulated."""
    return f"{dataset} ({source}): {what}"


def region_panels(
    n_regions: int, panel: tuple[float, float], margin: tuple[float, float]
) -> tuple[Figure, list[Axes], int]:
    """An empty figure with a panel for each region, at most `ACROSS` side by side.

    Args:
        n_regions: how many; if none, one place stays empty.
        panel: width and height of each, in inches.
        margin: width and height that the figure has beyond these.

    Returns:
        The figure, its panels, and how many are side by side.
    """
    columns = min(ACROSS, max(n_regions, 1))
    rows = -(-max(n_regions, 1) // columns)
    size = (panel[0] * columns + margin[0], panel[1] * rows + margin[1])
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat[n_regions:]:
        axes.set_axis_off()
    return figure, list(grid.flat[:n_regions]), columns


def draw_distribution(axes: Axes, tables: Mapping[str, pd.DataFrame], column: str, behind: str | None) -> list[Patch]:
    """Histograms of one encoder, filled, and of another, outlined; their medians, and the noise ceilings behind.

    Args:
        axes: to draw on.
        tables: from `ventral.tables.neuroids.neuroid_scores`, by encoder.
        column: of the tables.
        behind: column of the ceilings; None without.

    Returns:
        What stands for each encoder, and for the ceilings, in a legend.
    """
    values = [table[column].clip(FLOOR, 1).to_numpy() for table in tables.values()]
    ceilings = next(iter(tables.values()))[behind].dropna().clip(0, 1).to_numpy() if behind else np.empty(0)
    bins = _bins([*values, ceilings])
    if ceilings.size:
        axes.hist(ceilings, bins, color=CEILING, label="noise ceiling")
    styles: list[dict[str, Any]] = [
        {"color": BEST, "alpha": 0.75},
        {"color": RANDOM, "histtype": "step", "linewidth": 1.2, "linestyle": "--"},
    ]
    for part, style, line in zip(values, styles, "-:", strict=False):
        axes.hist(part, bins, **style)
        axes.axvline(float(np.median(part)), color=style["color"], linestyle=line, linewidth=1.5)
    below = sum(int((table[column] < FLOOR).sum()) for table in tables.values())
    if below:
        axes.set_title(f"{below} below {FLOOR:g}, in the first bar", fontsize=7, loc="left")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel("number of neuroids")
    handles = [Patch(color=BEST, alpha=0.75), Patch(fill=False, edgecolor=RANDOM, linestyle="--")]
    return [*handles[: len(tables)], *([Patch(color=CEILING)] if behind else [])]


def _bins(values: list[NDArray[np.float64]]) -> list[float]:
    """Edges of bars that hold all values, up to 1."""
    low = min((part.min() for part in values if part.size), default=0.0)
    first = np.floor(min(low, 0) / BIN + 1e-9)
    return list(BIN * np.arange(first, round(1 / BIN) + 1))

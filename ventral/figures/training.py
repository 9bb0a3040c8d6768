"""Learning curves."""

from collections.abc import Mapping
from math import ceil

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ventral.figures.style import STYLE, titled

COLUMNS = 4
CURVES = {"train_loss": ("0.6", "train loss"), "stop_loss": ("C0", "held out"), "stop_r": ("C1", "r, held out")}
CEILING = 1.6  # losses above, as of the first steps, would flatten all others


def draw_training(curves: Mapping[str, pd.DataFrame], dataset: str, source: str) -> Figure:
    """Loss and r of each encoder against the epoch, a line a split and seed; points mark the epochs that were kept.

    Args:
        curves: rows of `training/{dataset}/{protocol}/{encoder}.csv`, by encoder.
        dataset: its name.
        source: of the recordings.
    """
    columns = min(COLUMNS, len(curves))
    rows = ceil(len(curves) / columns)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(0.8 + 2.6 * columns, 0.9 + 2.1 * rows),
            squeeze=False,
            sharey=True,
            layout="constrained",
        )
        for axes in grid.flat[len(curves) :]:
            axes.axis("off")
        for axes, (name, table) in zip(grid.flat, curves.items(), strict=False):
            for _, run in table.groupby(["split", "seed"]):
                for column, (colour, label) in CURVES.items():
                    values = run[column].clip(upper=CEILING)
                    axes.plot(run["epoch"], values, color=colour, label=label, linewidth=1)
                    if column != "train_loss":
                        axes.plot(run["epoch"][run["best"]], values[run["best"]], "o", color=colour, markersize=4)
            axes.axhline(1, color="0.8", linewidth=0.6, zorder=0)
            axes.set_title(name)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        for axes in grid.flat[max(len(curves) - columns, 0) : len(curves)]:  # with none below
            axes.set_xlabel("epoch")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles[: len(CURVES)], labels[: len(CURVES)], loc="outside lower center", ncols=len(CURVES))
        figure.suptitle(titled(dataset, source, "learning curves"))
    return figure

"""How well networks that learnt faces tell them, and what they take for one."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ventral.figures.style import STYLE, titled
from ventral.tables.gather import BASELINES

GREYS = dict(zip(BASELINES, ("0.45", "0.75"), strict=True))
SPREAD = 0.7  # of the width of a set, what its classifiers take together
LEARNT = ("train", "val")  # sets that are not for the right panel


def draw_faces(table: pd.DataFrame) -> Figure:
    """Accuracy of every classifier on every set of images; and, on those held out, what it takes for a face.

    Args:
        table: as `tables/faces.csv`.
    """
    table = table[~table["classifier"].str.contains(" - ")]
    names = list(table["classifier"].drop_duplicates())
    with plt.rc_context(STYLE):
        shown = table[(table["n"] > 0) & (table["category"] != "all") & ~table["set"].isin(LEARNT)]
        size = (5.5 + 0.5 * len(names) + 2.5, 3.8 + 0.2 * max(len(names) - 6, 0))
        figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=(1.6, 1), layout="constrained")
        _draw_accuracy(left, table[(table["n"] > 0) & (table["category"] == "all")], names)
        _draw_confusion(right, shown, names)
        figure.suptitle(titled(table["dataset"].iloc[0], table["source"].iloc[0], "faces told from what is none"))
    return figure


def _draw_accuracy(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """Points with Wilson intervals, which hold where all answers are right."""
    sets = list(rows["set"].drop_duplicates())
    for i, name in enumerate(names):
        own = rows[rows["classifier"] == name].set_index("set").reindex(sets)
        x = np.arange(len(sets)) + SPREAD * ((i + 0.5) / len(names) - 0.5)
        value = own["accuracy"].to_numpy()
        error = np.abs(own[["low", "high"]].to_numpy().T - value)
        colour = GREYS.get(name, f"C{i}")
        axes.errorbar(x, value, error, fmt="s" if name in GREYS else "o", color=colour, markersize=4, label=name)
    n = rows.groupby("set")["n"].first()
    axes.set_xticks(range(len(sets)), [f"{s.replace('_', ' ')}\n{n[s]} images" for s in sets])
    axes.axhline(0.5, color="0.8", linewidth=0.6, zorder=0)
    axes.set(ylim=(-0.03, 1.05), ylabel="accuracy (95 % interval)")
    axes.legend(fontsize=7, loc="lower left", ncols=2)


def _draw_confusion(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """The share of each category of image that each classifier takes for a face."""
    share = rows.pivot_table(index=["set", "category"], columns="classifier", values="called_face", sort=False)[names]
    n, categories = rows.groupby(["set", "category"], sort=False)["n"].first(), share.index.get_level_values("category")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(share.to_numpy()):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if value > 0.6 else "k")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(n)), [f"{category} ({count})" for category, count in zip(categories, n, strict=True)])
    axes.tick_params(length=0)
    axes.set_title("share taken for a face, test and high variation")

"""How accurately the networks that learned to detect faces do so, and what they take for a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ventral.study.plan import Study

GREYS = ("0.45", "0.75")  # of the baselines
SPREAD = 0.7  # of the width of a set, what its classifiers take together
LEARNED = ("train", "val")  # sets that training saw: the right panel is of the others


def exists(study: Study, dataset: str) -> bool:
    """Where a network is trained to detect faces."""
    return bool(study.face_networks)


def inputs(study: Study, dataset: str) -> Files:
    """The table of accuracies."""
    return {"table": paths.table("faces")}


def read(table: str) -> pd.DataFrame:
    """Read the table."""
    from ventral.files.csv import read_table

    return read_table(table)


def draw(table: pd.DataFrame) -> Figure:
    """Accuracy of every classifier on every set of images; and, for sets held out, what it takes for a face.

    Args:
        table: as `tables/faces.csv`.
    """
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    table = table[~table["classifier"].str.contains(" - ")]
    names = list(table["classifier"].drop_duplicates())
    with plt.rc_context(STYLE):
        shown = table[(table["n"] > 0) & (table["category"] != "all") & ~table["set"].isin(LEARNED)]
        size = (5.5 + 0.5 * len(names) + 2.5, 3.8 + 0.2 * max(len(names) - 6, 0))
        figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=(1.6, 1), layout="constrained")
        _draw_accuracy(left, table[(table["n"] > 0) & (table["category"] == "all")], names)
        _draw_confusion(right, shown, names)
        figure.suptitle(titled(table["dataset"].iloc[0], table["source"].iloc[0], FIGURE.title))
    return figure


def _draw_accuracy(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """Points with Wilson intervals, which hold where all answers are right."""
    import numpy as np

    from ventral.tables.gather import BASELINES

    greys = dict(zip(BASELINES, GREYS, strict=True))
    sets = list(rows["set"].drop_duplicates())
    for i, name in enumerate(names):
        own = rows[rows["classifier"] == name].set_index("set").reindex(sets)
        x = np.arange(len(sets)) + SPREAD * ((i + 0.5) / len(names) - 0.5)
        value = own["accuracy"].to_numpy()
        error = np.abs(own[["low", "high"]].to_numpy().T - value)
        marker, colour = "s" if name in greys else "o", greys.get(name, f"C{i}")
        axes.errorbar(x, value, error, fmt=marker, color=colour, markersize=4, label=name)
    n = rows.groupby("set")["n"].first()
    axes.set_xticks(range(len(sets)), [f"{s.replace('_', ' ')}\n{n[s]} images" for s in sets])
    axes.axhline(0.5, color="0.8", linewidth=0.6, zorder=0)
    axes.set(ylim=(-0.03, 1.05), ylabel="accuracy (95 % interval)", title="accuracy by set of images")
    axes.legend(fontsize=7, loc="lower left", ncols=2)


def _draw_confusion(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """The share of images of each category that each classifier takes for a face."""
    import numpy as np

    share = rows.pivot_table(index=["set", "category"], columns="classifier", values="called_face", sort=False)[names]
    n, categories = rows.groupby(["set", "category"], sort=False)["n"].first(), share.index.get_level_values("category")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(share.to_numpy()):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if value > 0.6 else "k")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(n)), [f"{category} ({count})" for category, count in zip(categories, n, strict=True)])
    axes.tick_params(length=0)
    axes.set_title("share of held-out images called a face")


def describe(table: pd.DataFrame) -> str:
    """The accuracies on the test images."""
    from ventral.tables.phrases import SIMULATED

    test = table[(table["set"] == "test") & (table["category"] == "all") & ~table["classifier"].str.contains(" - ")]
    right = "; ".join(f"{row['classifier']} {row['accuracy']:.2f}" for row in test.to_dict("records"))
    what = "simulated" if (table["source"] == SIMULATED).all() else "real"
    return (
        f"Points: face detection accuracy of each classifier by set of images of {table['dataset'].iloc[0]} ({what}). "
        f"Heat map: the share of held-out images of each category that it calls a face. Accuracy on the test images: "
        f"{right}."
    )


FIGURE = FigureKind(
    title="face detection accuracy",
    category="Faces",
    caption=(
        "Left: the share of images for which a classifier says correctly whether there is a face, with 95 % intervals; "
        "grey squares are baselines, a linear classifier of pixels and the more frequent answer. Right: the share of "
        "images that it calls a face, by category, on images that it did not learn from. The high-variation set holds "
        "images that only look like faces; the correct answer there is that there is none."
    ),
    exists=exists,
    inputs=inputs,
    read=read,
    draw=draw,
    describe=describe,
    of_dataset=False,
)

"""Learning curves of the encoders trained on the neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ventral.study.plan import Study

COLUMNS = 4
CURVES = {  # colour and name of each
    "train_loss": ("0.6", "loss on train stimuli"),
    "stop_loss": ("C0", "squared error, stimuli held out of train"),
    "stop_r": ("C1", "Pearson r, stimuli held out of train"),
}
CEILING = 1.6  # losses above, as of the first steps, would flatten all others


@dataclass(frozen=True)
class Training:
    """What the figure shows.

    Attributes:
        curves: rows of `training/{dataset}/{protocol}/{encoder}.csv`, by encoder.
        dataset: its name.
        source: of the recordings.
    """

    curves: Mapping[str, pd.DataFrame]
    dataset: str
    source: str


def exists(study: Study, dataset: str) -> bool:
    """Where an encoder is trained on the neurons."""
    return dataset in study.with_encoders and bool(study.trained_of(dataset))


def inputs(study: Study, dataset: str) -> Files:
    """The curves of the first protocol, and the responses for their source."""
    protocol = study.config["protocols"][0]
    curves = [
        paths.CURVES.format(dataset=dataset, protocol=protocol, encoder=name) for name in study.trained_of(dataset)
    ]
    return {"curves": curves, "responses": paths.RESPONSES.format(dataset=dataset)}


def read(curves: Sequence[str], responses: str, dataset: str) -> Training:
    """Read the curves."""
    import pandas as pd

    from ventral.data.responses import read_responses

    source = read_responses(responses).attrs["source"]
    return Training({Path(path).stem: pd.read_csv(path) for path in curves}, dataset, source)


def draw(training: Training) -> Figure:
    """Loss and r of each encoder against the epoch, one line a split and seed; points mark epochs that are kept."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    from ventral.figures.style import STYLE, titled

    curves = training.curves
    columns = min(COLUMNS, len(curves))
    rows = ceil(len(curves) / columns)
    with plt.rc_context(STYLE):
        size = (1.2 + 2.6 * max(columns, 2), 0.9 + 2.1 * rows)
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=True, layout="constrained")
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
        for axes in grid[:, 0]:
            axes.set_ylabel("loss, Pearson r")
        for axes in grid.flat[max(len(curves) - columns, 0) : len(curves)]:  # with none below
            axes.set_xlabel("epoch")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles[: len(CURVES)], labels[: len(CURVES)], loc="outside lower center", fontsize=7.5)
        figure.suptitle(titled(training.dataset, training.source, FIGURE.title))
    return figure


def describe(training: Training) -> str:
    """Which encoders, and what they reach at the epoch that is kept."""
    from ventral.tables.phrases import labelled, named, rounded

    reached = []
    for name, table in training.curves.items():
        best = table[table["best"]]
        epochs = named([str(epoch) for epoch in best["epoch"].unique()])
        reached.append(f"{name} {rounded(best['stop_r'].mean(), 2)} (epoch {epochs})")
    return (
        f"Learning curves of {named(sorted(training.curves), 8)}, {labelled(training.dataset, training.source)}: loss "
        f"and Pearson r against the epoch. Pearson r at the epoch that is kept: {'; '.join(reached)}."
    )


FIGURE = FigureKind(
    title="learning curves of encoders trained on the neurons",
    category="Encoders",
    caption=(
        "Learning curves of the encoders trained on the neurons of {dataset}, one line a seed and split of the first "
        "protocol. Grey: the loss that training minimises, on the train stimuli. Blue: squared error on stimuli held "
        "out of train to choose the epoch, in units of the variance of each neuroid, so that 1 is no better than "
        "predicting the mean. Orange: Pearson r on these stimuli, mean over neuroids. Points: the epoch whose weights "
        "are kept."
    ),
    exists=exists,
    inputs=inputs,
    read=read,
    draw=draw,
    describe=describe,
)

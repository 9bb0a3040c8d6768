"""Encoding scores across the layers of every network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ventral.study.plan import Study
    from ventral.tables.layers import Ceiling

ACROSS = 5  # families of networks side by side
Family = tuple[tuple[str, ...], list[str]]  # names of layers, and the networks that have them


@dataclass(frozen=True)
class Layers:
    """What the figure shows.

    Attributes:
        rows: of `layers.csv`, of one dataset and readout.
        ceilings: of each region.
        dataset: its name.
    """

    rows: pd.DataFrame
    ceilings: Mapping[str, Ceiling]
    dataset: str


def exists(study: Study, dataset: str) -> bool:
    """Where encoders are fitted to train stimuli and judged on validation stimuli."""
    return dataset in study.with_encoders and "holdout" in study.config["protocols"]


def inputs(study: Study, dataset: str) -> Files:
    """The scores of layers, and the responses for the noise ceilings."""
    return {"layers": paths.table("layers"), "responses": paths.RESPONSES.format(dataset=dataset)}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """Which networks and neuroids are shown."""
    return {"networks": study.networks_of(dataset), "min_reliability": study.config["min_reliability"]}


def read(layers: str, responses: str, networks: Sequence[str], min_reliability: float, dataset: str) -> Layers:
    """Read the scores of the readout that predicts best, and compute the ceilings."""
    from ventral.data.responses import read_responses
    from ventral.files.csv import read_table
    from ventral.tables.layers import read_layers, region_ceilings

    rows = read_layers(read_table(layers), dataset, networks)
    return Layers(rows, region_ceilings(read_responses(responses), min_reliability), dataset)


def is_baseline(rows: pd.DataFrame) -> pd.Series:
    """(row,) whether the network has no sequence of layers: pixels, labels, networks of a single layer."""
    return (rows.groupby("network")["layer"].transform("nunique") == 1) | (rows["weights"] == "none")


def families(rows: pd.DataFrame) -> list[Family]:
    """Networks that share their layers, such as a trained network and its random copy; without baselines."""
    found: dict[tuple[str, ...], list[str]] = {}
    for network, own in rows[~is_baseline(rows)].groupby("network", sort=False):
        names = tuple(own.sort_values("depth")["layer"].drop_duplicates())
        found.setdefault(names, []).append(str(network))
    return sorted(found.items(), key=lambda family: family[1])


def draw(layers: Layers) -> Figure:
    """Each headline metric across the layers of every network, a trained one beside its random copy."""
    import numpy as np
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled
    from ventral.scores.catalogue import HEADLINES

    shown, ceilings = layers.rows, layers.ceilings
    found: list[Family] = families(shown) or [((), [])]
    blocks = [list(block) for block in np.array_split(np.arange(len(found)), -(-len(found) // ACROSS))]
    rows = [(block, region, metric) for block in blocks for region in ceilings for metric in HEADLINES]
    first, last = (next(iter(ceilings)), next(iter(HEADLINES))), (list(ceilings)[-1], list(HEADLINES)[-1])
    with plt.rc_context(STYLE):
        size = (1.5 + 2.9 * len(blocks[0]), 1 + 2.1 * len(rows))
        shape = len(rows), len(blocks[0])
        figure, grid = plt.subplots(*shape, figsize=size, squeeze=False, sharey="row", layout="constrained")
        for line, (block, region, metric) in zip(grid, rows, strict=True):
            for axes, family in zip(line, block, strict=False):
                _draw_curves(axes, shown[shown["region"] == region], found[family], metric)
                axes.tick_params(labelbottom=(region, metric) == last)
                ceiling = ceilings[region].values[metric]
                if np.isfinite(ceiling):
                    axes.axhline(ceiling, color="k", linewidth=0.8, label="noise ceiling")
                axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
                if (region, metric) == first:
                    axes.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
            line[0].set_ylabel(f"{region}: {HEADLINES[metric].title}")
            for axes in line[len(block) :]:
                axes.set_visible(False)
        source, readout = shown["source"].iloc[0], shown["readout"].iloc[0]
        what = f"{FIGURE.title}\nreadout {readout}, validation stimuli"
        figure.suptitle(titled(layers.dataset, source, what))
    return figure


def _draw_curves(axes: Axes, rows: pd.DataFrame, family: Family, metric: str) -> None:
    import numpy as np

    from ventral.figures.style import FLOOR
    from ventral.scores.catalogue import columns_of

    names, networks = family
    for i, network in enumerate(networks):
        curve = rows[rows["network"] == network].sort_values("depth")
        dashed = "--" if curve["weights"].str.startswith("random").any() else "-"
        mean, low, high = (curve[column].clip(lower=FLOOR) for column in columns_of(metric))
        axes.plot(curve["layer"], mean, dashed, marker="o", markersize=3, color=f"C{i}", label=network)
        axes.fill_between(curve["layer"], low, high, color=f"C{i}", alpha=0.2, linewidth=0)
        chosen = curve["chosen"]
        axes.plot(curve["layer"][chosen], mean[chosen], "o", color=f"C{i}", markersize=7)
    baselines = rows[is_baseline(rows) & rows["chosen"]]
    shades = np.linspace(0.7, 0.2, len(baselines)).astype(str)
    for network, score, grey in zip(baselines["network"], baselines[f"{metric}_mean"], shades, strict=True):
        axes.axhline(max(score, FLOOR), color=grey, linestyle=":", label=network)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")


def describe(layers: Layers) -> str:
    """The best layer of each region."""
    from ventral.tables.groups import RANKING
    from ventral.tables.phrases import highest_by_region, labelled, named

    rows, label = layers.rows, labelled(layers.dataset, layers.rows["source"].iloc[0])
    deep = rows[rows.groupby("network")["layer"].transform("nunique") > 1]
    if deep.empty:
        best = highest_by_region(rows, RANKING)
        return f"Encoding scores of networks of one layer each, {label}. Highest Pearson r: {best}."
    random = deep[deep["weights"].str.startswith("random")]
    said = [
        f"Curves of encoding scores across the layers of {named(sorted(deep['network'].unique()))}, {label}, readout "
        f"{deep['readout'].iloc[0]}, validation stimuli.",
        f"Highest Pearson r of a layer: {highest_by_region(deep, RANKING)}.",
    ]
    if len(random) and len(random) < len(deep):
        said.append(f"Highest with random weights: {highest_by_region(random, RANKING)}.")
    return " ".join(said)


FIGURE = FigureKind(
    title="encoding scores across network layers",
    category="Encoders",
    caption=(
        "How well each layer of each network predicts the neurons of {dataset} on validation stimuli: mean over "
        "neuroids, with its 95 % interval (the key ``interval_over`` of the config says over what). Dashed: networks "
        "with random weights. Dotted: baselines of a single layer. Large points: the layer chosen on the train "
        "stimuli. Black line: noise ceiling."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
)

"""The RDM of every region beside that of the layer that is most similar to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ventral.similarity.regions import RegionRDM
    from ventral.study.plan import Study


@dataclass(frozen=True)
class LayerRDM:
    """The layer whose RDM is most similar to that of a region.

    Attributes:
        name: of the network and the layer.
        spearman: correlation of the two RDMs.
        rdm: (m, m) over the region's stimuli.
    """

    name: str
    spearman: float
    rdm: NDArray[np.floating]


@dataclass(frozen=True)
class RDMs:
    """What the figure shows.

    Attributes:
        regions: the regions' RDMs.
        layers: for each region the layer most similar to it; None where no network was run.
        categories: (n,) category of each stimulus of the dataset, None where unknown.
        dataset: its name.
        source: of the recordings.
    """

    regions: Sequence[RegionRDM]
    layers: Sequence[LayerRDM | None]
    categories: NDArray[np.str_] | None
    dataset: str
    source: str


def exists(study: Study, dataset: str) -> bool:
    """Where the stimuli of a dataset can be compared with one another."""
    return dataset in study.with_rdms


def inputs(study: Study, dataset: str) -> Files:
    """The comparisons, and the RDMs themselves."""
    return {"rsa": paths.table("rsa"), "similarity": paths.SIMILARITY.format(dataset=dataset)}


def read(rsa: str, similarity: str, dataset: str) -> RDMs:
    """Read the RDM of every region and find the layer most similar to it."""
    from ventral.files.csv import read_table
    from ventral.similarity import CATEGORY
    from ventral.similarity.file import read_rdms

    table = read_table(rsa, dataset)
    table = table[table["layer"].notna() & (table["compared_with"] != CATEGORY)]
    regions, labels, source = read_rdms(similarity)
    layers = [most_similar(table, region, similarity) for region in regions]
    return RDMs(regions, layers, labels.get("category_name"), dataset, source)


def most_similar(table: pd.DataFrame, region: RegionRDM, similarity: str) -> LayerRDM | None:
    """The layer of the highest Spearman correlation with a region, None where there is none.

    Args:
        table: rows of `rsa.csv` that compare regions with layers of networks.
        region: to find it for.
        similarity: the file that has the RDMs of layers.
    """
    import numpy as np

    from ventral.similarity.file import read_layer_rdm
    from ventral.tables.phrases import layer_name

    rows = table[(table["region"] == region.region) & table["spearman"].notna()]
    if rows.empty:
        return None
    best = rows.sort_values("spearman", ascending=False, kind="stable").iloc[0]
    rdm = read_layer_rdm(similarity, best["compared_with"], best["layer"])
    name = layer_name(best["compared_with"], best["layer"])
    return LayerRDM(name, float(best["spearman"]), rdm[np.ix_(region.stimuli, region.stimuli)])


def draw(rdms: RDMs) -> Figure:
    """The RDM of every region and, beside it, that of the layer most similar to it, sorted by category.

    Raises:
        NothingToDraw: if there is no region.
    """
    import numpy as np
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, NothingToDraw, titled

    if not rdms.regions:
        raise NothingToDraw("no region has an RDM")
    columns = 1 + any(layer is not None for layer in rdms.layers)
    with plt.rc_context(STYLE):
        size = (4.6 * columns + 0.8, 4.3 * len(rdms.regions))
        figure, grid = plt.subplots(len(rdms.regions), columns, figsize=size, squeeze=False, layout="constrained")
        for row, region, layer in zip(grid, rdms.regions, rdms.layers, strict=True):
            n = len(region.stimuli)
            labels = None if rdms.categories is None else rdms.categories[region.stimuli]
            order = np.arange(n) if labels is None else np.argsort(labels, kind="stable")
            known = "" if np.isnan(region.reliability) else f", reliability {region.reliability:.2f}"
            panels: list[tuple[str, NDArray[np.floating]]] = [(f"{region.region}, {n} stimuli{known}", region.rdm)]
            panels += [(f"{layer.name}, Spearman {layer.spearman:.2f}", layer.rdm)] if layer else []
            for axes, (title, rdm) in zip(row, panels, strict=False):
                shown = axes.imshow(_percentile(rdm)[np.ix_(order, order)], cmap="viridis", interpolation="none")
                axes.set_title(title)
                if labels is None:
                    axes.set(xticks=[], yticks=[], xlabel="stimuli", ylabel="stimuli")
                else:
                    _mark_categories(axes, labels[order])
            for axes in row[len(panels) :]:
                axes.set_axis_off()
            figure.colorbar(shown, ax=list(row), label="dissimilarity (percentile)", shrink=0.8)
        figure.suptitle(titled(rdms.dataset, rdms.source, FIGURE.title))
    return figure


def _percentile(rdm: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, n) dissimilarities as percentiles, so that any two RDMs can share a colour scale."""
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    ranks = rankdata(squareform(rdm, checks=False))
    return squareform(100 * (ranks - 1) / max(len(ranks) - 1, 1))


def _mark_categories(axes: Axes, categories: NDArray[np.str_]) -> None:
    """Names at the blocks of sorted categories, and lines between them."""
    import numpy as np

    starts = np.flatnonzero(np.r_[True, categories[1:] != categories[:-1]])
    middles = (starts + np.r_[starts[1:], len(categories)]) / 2 - 0.5
    axes.set_xticks(middles, categories[starts], rotation=45, ha="right", fontsize=7)
    axes.set_yticks(middles, categories[starts], fontsize=7)
    for start in starts[1:]:
        axes.axhline(start - 0.5, color="w", linewidth=0.4)
        axes.axvline(start - 0.5, color="w", linewidth=0.4)
    axes.tick_params(length=0)


def describe(rdms: RDMs) -> str:
    """The most similar layers."""
    from ventral.tables.phrases import counted, labelled, rounded

    said = f"Representational dissimilarity matrices of {counted(len(rdms.regions), 'region')}"
    said += f", {labelled(rdms.dataset, rdms.source)}"
    pairs = zip(rdms.regions, rdms.layers, strict=True)
    best = [f"{region.region} {rounded(layer.spearman, 2)} ({layer.name})" for region, layer in pairs if layer]
    if not best:
        return f"{said}."
    return (
        f"{said}, each beside that of the layer most similar to it. Spearman correlation of the two: {'; '.join(best)}."
    )


FIGURE = FigureKind(
    title="RDMs of regions and of the layers most similar to them",
    category="Similarity",
    caption=(
        "Representational dissimilarity matrices (RDMs, 1 - Pearson r between stimuli) of {dataset}: each region, its "
        "neuroids z-scored, beside the layer whose RDM is most similar to it on the same stimuli. Colours are "
        "percentiles of the dissimilarity."
    ),
    exists=exists,
    inputs=inputs,
    read=read,
    draw=draw,
    describe=describe,
    memory=(2000, 2),
)

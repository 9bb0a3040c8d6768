"""Every layer of every network against every region, as heat maps: encoding, RSA and CKA side by side."""

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

STREAM = ("V1", "V2", "V4", "PIT", "CIT", "AIT", "IT")  # early to late
CEILING = "noise ceiling"


@dataclass(frozen=True)
class LevelMap:
    """One measure of how well layers match regions.

    Attributes:
        measure: its name, as in a sentence.
        title: its name and that of its values, one line each.
        values: layers, named "network layer", by regions; NaN where there is none. The last row is the ceiling.
    """

    measure: str
    title: str
    values: pd.DataFrame


@dataclass(frozen=True)
class Levels:
    """What the figure shows.

    Attributes:
        maps: side by side.
        dataset: its name.
        source: of the recordings.
        n_neuroids: of each region.
    """

    maps: Sequence[LevelMap]
    dataset: str
    source: str
    n_neuroids: Mapping[str, int]


def exists(study: Study, dataset: str) -> bool:
    """Where layers have both encoding scores and RDMs."""
    return dataset in study.with_encoders and dataset in study.with_rdms and "holdout" in study.config["protocols"]


def inputs(study: Study, dataset: str) -> Files:
    """The scores of layers, the comparisons of RDMs, and the responses for the noise ceilings."""
    tables = {name: paths.table(name) for name in ("layers", "rsa")}
    return {**tables, "responses": paths.RESPONSES.format(dataset=dataset)}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """Which networks and neuroids are shown."""
    return {"networks": study.networks_of(dataset), "min_reliability": study.config["min_reliability"]}


def read(
    layers: str, rsa: str, responses: str, networks: Sequence[str], min_reliability: float, dataset: str
) -> Levels:
    """Arrange the tables as maps."""
    from ventral.data.responses import read_responses
    from ventral.files.csv import read_table
    from ventral.scores.catalogue import RANKED_BY
    from ventral.tables.layers import read_layers, region_ceilings

    recorded, compared = read_responses(responses), read_table(rsa, dataset)
    found = region_ceilings(recorded, min_reliability)
    ceilings = {region: ceiling.values[RANKED_BY] for region, ceiling in found.items()}
    rows = read_layers(read_table(layers), dataset, networks)
    maps = [encoding_map(rows, ceilings), *similarity_maps(compared)]
    counts = {region: ceiling.n_neuroids for region, ceiling in found.items()}
    return Levels(maps, dataset, recorded.attrs["source"], counts)


def in_stream_order(regions: Sequence[str]) -> list[str]:
    """Regions early to late; those of unknown place last, by name; sessions of a region ("AIT Sc1") beside it."""
    place = {name: i for i, name in enumerate(STREAM)}
    return sorted(regions, key=lambda region: (place.get(region.split()[0], len(STREAM)), region))


def without_sessions(rsa: pd.DataFrame) -> pd.DataFrame:
    """Of rows of `rsa.csv` those of whole areas, where an area was recorded in several sessions."""
    of_area = rsa["region"].isin(rsa["region"][rsa["within"].notna()])
    return rsa[of_area] if of_area.any() else rsa


def level_map(measure: str, title: str, rows: pd.DataFrame, value: str, ceilings: Mapping[str, float]) -> LevelMap:
    """Arrange rows of a table as a map.

    Args:
        measure: its name.
        title: the lines above the map.
        rows: `network`, `layer`, `depth`, `region` and the values, one row a layer and region.
        value: column of the values.
        ceilings: of each region, NaN where unknown.
    """
    import numpy as np

    from ventral.tables.phrases import layer_name

    names = [layer_name(network, layer) for network, layer in zip(rows["network"], rows["layer"], strict=True)]
    named = rows.assign(name=names)
    order = named.sort_values(["network", "depth"], kind="stable")["name"].drop_duplicates()
    values = named.pivot_table(index="name", columns="region", values=value)
    values = values.reindex(index=order, columns=in_stream_order(list(rows["region"].unique())))
    values.loc[CEILING] = [ceilings.get(region, np.nan) for region in values.columns]
    return LevelMap(measure, title, values)


def encoding_map(rows: pd.DataFrame, ceilings: Mapping[str, float]) -> LevelMap:
    """Mean r on validation stimuli of every layer.

    Args:
        rows: of `layers.csv`, of one dataset and readout.
        ceilings: highest attainable mean r of each region.
    """
    from ventral.scores.catalogue import METRICS, RANKED_BY
    from ventral.tables.groups import RANKING

    title = METRICS[RANKED_BY].title
    return level_map(f"{title} of encoding", f"encoding\n{title}, {rows['readout'].iloc[0]}", rows, RANKING, ceilings)


def similarity_maps(rsa: pd.DataFrame) -> list[LevelMap]:
    """RSA and unbiased CKA of every layer; of an area recorded in several sessions, their average.

    Args:
        rsa: rows of `rsa.csv` of one dataset.
    """
    rows = without_sessions(rsa[rsa["layer"].notna()]).rename(columns={"compared_with": "network"})
    ceilings = {str(region): value for region, value in rows.groupby("region")["ceiling"].first().items()}
    maps = [level_map("Spearman correlation of RDMs", "RSA\nSpearman", rows, "spearman", ceilings)]
    if rows["cka_unbiased"].notna().any():
        maps.append(level_map("unbiased CKA", "linear CKA\nunbiased", rows, "cka_unbiased", {}))
    return maps


def draw(levels: Levels) -> Figure:
    """Heat maps side by side, layers down, regions across, the noise ceiling in the last row."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    rows = [*dict.fromkeys(name for one in levels.maps for name in one.values.index if name != CEILING), CEILING]
    with plt.rc_context(STYLE):
        widths = [max(0.42 * one.values.shape[1], 0.9) + 0.5 for one in levels.maps]
        figure, grid = plt.subplots(
            1,
            len(levels.maps),
            sharey=True,  # names of layers once, at the left
            figsize=(2.2 + sum(widths), 1.8 + 0.15 * len(rows)),
            width_ratios=widths,
            squeeze=False,
            layout="constrained",
        )
        grid[0, 0].set_yticks(range(len(rows)), rows, fontsize=6.5)
        for axes, one in zip(grid[0], levels.maps, strict=True):
            _draw_map(axes, one.values.reindex(rows), levels.n_neuroids)
            axes.set_title(one.title, fontsize=9)
        figure.suptitle(titled(levels.dataset, levels.source, FIGURE.title))
    return figure


def _draw_map(axes: Axes, table: pd.DataFrame, n_neuroids: Mapping[str, int]) -> None:
    import numpy as np

    values = table.to_numpy(dtype=float)
    top = np.nanmax(np.abs(values[:-1])) if np.isfinite(values[:-1]).any() else 1.0
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="none")
    regions = [f"{name}, n = {n_neuroids[name]}" if name in n_neuroids else name for name in table.columns]
    axes.set_xticks(range(len(regions)), regions, rotation=90, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.axhline(len(values) - 1.5, color="k", linewidth=1)
    for i, j in np.argwhere(np.isfinite(values)):
        dark = abs(values[i, j]) > 0.6 * top
        axes.text(j, i, f"{values[i, j]:z.2f}", ha="center", va="center", fontsize=6, color="w" if dark else "k")
    axes.figure.colorbar(shown, ax=axes, shrink=0.3, aspect=15).ax.tick_params(labelsize=6)


def describe(levels: Levels) -> str:
    """The best layer of each region by each measure."""
    from ventral.similarity import CATEGORY
    from ventral.tables.phrases import labelled, rounded

    said = [f"Heat maps of every layer against every region, {labelled(levels.dataset, levels.source)}."]
    for one in levels.maps:
        labels = [name for name in one.values.index if name.startswith(f"{CATEGORY} ")]
        values = one.values.drop(index=[CEILING, *labels]).dropna(axis="columns", how="all")
        best = [f"{region} {rounded(column.max(), 2)} ({column.idxmax()})" for region, column in values.items()]
        said.append(f"Highest {one.measure}: {'; '.join(best) or 'none'}.")
    return " ".join(said)


FIGURE = FigureKind(
    title="every network layer against every region",
    category="Similarity",
    caption=(
        "Every layer of every network against every region of {dataset}, by three measures: mean Pearson r of its "
        "best readout on validation stimuli (encoding), Spearman correlation of RDMs (RSA), and unbiased linear CKA. "
        "n: neuroids, without those below ``min_reliability``. Where a region was recorded in several sessions, RSA "
        "and CKA are averages within sessions; ``rsa.csv`` has each session. The last row is the noise ceiling, where "
        "stimuli were repeated. ``category``: RDMs that the labels of the stimuli alone predict."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
)

"""Every layer of every network against every region, as heat maps: encoding, RSA and CKA side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ventral.figures.style import STYLE, best_readout, titled

STREAM = ("V1", "V2", "V4", "PIT", "CIT", "AIT", "IT")  # early to late
CEILING = "noise ceiling"


@dataclass(frozen=True)
class LevelMap:
    """One measure of how alike layers and regions are.

    Attributes:
        title: its name, and that of its values, in a line each.
        values: layers, named "network layer", by regions; NaN where there is none. The last row is the ceiling.
    """

    title: str
    values: pd.DataFrame


def in_stream_order(regions: list[str]) -> list[str]:
    """Regions early to late; those of unknown place last, by name; sessions of a region ("AIT Sc1") beside it."""
    place = {name: i for i, name in enumerate(STREAM)}
    return sorted(regions, key=lambda region: (place.get(region.split()[0], len(STREAM)), region))


def without_sessions(rsa: pd.DataFrame) -> pd.DataFrame:
    """Of rows of `rsa.csv` those of areas alone, where an area is of several sessions: what they have in common."""
    of_area = rsa["region"].isin(rsa["region"][rsa["within"].notna()])
    return rsa[of_area] if of_area.any() else rsa


def level_map(title: str, rows: pd.DataFrame, value: str, ceilings: dict[str, float]) -> LevelMap:
    """Arrange rows of a table as a map.

    Args:
        title: of the measure.
        rows: `network`, `layer`, `depth`, `region` and the values, one row a layer and region.
        value: column of the values.
        ceilings: of each region, NaN where unknown.
    """
    named = rows.assign(name=rows["network"] + " " + rows["layer"].where(rows["layer"] != rows["network"], ""))
    order = named.sort_values(["network", "depth"], kind="stable")["name"].str.strip().drop_duplicates()
    values = named.assign(name=named["name"].str.strip()).pivot_table(index="name", columns="region", values=value)
    values = values.reindex(index=order, columns=in_stream_order(list(rows["region"].unique())))
    values.loc[CEILING] = [ceilings.get(region, np.nan) for region in values.columns]
    return LevelMap(title, values)


def encoding_map(layers: pd.DataFrame, ceilings: dict[str, float]) -> LevelMap:
    """Mean r on validation stimuli of every layer, of the readout that serves best.

    Args:
        layers: rows of `layers.csv` of one dataset.
        ceilings: highest attainable mean r of each region.
    """
    readout = best_readout(layers)
    return level_map(f"encoding\nr, {readout}", layers[layers["readout"] == readout], "pearson_r_mean", ceilings)


def similarity_maps(rsa: pd.DataFrame) -> list[LevelMap]:
    """RSA and unbiased CKA of every layer; of sessions apart, their average.

    Args:
        rsa: rows of `rsa.csv` of one dataset.
    """
    rows = without_sessions(rsa[rsa["layer"].notna()]).rename(columns={"compared_with": "network"})
    ceilings = {str(region): value for region, value in rows.groupby("region")["ceiling"].first().items()}
    maps = [level_map("RSA\nSpearman", rows, "spearman", ceilings)]
    if rows["cka_unbiased"].notna().any():
        maps.append(level_map("linear CKA\nunbiased", rows, "cka_unbiased", {}))
    return maps


def _draw_map(axes: Axes, one: LevelMap, n_neuroids: Mapping[str, int]) -> None:
    values = one.values.to_numpy(dtype=float)
    top = np.nanmax(np.abs(values[:-1])) if np.isfinite(values[:-1]).any() else 1.0
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="none")
    regions = [f"{name}, n = {n_neuroids[name]}" if name in n_neuroids else name for name in one.values.columns]
    axes.set_xticks(range(len(regions)), regions, rotation=90, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.axhline(len(values) - 1.5, color="k", linewidth=1)
    for i, j in np.argwhere(np.isfinite(values)):
        dark = abs(values[i, j]) > 0.6 * top
        axes.text(j, i, f"{values[i, j]:z.2f}", ha="center", va="center", fontsize=6, color="w" if dark else "k")
    axes.set_title(one.title, fontsize=9)
    axes.figure.colorbar(shown, ax=axes, shrink=0.3, aspect=15).ax.tick_params(labelsize=6)


def draw_levels(maps: list[LevelMap], dataset: str, source: str, n_neuroids: Mapping[str, int]) -> Figure:
    """Heat maps side by side, layers down, regions across, the noise ceiling in the last row.

    Args:
        maps: from `encoding_map` and `similarity_maps`.
        dataset: its name.
        source: of its recordings.
        n_neuroids: of each region.
    """
    rows = [*dict.fromkeys(name for one in maps for name in one.values.index if name != CEILING), CEILING]
    maps = [LevelMap(one.title, one.values.reindex(rows)) for one in maps]
    with plt.rc_context(STYLE):
        widths = [max(0.42 * one.values.shape[1], 0.9) + 0.5 for one in maps]
        figure, grid = plt.subplots(
            1,
            len(maps),
            sharey=True,  # names of layers once, at the left
            figsize=(2.2 + sum(widths), 1.8 + 0.15 * len(rows)),
            width_ratios=widths,
            squeeze=False,
            layout="constrained",
        )
        grid[0, 0].set_yticks(range(len(rows)), rows, fontsize=6.5)
        for axes, one in zip(grid[0], maps, strict=True):
            _draw_map(axes, one, n_neuroids)
        figure.suptitle(titled(dataset, source, "layers and regions"))
    return figure

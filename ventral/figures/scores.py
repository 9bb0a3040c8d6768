"""Figures of scores, neuroid by neuroid, and of rates, stimulus by stimulus."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ventral.encoders.chosen import chosen_predictions
from ventral.figures.style import FLOOR, LABELS, STYLE, titled
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.tables.gather import best_first

PROTOCOL = "holdout"
BEST, RANDOM, CEILING = "#0072B2", "#D55E00", "0.75"  # of the palette below, which the colour-blind tell apart
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")  # Okabe & Ito 2008
MARKERS = "os^DvPX*"
MOST_CATEGORIES = len(PALETTE) * 2  # more would fill the figure with their names
BIN = 0.05
ACROSS = 3  # regions side by side


@dataclass(frozen=True)
class Best:
    """The encoder that predicts a region best.

    Attributes:
        region: its name.
        split: test where there is one, else val.
        n_stimuli: held-out stimuli of the split.
        encoder: of the highest mean r.
        random: the best encoder of random weights, None where there is none, or where it is `encoder`.
    """

    region: str
    split: str
    n_stimuli: int
    encoder: str
    random: str | None


@dataclass(frozen=True)
class Rates:
    """Mean over the neuroids of a region, stimulus by stimulus.

    Attributes:
        target: (n,) recorded.
        predicted: (n,).
        category: (n,), None where unknown.
        n_neuroids: of the region.
        centred: whether the neuroids saw different stimuli: means over them are then of rates less each one's mean on
            train, or they would tell sessions apart rather than stimuli.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    category: NDArray[np.str_] | None
    n_neuroids: int
    centred: bool

    @property
    def r(self) -> float:
        """Pearson r over the stimuli."""
        return float(pearson_r(self.target[:, None], self.predicted[:, None])[0])


def best_encoders(summary: pd.DataFrame) -> list[Best]:
    """The best encoder of every region, and the best of random weights.

    Args:
        summary: rows of `summary.csv` of one dataset.
    """
    rows = summary[(summary["protocol"] == PROTOCOL) & summary["pearson_r_mean"].notna()]
    found = []
    for region, here in rows.groupby("region"):
        split = "test" if (here["split"] == "test").any() else "val"
        ranked = best_first(here[here["split"] == split])
        random = ranked["encoder"][ranked["weights"].str.startswith("random")]
        best = ranked.iloc[0]
        beside = str(random.iloc[0]) if len(random) and random.iloc[0] != best["encoder"] else None
        found.append(Best(str(region), split, int(best["n_stimuli"]), str(best["encoder"]), beside))
    return found


def neuroid_scores(scores: pd.DataFrame, best: Best, encoder: str, least: float = -np.inf) -> pd.DataFrame:
    """What an encoder reaches on every neuroid of a region.

    Args:
        scores: rows of `scores.csv` of one dataset.
        best: the region and split.
        encoder: its name.
        least: neuroids of less reliability are left out, as in the means of the summary.

    Returns:
        One row a neuroid that has a score: `explained_variance`; `pearson_r`; `r2`; `signed_r2` = r |r|; `ceiling_r2`,
        the noise ceiling of these two; `ceiling` of r, its square root (0 where it is negative), and `low`, `high`: the
        same of the ceiling less and plus the standard deviation of the reliability over halvings. NaN where there were
        no repetitions.
    """
    here = (scores["protocol"] == PROTOCOL) & (scores["split"] == best.split) & (scores["region"] == best.region)
    rows = scores[here & (scores["encoder"] == encoder) & ~(scores["reliability"] < least)]
    values = rows.pivot_table(index="neuroid", columns="metric", values="value")
    values = values.reindex(columns=[*LABELS, "r2"]).dropna(subset=["pearson_r"])
    known = rows.drop_duplicates("neuroid").set_index("neuroid").reindex(values.index)
    ceiling, spread = known["ceiling"].to_numpy(float), known["reliability_sd"].to_numpy(float)
    spread = np.nan_to_num(spread)
    return values.assign(
        signed_r2=values["pearson_r"] * values["pearson_r"].abs(),
        ceiling_r2=ceiling,
        ceiling=np.sqrt(np.clip(ceiling, 0, 1)),
        low=np.sqrt(np.clip(ceiling - spread, 0, 1)),
        high=np.sqrt(np.clip(ceiling + spread, 0, 1)),
    )


def mean_rates(responses: xr.Dataset, predictions: xr.Dataset, best: Best) -> Rates:
    """Target and predicted rate of every held-out stimulus, averaged over the neuroids that saw it.

    Args:
        responses: as `responses/{dataset}.nc`.
        predictions: as `predictions/{dataset}/holdout/{encoder}.nc`; of its repeats the first.
        best: the region and split.
    """
    of_region = responses["region"].values == best.region
    split, chosen = predictions.isel(repeat=0), chosen_predictions(predictions)
    held_out = split["split"].values == best.split
    ids = responses["stimulus_id"].values
    shown = np.isin(ids, split["stimulus_id"].values[held_out])
    rates = responses["rate"].values[:, of_region]
    target, predicted = rates[shown], chosen[held_out][:, of_region].astype(np.float64)
    centred = bool(np.isnan(target).any())
    if centred:
        usual = np.nanmean(rates[responses["split"].values == "train"], axis=0)
        target, predicted = target - usual, predicted - usual
    seen = np.isfinite(target) & np.isfinite(predicted)
    any_seen = seen.any(axis=1)
    target, predicted = (
        np.where(seen, values, 0)[any_seen].sum(axis=1) / seen[any_seen].sum(axis=1) for values in (target, predicted)
    )
    category = None
    if "category_name" in responses:
        category = responses["category_name"].values.astype(str)[shown][any_seen]
    return Rates(target, predicted, category, int(of_region.sum()), centred)


def _bins(values: list[NDArray[np.float64]]) -> list[float]:
    """Edges of bars that hold all values, up to 1."""
    low = min((part.min() for part in values if part.size), default=0.0)
    first = np.floor(min(low, 0) / BIN + 1e-9)
    return list(BIN * np.arange(first, round(1 / BIN) + 1))


def draw_distribution(axes: Axes, tables: Mapping[str, pd.DataFrame], column: str, behind: str | None) -> list[Patch]:
    """Histograms of one encoder, filled, and of another, outlined; their medians, and the ceilings behind.

    Args:
        axes: to draw on.
        tables: from `neuroid_scores`, by encoder.
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
    axes.set_ylabel("neuroids")
    handles = [Patch(color=BEST, alpha=0.75), Patch(fill=False, edgecolor=RANDOM, linestyle="--")]
    return [*handles[: len(tables)], *([Patch(color=CEILING)] if behind else [])]


def _draw_against_ceiling(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    """r of every neuroid against the highest that its noise allows."""
    known = {name: table.dropna(subset=["ceiling"]) for name, table in tables.items()}
    if all(table.empty for table in known.values()):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no noise ceiling is known", ha="center", va="center", transform=axes.transAxes)
        return
    looks: list[dict[str, Any]] = [
        {"marker": "o", "color": BEST},
        {"marker": "^", "color": RANDOM, "markerfacecolor": "none"},
    ]
    for table, look in zip(known.values(), looks, strict=False):
        spread = [table["ceiling"] - table["low"], table["high"] - table["ceiling"]]
        axes.errorbar(
            table["ceiling"],
            table["pearson_r"],
            xerr=spread,
            linestyle="none",
            markersize=3,
            markeredgewidth=0.7,
            elinewidth=0.5,
            alpha=0.7,
            **look,
        )
    low = min(0.0, *(table["pearson_r"].min() for table in known.values() if len(table)))
    axes.plot([0, 1], [0, 1], color="k", linewidth=0.8, zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(low - 0.03, 1.02), xlabel="noise ceiling of r", ylabel="Pearson r")


def _draw_region(figure: SubFigure, best: Best, tables: Mapping[str, pd.DataFrame]) -> None:
    left, middle, right = figure.subplots(1, 3)
    draw_distribution(left, tables, "explained_variance", None)
    left.set_xlabel("explained variance")
    handles = draw_distribution(middle, tables, "signed_r2", "ceiling_r2")
    middle.set_xlabel("r², with the sign of r")
    _draw_against_ceiling(right, tables)
    known = next(iter(tables.values()))["ceiling_r2"].notna().any()
    names = [*tables, *(["noise ceiling"] if known else [])]
    n = len(next(iter(tables.values())))
    figure.legend(
        handles[: len(names)],
        names,
        title=f"{best.region}: {n} neuroids, {best.n_stimuli} stimuli ({best.split})",
        loc="outside upper left",
        ncols=3,
        fontsize=7.5,
        alignment="left",
    )


def draw_scores(scores: pd.DataFrame, summary: pd.DataFrame, dataset: str, least: float = -np.inf) -> Figure:
    """Explained variance, r^2 and r against the ceiling, neuroid by neuroid, of the best encoder of each region.

    Args:
        scores: rows of `scores.csv` of one dataset.
        summary: rows of `summary.csv` of it.
        dataset: its name.
        least: neuroids of less reliability are left out.
    """
    regions = best_encoders(summary)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(7.2, 0.5 + 2.5 * max(len(regions), 1)), layout="constrained")
        parts = figure.subfigures(max(len(regions), 1), 1, squeeze=False).flat
        for part, best in zip(parts, regions, strict=False):
            encoders = [best.encoder] + ([best.random] if best.random else [])
            tables = {name: neuroid_scores(scores, best, name, least) for name in encoders}
            _draw_region(part, best, {name: table for name, table in tables.items() if len(table)})
        figure.suptitle(titled(dataset, summary["source"].iloc[0], "scores of neuroids, best encoders"))
    return figure


def _draw_rates(axes: Axes, best: Best, rates: Rates, units: str) -> None:
    category = np.full(len(rates.target), "") if rates.category is None else rates.category
    if len(np.unique(category)) > MOST_CATEGORIES:
        category = np.full(len(category), "")
    for i, name in enumerate(np.unique(category)):
        here = category == name
        turn, place = divmod(i, len(PALETTE))
        axes.scatter(
            rates.predicted[here],
            rates.target[here],
            s=18,
            color=PALETTE[place],
            marker=MARKERS[(place + turn) % len(MARKERS)],
            edgecolors="k",
            linewidths=0.3,
            alpha=0.8,
            label=str(name) or None,
        )
    both = np.concatenate([rates.predicted, rates.target])
    margin = 0.05 * np.ptp(both) or 1.0
    ends = (both.min() - margin, both.max() + margin)
    axes.plot(ends, ends, color="k", linewidth=0.8, zorder=0)
    less = " less train mean" if rates.centred else ""
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"predicted rate{less} ({units})")
    axes.set_ylabel(f"target rate{less} ({units})")
    n = f"{rates.n_neuroids} neuroids, {len(rates.target)} stimuli ({best.split})"
    axes.set_title("\n".join([f"{best.region}: r = {rates.r:.2f}", n, *wrap(best.encoder, 32)]), fontsize=8)


def region_panels(
    n_regions: int, panel: tuple[float, float], margin: tuple[float, float]
) -> tuple[Figure, list[Axes], int]:
    """An empty figure with a panel for each region, at most `ACROSS` side by side.

    Args:
        n_regions: how many; of none, one place stays empty.
        panel: width and height of each, in inches.
        margin: what the figure has beyond these.

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


def draw_targets(
    responses: xr.Dataset, predictions: Mapping[str, xr.Dataset], regions: list[Best], dataset: str
) -> Figure:
    """Mean target rate against mean predicted rate, one point a held-out stimulus, of the best encoder of each region.

    Args:
        responses: as `responses/{dataset}.nc`.
        predictions: as `predictions/{dataset}/holdout/{encoder}.nc`, of every encoder that `regions` name, by name.
        regions: from `best_encoders`.
        dataset: its name.
    """
    with plt.rc_context(STYLE):
        figure, panels, columns = region_panels(len(regions), (2.6, 3.0), (0.4, 0.6))
        handles: dict[str, Any] = {}
        for axes, best in zip(panels, regions, strict=True):
            rates = mean_rates(responses, predictions[best.encoder], best)
            _draw_rates(axes, best, rates, responses.attrs["units"])
            handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 * columns, fontsize=8)
        title = titled(dataset, responses.attrs["source"], "target against predicted rate")
        figure.suptitle(title, y=1.02, va="bottom")
    return figure

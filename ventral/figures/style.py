"""The figures of the report, drawn from tables, responses and RDMs."""

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ventral.files.atomic import writing
from ventral.files.console import trace
from ventral.files.errors import printable
from ventral.scores.ceilings import noise_ceiling
from ventral.scores.metrics import bootstrap_weights, interval

if TYPE_CHECKING:  # scipy takes a second, and of all figures only RDMs need it
    from ventral.similarity.regions import RegionRDM

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
UNDATED: Any = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # likewise
LEFT_OUT = "Description"  # what a PNG calls the text that says why there is nothing on it
LABELS = {"explained_variance": "explained variance", "pearson_r": "Pearson r"}
ACROSS = 5  # families of networks side by side
FLOOR = -0.3  # scores far below chance would flatten all others; the axis ends here


class NothingToDraw(ValueError):
    """What a figure would show is not there; the message says why, in the words of a reader."""


def save(figure: Figure, paths: list[str], left_out: str = "") -> None:
    """Write the figure once for each path, in the format of its suffix; a PNG says where it is `left_out`, and why."""
    for path in paths:
        suffix = Path(path).suffix
        about = {LEFT_OUT: left_out} if left_out and suffix == ".png" else {}
        with writing(path) as temporary, plt.rc_context(STYLE):  # dpi and hashsalt count now, not at drawing
            figure.savefig(temporary, bbox_inches="tight", metadata=UNDATED.get(suffix, {}) | about)
    plt.close(figure)


def draw(make: Callable[[], Figure], paths: list[str]) -> None:
    """Draw a figure and write it. One that cannot be drawn costs no other: an empty one says why, and so does the log.

    Args:
        make: draws it.
        paths: as of `save`.
    """
    try:
        save(make(), paths)
    except NothingToDraw as error:
        _leave_out(str(error), paths)
    except Exception as error:
        trace(error)
        _leave_out(f"{type(error).__name__}: {error}", paths)


def _leave_out(why: str, paths: list[str]) -> None:
    plt.close("all")
    print(f"{Path(paths[0]).stem}: no figure: {why}", file=sys.stderr)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(5, 1.2))
        figure.text(0.5, 0.5, fill(f"no figure: {printable(why)}", 70), ha="center", va="center")
    save(figure, paths, printable(why))


def titled(dataset: str, source: str, what: str) -> str:
    """Title of a figure; simulated recordings are called simulated."""
    return f"{dataset} ({source}): {what}"


def _is_baseline(layers: pd.DataFrame) -> pd.Series:
    """(row,) whether the network has no layers to go through: pixels, labels, a single layer."""
    return (layers.groupby("network")["layer"].transform("nunique") == 1) | (layers["weights"] == "none")


def _families(layers: pd.DataFrame) -> list[tuple[tuple[str, ...], list[str]]]:
    """Networks that share their layers, such as a trained network and its random copy; without baselines."""
    families: dict[tuple[str, ...], list[str]] = {}
    for network, rows in layers[~_is_baseline(layers)].groupby("network", sort=False):
        names = tuple(rows.sort_values("depth")["layer"].drop_duplicates())
        families.setdefault(names, []).append(str(network))
    return sorted(families.items(), key=lambda family: family[1])


def best_readout(layers: pd.DataFrame) -> str:
    """Of the readouts that most networks have, the one whose best layers predict train best, on average over all.

    Where nobody knows, every neuroid being too unreliable, it is the first by name.
    """
    networks = layers.groupby("readout")["network"].nunique()
    layers = layers[layers["readout"].isin(networks[networks == networks.max()].index)]
    best = layers.groupby(["readout", "region", "network"])["train_r2_mean"].max()
    return str(best.groupby("readout").mean().fillna(-np.inf).idxmax())


def mean_ceilings(responses: xr.Dataset, least: float) -> dict[str, dict[str, float]]:
    """For each region the mean noise ceiling of `explained_variance` on val, and of `pearson_r`, its square root.

    Args:
        responses: as in `responses/{dataset}.nc`.
        least: neuroids of less reliability are left out, as in the means of the summary. NaN where none is left.
    """
    val = responses.isel(stimulus=responses["split"].values == "val")
    components = (val[name].values for name in ("signal_variance", "noise_variance", "n_presentations"))
    ceiling, region = noise_ceiling(*components), responses["region"].values
    left = np.isfinite(ceiling) & (responses["reliability"].values >= least)
    found = {}
    for name in np.unique(region):
        known = np.clip(ceiling[(region == name) & left], 0, 1)
        found[str(name)] = {
            "explained_variance": float(known.mean()) if known.size else np.nan,
            "pearson_r": float(np.sqrt(known).mean()) if known.size else np.nan,
        }
    return found


def _draw_curves(axes: Axes, rows: pd.DataFrame, family: tuple[tuple[str, ...], list[str]], metric: str) -> None:
    names, networks = family
    for i, network in enumerate(networks):
        curve = rows[rows["network"] == network].sort_values("depth")
        dashed = "--" if curve["weights"].str.startswith("random").any() else "-"
        mean, low, high = (curve[f"{metric}_{part}"].clip(lower=FLOOR) for part in ("mean", "low", "high"))
        axes.plot(curve["layer"], mean, dashed, marker="o", markersize=3, color=f"C{i}", label=network)
        axes.fill_between(curve["layer"], low, high, color=f"C{i}", alpha=0.2, linewidth=0)
        chosen = curve[curve["chosen"]]
        axes.plot(chosen["layer"], chosen[f"{metric}_mean"].clip(lower=FLOOR), "o", color=f"C{i}", markersize=7)
    baselines = rows[_is_baseline(rows) & rows["chosen"]]
    shades = np.linspace(0.7, 0.2, len(baselines)).astype(str)
    for network, score, grey in zip(baselines["network"], baselines[f"{metric}_mean"], shades, strict=True):
        axes.axhline(max(score, FLOOR), color=grey, linestyle=":", label=network)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")


def draw_layers(layers: pd.DataFrame, dataset: str, ceilings: dict[str, dict[str, float]]) -> Figure:
    """Explained variance and r across the layers of every network, a trained one beside its random copy.

    Args:
        layers: rows of `layers.csv` of one dataset.
        dataset: its name.
        ceilings: for each region the mean ceiling of `explained_variance` and of `pearson_r`, NaN where unknown.
    """
    readout = best_readout(layers)
    shown = layers[layers["readout"] == readout]
    families = _families(shown) or [((), [])]
    blocks = [list(block) for block in np.array_split(np.arange(len(families)), -(-len(families) // ACROSS))]
    rows = [(block, region, metric) for block in blocks for region in ceilings for metric in LABELS]
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            len(rows),
            len(blocks[0]),
            figsize=(1.5 + 2.9 * len(blocks[0]), 1 + 2.1 * len(rows)),
            squeeze=False,
            sharey="row",
            layout="constrained",
        )
        for line, (block, region, metric) in zip(grid, rows, strict=True):
            for axes, family in zip(line, block, strict=False):
                _draw_curves(axes, shown[shown["region"] == region], families[family], metric)
                axes.tick_params(labelbottom=(region, metric) == (list(ceilings)[-1], list(LABELS)[-1]))
                ceiling = ceilings[region][metric]
                if np.isfinite(ceiling):
                    axes.axhline(ceiling, color="k", linewidth=0.8, label="noise ceiling")
                axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
                if (region, metric) == (next(iter(ceilings)), next(iter(LABELS))):
                    axes.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
            line[0].set_ylabel(f"{region}: {LABELS[metric]}")
            for axes in line[len(block) :]:
                axes.set_visible(False)
        source = shown["source"].iloc[0]
        figure.suptitle(titled(dataset, source, f"layers, readout {readout}, validation stimuli"))
    return figure


def _percentile(rdm: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, n) dissimilarities as percentiles, which any two RDMs can share a colour scale in."""
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    ranks = rankdata(squareform(rdm, checks=False))
    return squareform(100 * (ranks - 1) / max(len(ranks) - 1, 1))


def _mark_categories(axes: Axes, categories: NDArray[np.str_]) -> None:
    starts = np.flatnonzero(np.r_[True, categories[1:] != categories[:-1]])
    middles = (starts + np.r_[starts[1:], len(categories)]) / 2 - 0.5
    axes.set_xticks(middles, categories[starts], rotation=45, ha="right", fontsize=7)
    axes.set_yticks(middles, categories[starts], fontsize=7)
    for start in starts[1:]:
        axes.axhline(start - 0.5, color="w", linewidth=0.4)
        axes.axvline(start - 0.5, color="w", linewidth=0.4)
    axes.tick_params(length=0)


def draw_rdms(
    dataset: str,
    source: str,
    regions: list["RegionRDM"],
    categories: NDArray[np.str_] | None,
    models: list[tuple[str, NDArray[np.floating]] | None],
) -> Figure:
    """The RDM of every region and, beside it, that of the layer most like it, sorted by category.

    Args:
        dataset: its name.
        source: where its recordings come from.
        regions: the regions' RDMs.
        categories: (n,) category of each stimulus of the dataset, None where unknown.
        models: for each region a title and the (m, m) RDM over the region's stimuli; None where no network was run.

    Raises:
        NothingToDraw: if there is no region.
    """
    if not regions:
        raise NothingToDraw("no region has an RDM")
    columns = 1 + any(model is not None for model in models)
    with plt.rc_context(STYLE):
        size = (4.6 * columns + 0.8, 4.3 * len(regions))
        figure, grid = plt.subplots(len(regions), columns, figsize=size, squeeze=False, layout="constrained")
        for row, region, model in zip(grid, regions, models, strict=True):
            n = len(region.stimuli)
            labels = None if categories is None else categories[region.stimuli]
            order = np.arange(n) if labels is None else np.argsort(labels, kind="stable")
            known = "" if np.isnan(region.reliability) else f", reliability {region.reliability:.2f}"
            panels = [(f"{region.region}, {n} stimuli{known}", region.rdm), *([model] if model else [])]
            for axes, (title, rdm) in zip(row, panels, strict=False):
                shown = axes.imshow(_percentile(rdm)[np.ix_(order, order)], cmap="viridis", interpolation="none")
                axes.set_title(title)
                if labels is None:
                    axes.set(xticks=[], yticks=[], xlabel="stimuli", ylabel="stimuli")
                else:
                    _mark_categories(axes, labels[order])
            figure.colorbar(shown, ax=list(row), label="dissimilarity (percentile)", shrink=0.8)
        figure.suptitle(titled(dataset, source, "representational dissimilarity"))
    return figure


def category_means(
    rates: NDArray[np.floating],
    categories: NDArray[np.str_],
    n_draws: int,
    seed: int,
    groups: NDArray[np.str_] | None = None,
) -> tuple[NDArray[np.str_], NDArray[np.float64], NDArray[np.float64]]:
    """Mean response to every category, and its bootstrap interval over the stimuli of the category.

    Args:
        rates: (stimulus, neuroid), NaN where not recorded.
        categories: (stimulus,).
        n_draws: resamples.
        seed: of the resamples.
        groups: (stimulus,) group of each stimulus, drawn as one; None: each is its own.

    Returns:
        (k,) names, (k, neuroid) means and (2, k, neuroid) bounds.
    """
    names = np.unique(categories)
    means, bounds = [], []
    for name in names:
        own = categories == name
        here = rates[own]
        seen = np.isfinite(here)
        weights = bootstrap_weights(len(here), n_draws, seed, None if groups is None else groups[own])
        with np.errstate(invalid="ignore"):
            draws = weights @ np.where(seen, here, 0) / (weights @ seen)
            means.append(np.where(seen, here, 0).sum(axis=0) / seen.sum(axis=0))
        bounds.append(interval(means[-1], draws))
    return names, np.array(means), np.stack(bounds, axis=1)


def draw_categories(responses: xr.Dataset, dataset: str, n_draws: int, seed: int) -> Figure:
    """Response by object category: of the most reliable neuroid of each region, and of all neuroids.

    Args:
        responses: as `responses/{dataset}.nc`, with `category_name`.
        dataset: its name.
        n_draws: bootstrap resamples of the stimuli.
        seed: of the resamples.
    """
    region = responses["region"].values
    regions = np.unique(region)
    groups = responses["stimulus_group"].values if "stimulus_group" in responses.coords else None
    categories = responses["category_name"].values.astype(str)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            len(regions), 2, figsize=(9, 3.2 * len(regions)), squeeze=False, layout="constrained", width_ratios=(1, 1.4)
        )
        for (left, right), name in zip(grid, regions, strict=True):
            here = responses.isel(neuroid=region == name)
            names, means, bounds = category_means(here["rate"].values, categories, n_draws, seed, groups)
            reliability = np.nan_to_num(here["reliability"].values, nan=-1)
            best = int(np.argmax(reliability))
            errors = np.abs(bounds[:, :, best] - means[:, best])
            left.errorbar(names, means[:, best], errors, fmt="o", capsize=3)
            left.set_title(f"{name}: {here['neuroid_id'].values[best]}")
            left.set_ylabel(f"response ({responses.attrs['units']})")
            left.tick_params(axis="x", rotation=45)
            z = (means - means.mean(axis=0)) / np.maximum(means.std(axis=0), np.finfo(float).tiny)
            order = np.lexsort((-z.max(axis=0), np.argmax(z, axis=0)))
            shown = right.imshow(z[:, order], aspect="auto", cmap="RdBu_r", vmin=-2.5, vmax=2.5, interpolation="none")
            right.set_yticks(range(len(names)), names)
            right.set(title=f"{name}: {here.sizes['neuroid']} neuroids by preferred category", xlabel="neuroid")
            figure.colorbar(shown, ax=right, label="response (z over categories)")
        figure.suptitle(titled(dataset, responses.attrs["source"], "response by object category"))
    return figure


def draw_psth(psths: dict[str, xr.Dataset], units: pd.DataFrame, dataset: str, source: str, seed: int) -> Figure:
    """Rate around the onset of fixations and of images, less the rate before, mean over the units of each region.

    Args:
        psths: for each session `rate` (event, unit, time) in Hz, as `sessions/{dataset}/{session}/psth.nc`.
        units: rows of `xiao_units.csv`, which say the `region` of each `session` and `unit`.
        dataset: its name.
        source: where its recordings come from.
        seed: of the bootstrap over units behind the 95 % band.
    """
    curves: dict[str, list[NDArray[np.float64]]] = {}
    for session, psth in psths.items():
        region = units[units["session"] == session].set_index("unit")["region"]
        before = psth["rate"].sel(time=slice(None, -1)).mean("time")
        change = (psth["rate"] - before).transpose("unit", "event", "time").values
        for unit, curve in zip(psth["unit"].values.astype(str), change, strict=True):
            curves.setdefault(str(region[unit]), []).append(curve)
    first = next(iter(psths.values()))
    time = first["time"].values + first.attrs["bin_ms"] / 2
    with plt.rc_context(STYLE):
        size = (3.2 * len(curves) + 0.6, 3.2)
        figure, row = plt.subplots(1, len(curves), figsize=size, squeeze=False, layout="constrained", sharex=True)
        for axes, (name, values) in zip(row[0], sorted(curves.items()), strict=True):
            stacked = np.stack(values)
            draws = bootstrap_weights(len(stacked), 400, seed) @ stacked.reshape(len(stacked), -1) / len(stacked)
            mean = stacked.mean(axis=0)
            low, high = interval(mean, draws.reshape(-1, *mean.shape))
            for i, event in enumerate(first["event"].values):
                axes.plot(time, mean[i], color=f"C{i}", label=f"{event} onset")
                axes.fill_between(time, low[i], high[i], color=f"C{i}", alpha=0.2, linewidth=0)
            axes.axvline(0, color="0.8", linewidth=0.6, zorder=0)
            axes.set(title=f"{name}, {len(values)} units", xlabel="time from onset (ms)")
        row[0][0].set_ylabel("rate less baseline (Hz)")
        row[0][-1].legend(fontsize=7)
        figure.suptitle(titled(dataset, source, "response around onset"))
    return figure


def draw_gaze(
    panels: list[tuple[str, pd.DataFrame, NDArray[np.uint8] | None, NDArray[np.float64]]], dataset: str, source: str
) -> Figure:
    """Fixations on the most looked-at image of every session: numbered by colour, sized by duration.

    Args:
        panels: for each session its title, rows of `fixations.csv` on one image, the image (None where it is not at
            hand), and its (2,) width and height in degrees.
        dataset: its name.
        source: where its recordings come from.
    """
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    with plt.rc_context(STYLE):
        size = (3.4 * columns + 0.8, 3.4 * rows + 0.4)
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, (title, fixations, image, (width, height)) in zip(grid.flat, panels, strict=False):
            extent = (-width / 2, width / 2, -height / 2, height / 2)
            if image is not None:
                axes.imshow(image, extent=extent, alpha=0.8)
            shown = axes.scatter(
                fixations["x_dva"], fixations["y_dva"], s=fixations["duration_ms"] / 5, c=fixations["fixation"],
                cmap="plasma", vmin=0, vmax=8, alpha=0.8, edgecolors="w", linewidths=0.5,
            )  # fmt: skip
            axes.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal", xlabel="degrees")
        figure.colorbar(shown, ax=grid, label="fixation in the trial", shrink=0.7)
        figure.suptitle(titled(dataset, source, "gaze on the most looked-at images"))
    return figure

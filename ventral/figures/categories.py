"""Responses by object category: of one neuroid of each region, and of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ventral.study.plan import Study

EVEN = 2.5  # z at which the colours of the heat map end


@dataclass(frozen=True)
class RegionMeans:
    """Mean responses of one region by category.

    Attributes:
        region: its name.
        categories: (k,) names.
        means: (k, neuroid).
        bounds: (2, k, neuroid) of their 95 % intervals.
        best: index of the most reliable neuroid.
        best_name: its name.
    """

    region: str
    categories: NDArray[np.str_]
    means: NDArray[np.float64]
    bounds: NDArray[np.float64]
    best: int
    best_name: str


@dataclass(frozen=True)
class Categories:
    """What the figure shows.

    Attributes:
        regions: one entry each.
        dataset: its name.
        source: of the recordings.
        units: of the responses.
    """

    regions: list[RegionMeans]
    dataset: str
    source: str
    units: str


def exists(study: Study, dataset: str) -> bool:
    """Where stimuli are labelled with categories."""
    return dataset in study.with_categories


def inputs(study: Study, dataset: str) -> Files:
    """The responses."""
    return {"responses": paths.RESPONSES.format(dataset=dataset)}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """What the intervals are drawn by."""
    return {name: study.config[name] for name in ("bootstrap", "seed")}


def read(responses: str, bootstrap: int, seed: int, dataset: str) -> Categories:
    """Read the responses and average them by category."""
    from ventral.data.responses import read_responses

    return average(read_responses(responses), bootstrap, seed, dataset)


def average(responses: xr.Dataset, bootstrap: int, seed: int, dataset: str) -> Categories:
    """Mean responses by category of every region.

    Args:
        responses: as `responses/{dataset}.nc`, with `category_name`.
        bootstrap: resamples of the stimuli.
        seed: of the resamples.
        dataset: its name.
    """
    import numpy as np

    from ventral.data.selection import stimulus_groups

    region = responses["region"].values
    labels, found = responses["category_name"].values.astype(str), []
    for name in np.unique(region):
        here = responses.isel(neuroid=region == name)
        best = int(np.argmax(np.nan_to_num(here["reliability"].values, nan=-1)))
        means = category_means(here["rate"].values, labels, bootstrap, seed, stimulus_groups(responses))
        found.append(RegionMeans(str(name), *means, best, str(here["neuroid_id"].values[best])))
    return Categories(found, dataset, responses.attrs["source"], responses.attrs["units"])


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
    import numpy as np

    from ventral.scores.resampling import bootstrap_weights, interval

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


def draw(shown: Categories) -> Figure:
    """Left the most reliable neuroid of each region, right all neuroids, sorted by their preferred category."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    n = len(shown.regions)
    with plt.rc_context(STYLE):
        size = (9, 3.2 * n)
        figure, grid = plt.subplots(n, 2, figsize=size, squeeze=False, layout="constrained", width_ratios=(1, 1.4))
        for (left, right), region in zip(grid, shown.regions, strict=True):
            _draw_best(left, region, shown.units)
            _draw_all(right, region)
        figure.suptitle(titled(shown.dataset, shown.source, FIGURE.title))
    return figure


def _draw_best(axes: Axes, region: RegionMeans, units: str) -> None:
    import numpy as np

    means = region.means[:, region.best]
    errors = np.abs(region.bounds[:, :, region.best] - means)
    axes.errorbar(region.categories, means, errors, fmt="o", capsize=3)
    axes.set_title(f"{region.region}: {region.best_name}")
    axes.set_ylabel(f"response ({units})")
    axes.tick_params(axis="x", rotation=45)


def _draw_all(axes: Axes, region: RegionMeans) -> None:
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    means = region.means
    z = (means - means.mean(axis=0)) / np.maximum(means.std(axis=0), np.finfo(float).tiny)
    order = np.lexsort((-z.max(axis=0), np.argmax(z, axis=0)))
    image = axes.imshow(z[:, order], aspect="auto", cmap="RdBu_r", vmin=-EVEN, vmax=EVEN, interpolation="none")
    axes.set_yticks(range(len(means)), region.categories)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=f"{region.region}: {means.shape[1]} neuroids by preferred category", xlabel="neuroid")
    axes.figure.colorbar(image, ax=axes, label="response (z over categories)")


def describe(shown: Categories) -> str:
    """What the most reliable neuroid of each region prefers."""
    from ventral.tables.phrases import counted, labelled

    names = {name for region in shown.regions for name in region.categories}
    said = [
        f"Mean response to each of {counted(len(names), 'category', 'categories')}, "
        f"{labelled(shown.dataset, shown.source)}: the most reliable neuroid of each region, and a heat map of all."
    ]
    for region in shown.regions:
        means = region.means[:, region.best]
        most, least = means.argmax(), means.argmin()
        said.append(
            f"{region.region} {region.best_name}: strongest response to {region.categories[most]} ({means[most]:.2f}), "
            f"weakest to {region.categories[least]} ({means[least]:.2f} {shown.units})."
        )
    return " ".join(said)


FIGURE = FigureKind(
    title="responses by object category",
    category="Responses",
    caption=(
        "Responses of {dataset} by object category. Left: the most reliable neuroid of each region, mean and 95 % "
        "interval over stimuli. Right: all neuroids, z-scored over categories."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
    memory=(1000, 10),
)

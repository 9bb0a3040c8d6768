"""R² of HMO's readouts by partial least squares over neuroids: figure 2 of report 004, with its noise ceilings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ventral.figures.contract import PROTOCOL, FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ventral.study.plan import Study
    from ventral.tables.groups import Group

NAMED = 2  # at most so many neuroids without a ceiling are named; of more, the figure says how many have one


@dataclass(frozen=True)
class Median:
    """The median over neuroids, and its 95 % interval over resampled neuroids."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Region:
    """One region.

    Attributes:
        group: its encoders.
        tables: by encoder the scores of its neuroids; the first encoder is filled.
        medians: of R², by encoder.
    """

    group: Group
    tables: Mapping[str, pd.DataFrame]
    medians: Mapping[str, Median]


@dataclass(frozen=True)
class R2:
    """What the figure shows.

    Attributes:
        regions: those for which all encoders were fitted.
        dataset: its name.
        source: of the recordings.
    """

    regions: Sequence[Region]
    dataset: str
    source: str


def pls_of_hmo(study: Study, dataset: str) -> list[str]:
    """HMO's encoders by partial least squares, at most two: of the fewest components and of the most."""
    components = {
        f"{network}-{readout}": study.config["readouts"][readout]["pls"]
        for network in study.networks_of(dataset)
        if study.config["networks"][network]["architecture"] == "hmo"
        for readout in study.readouts_of(network)
        if "pls" in study.config["readouts"][readout]
    }
    ranked = sorted(components, key=lambda name: int(components[name]))
    return ranked[:1] + ranked[1:][-1:]


def exists(study: Study, dataset: str) -> bool:
    """Where HMO is read out by partial least squares."""
    is_fitted = dataset in study.with_encoders and PROTOCOL in study.config["protocols"]
    return is_fitted and bool(pls_of_hmo(study, dataset))


def inputs(study: Study, dataset: str) -> Files:
    """The scores of neuroids, and the summary, which says on which stimuli."""
    return {name: paths.table(name) for name in ("scores", "summary")}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """Which encoders and neuroids are shown, and what the intervals are drawn by."""
    keys = ("min_reliability", "bootstrap", "seed")
    return {"encoders": pls_of_hmo(study, dataset), **{key: study.config[key] for key in keys}}


def read(
    scores: str,
    summary: str,
    encoders: Sequence[str],
    min_reliability: float,
    bootstrap: int,
    seed: int,
    dataset: str,
) -> R2:
    """Read the scores of the encoders."""
    from ventral.files.csv import read_table

    rows = read_table(scores, dataset), read_table(summary, dataset)
    return collect(*rows, encoders, dataset, bootstrap, seed, min_reliability)


def collect(
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    encoders: Sequence[str],
    dataset: str,
    bootstrap: int,
    seed: int,
    min_reliability: float = -math.inf,
) -> R2:
    """R² over the neuroids of each region, with medians.

    Args:
        scores: rows of `scores.csv` of one dataset.
        summary: rows of `summary.csv` of it.
        encoders: one or two.
        dataset: its name.
        bootstrap: resamples of the neuroids.
        seed: of these.
        min_reliability: neuroids of less are left out.

    Raises:
        NothingToDraw: if no neuroid has a score.
    """
    from ventral.figures.style import NothingToDraw
    from ventral.tables.groups import groups
    from ventral.tables.neuroids import neuroid_scores

    found = []
    for group in groups(summary, PROTOCOL):
        tables = {name: neuroid_scores(scores, group, name, min_reliability) for name in encoders}
        if all(len(table) for table in tables.values()):
            medians = {name: median_interval(table["r2"].to_numpy(), bootstrap, seed) for name, table in tables.items()}
            found.append(Region(group, tables, medians))
    if not found:
        raise NothingToDraw("no neuroid has a score")
    return R2(found, dataset, summary["source"].iloc[0])


def median_interval(values: np.ndarray, n_draws: int, seed: int) -> Median:
    """Median of (n,) values, and its 95 % interval over resamples of them."""
    import numpy as np

    from ventral.scores.resampling import interval

    drawn = np.random.default_rng(seed).integers(0, len(values), (n_draws, len(values)))
    median = float(np.median(values))
    low, high = interval(median, np.median(values[drawn], axis=1))
    return Median(median, float(low), float(high))


def with_ceiling(table: pd.DataFrame) -> str:
    """Which neuroids have a ceiling; the others lack repetitions or any reliability."""
    names = [str(name) for name in table.index[~(table["ceiling_r2"] > 0)]]
    if not names:
        return "of all"
    return f"of all but {', '.join(names)}" if len(names) <= NAMED else f"of {len(table) - len(names)} neuroids"


def draw(r2: R2) -> Figure:
    """Histograms over the neuroids of each region, with medians and their intervals over resampled neuroids."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, region_panels, titled

    with plt.rc_context(STYLE):
        figure, panels, _ = region_panels(len(r2.regions), (3.2, 3.2), (0.4, 0.4))
        for axes, region in zip(panels, r2.regions, strict=True):
            _draw_region(axes, region)
        figure.suptitle(titled(r2.dataset, r2.source, FIGURE.title))
    return figure


def _draw_region(axes: Axes, region: Region) -> None:
    from ventral.figures.style import draw_distribution
    from ventral.scores.catalogue import METRICS

    first = next(iter(region.tables.values()))
    known = first["ceiling_r2"].where(first["ceiling_r2"] > 0)
    ceiling = f"noise ceiling: median {known.median():.2f}, {with_ceiling(first)}" if known.notna().any() else None
    handles = draw_distribution(axes, region.tables, "r2", "ceiling_r2" if ceiling else None)
    labels = [
        f"{name}: median {median.value:z.2f} [{median.low:z.2f}, {median.high:z.2f}]"
        for name, median in region.medians.items()
    ]
    group = region.group
    about = f"{group.region}: {len(first)} neuroids, {int(group.best['n_stimuli'])} stimuli ({group.split})"
    axes.set_xlabel(METRICS["r2"].title)
    axes.legend(
        handles,
        labels + ([ceiling] if ceiling else []),
        title=about if ceiling else f"{about}\nno noise ceiling is known",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.22),
        fontsize=7,
        title_fontsize=8,
        alignment="left",
    )


def describe(r2: R2) -> str:
    """The medians."""
    from ventral.tables.phrases import counted, labelled, rounded

    said = [
        "Histograms of R² over neuroids, HMO with a readout by partial least squares, "
        f"{labelled(r2.dataset, r2.source)}."
    ]
    for region in r2.regions:
        for name, median in region.medians.items():
            n = counted(len(region.tables[name]), "neuroid")
            said.append(f"{region.group.region}, {n}: {name}, median R² {rounded(median.value, 2)}.")
    return " ".join(said)


FIGURE = FigureKind(
    title="R² of each neuroid, HMO with partial least squares",
    category="Encoders",
    caption=(
        "R² of HMO's readouts by partial least squares on each neuroid of {dataset}, held-out stimuli: filled, with "
        "the fewest components of the study; outlined, with the most. Vertical lines: medians, given below each panel "
        "with 95 % intervals over resampled neuroids. Grey: the noise ceiling, which is the reliability of each "
        "neuroid; the legend says which neuroids have none, for lack of repetitions or of reliability. On the "
        "recordings of report 004 the published median is -.04."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
)

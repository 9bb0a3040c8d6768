"""Recorded against predicted responses, stimulus by stimulus, for the best encoder of every region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ventral.figures.contract import PROTOCOL, FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ventral.study.plan import Study
    from ventral.tables.groups import Group

MARKERS = "os^DvPX*"


@dataclass(frozen=True)
class Rates:
    """Mean over the neuroids of a region, stimulus by stimulus.

    Attributes:
        target: (n,) recorded.
        predicted: (n,).
        category: (n,), None where unknown.
        n_neuroids: of the region.
        centred: whether the neuroids saw different stimuli. The means are then of rates less each neuroid's mean on
            train: otherwise they would show differences between sessions rather than between stimuli.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    category: NDArray[np.str_] | None
    n_neuroids: int
    centred: bool

    @property
    def r(self) -> float:
        """Pearson r over the stimuli."""
        from ventral.scores.metrics.pearson_r import pearson_r

        return float(pearson_r(self.target[:, None], self.predicted[:, None])[0])


@dataclass(frozen=True)
class Targets:
    """What the figure shows.

    Attributes:
        regions: the encoders of each region, the best first, and the rates that it predicts.
        dataset: its name.
        source: of the recordings.
        units: of the responses.
    """

    regions: Sequence[tuple[Group, Rates]]
    dataset: str
    source: str
    units: str


def exists(study: Study, dataset: str) -> bool:
    """Where encoders are fitted to one part of the stimuli and judged on the rest."""
    return dataset in study.with_encoders and PROTOCOL in study.config["protocols"]


def inputs(study: Study, dataset: str) -> Files:
    """The summary, the responses, and the predictions of all encoders: only the summary will say which is best."""
    predictions = [path for name, path in study.encoders() if name == dataset and f"/{PROTOCOL}/" in path]
    responses = paths.RESPONSES.format(dataset=dataset)
    return {"summary": paths.table("summary"), "responses": responses, "predictions": predictions}


def read(summary: str, responses: str, predictions: Sequence[str], dataset: str) -> Targets:
    """Read the predictions of the best encoder of every region.

    Raises:
        NothingToDraw: if no encoder has a score.
    """
    from ventral.data.responses import read_responses
    from ventral.figures.style import NothingToDraw
    from ventral.files.csv import read_table
    from ventral.tables.groups import groups

    table, recorded = read_table(summary, dataset), read_responses(responses)
    files = {Path(path).stem: path for path in predictions}
    found = [
        (group, mean_rates(recorded, read_responses(files[group.best["encoder"]]), group.region, group.split))
        for group in groups(table, PROTOCOL)
        if group.is_scored
    ]
    if not found:
        raise NothingToDraw("no encoder has a score")
    return Targets(found, dataset, recorded.attrs["source"], recorded.attrs["units"])


def mean_rates(responses: xr.Dataset, predictions: xr.Dataset, region: str, part: str) -> Rates:
    """Recorded and predicted response to every held-out stimulus, averaged over the neuroids that saw it.

    Args:
        responses: as `responses/{dataset}.nc`.
        predictions: as `predictions/{dataset}/holdout/{encoder}.nc`; of its repeats the first.
        region: whose neuroids.
        part: val or test.
    """
    import numpy as np

    from ventral.encoders.chosen import chosen_predictions

    of_region = responses["region"].values == region
    split, chosen = predictions.isel(repeat=0), chosen_predictions(predictions)
    held_out = split["split"].values == part
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


def draw(targets: Targets) -> Figure:
    """One panel a region, one point a held-out stimulus."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, region_panels, titled

    with plt.rc_context(STYLE):
        figure, panels, columns = region_panels(len(targets.regions), (2.6, 3.0), (0.4, 0.6))
        handles: dict[str, Any] = {}
        for axes, (group, rates) in zip(panels, targets.regions, strict=True):
            _draw_rates(axes, group, rates, targets.units)
            handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 * columns, fontsize=8)
        figure.suptitle(titled(targets.dataset, targets.source, FIGURE.title), y=1.02, va="bottom")
    return figure


def _draw_rates(axes: Axes, group: Group, rates: Rates, units: str) -> None:
    from textwrap import wrap

    import numpy as np
    from matplotlib.ticker import MaxNLocator

    from ventral.figures.style import PALETTE

    category = np.full(len(rates.target), "") if rates.category is None else rates.category
    if len(np.unique(category)) > 2 * len(PALETTE):  # more would fill the figure with their names
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
    axes.set_xlabel(f"predicted response{less} ({units})")
    axes.set_ylabel(f"recorded response{less} ({units})")
    n = f"{rates.n_neuroids} neuroids, {len(rates.target)} stimuli ({group.split})"
    axes.set_title("\n".join([f"{group.region}: r = {rates.r:.2f}", n, *wrap(group.best["encoder"], 32)]), fontsize=8)


def describe(targets: Targets) -> str:
    """The best encoder of each region, with r of the means and of single neuroids."""
    from ventral.tables.groups import RANKING
    from ventral.tables.phrases import labelled, rounded

    label = labelled(targets.dataset, targets.source)
    said = [f"One point a held-out stimulus: recorded against predicted response, {label}."]
    for group, rates in targets.regions:
        single = rounded(group.best[RANKING], 2)
        said.append(
            f"{group.region}, {len(rates.target)} stimuli, {group.best['encoder']}: Pearson r of the responses "
            f"averaged over neuroids {rates.r:.2f}, mean of single neuroids {single}."
        )
    return " ".join(said)


FIGURE = FigureKind(
    title="recorded against predicted responses",
    category="Encoders",
    caption=(
        "Recorded response to each held-out stimulus of {dataset} against the response that the best encoder of the "
        "region predicts, both averaged over the neuroids that saw the stimulus; r is over stimuli; line: equal. "
        "Colours and marks: categories. Where neuroids saw different stimuli, each one's mean on the train stimuli is "
        "subtracted first: otherwise the averages would show differences between sessions."
    ),
    exists=exists,
    inputs=inputs,
    read=read,
    draw=draw,
    describe=describe,
    memory=(2000, 0.1),
)

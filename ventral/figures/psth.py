"""Firing rates around the onset of fixations and of images, by region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ventral.data.sources.xiao import Xiao
    from ventral.study.plan import Study

DRAWS = 400  # resamples of the units behind the 95 % band


@dataclass(frozen=True)
class Curve:
    """The units of one region.

    Attributes:
        region: its name.
        mean: (event, time) change of rate, Hz, mean over units.
        low, high: (event, time) bounds of its 95 % interval over units.
        n_units: how many.
        latency_ms: their median latency, NaN where unknown.
    """

    region: str
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_units: int
    latency_ms: float


@dataclass(frozen=True)
class Psth:
    """What the figure shows.

    Attributes:
        time: (time,) middle of each bin, ms from the onset.
        events: what begins at the onset.
        curves: of each region.
        dataset: its name.
        source: of the recordings.
    """

    time: NDArray[np.float64]
    events: Sequence[str]
    curves: Sequence[Curve]
    dataset: str
    source: str


def exists(study: Study, dataset: str) -> bool:
    """Where animals viewed images freely, in sessions."""
    return dataset in study.with_sessions


def inputs(study: Study, dataset: str) -> Files:
    """The rates of every session, and the table of units for their regions."""
    source = cast("Xiao", study.datasets[dataset])
    psths = [paths.PSTH.format(dataset=dataset, session=name) for name in source.stems]
    return {"psths": psths, "units": paths.table(f"{dataset}_units")}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """The names of the sessions and of their source, and the seed of the intervals."""
    source = cast("Xiao", study.datasets[dataset])
    return {"sessions": list(source.stems), "source": source.name, "seed": study.config["seed"]}


def read(psths: Sequence[str], units: str, sessions: Sequence[str], source: str, seed: int, dataset: str) -> Psth:
    """Read the rates and average them over the units of each region."""
    import pandas as pd

    from ventral.data.responses import read_responses

    recorded = dict(zip(sessions, map(read_responses, psths), strict=True))
    return average(recorded, pd.read_csv(units, dtype={"unit": str}), dataset, source, seed)


def average(psths: dict[str, xr.Dataset], units: pd.DataFrame, dataset: str, source: str, seed: int) -> Psth:
    """Rate less the mean rate before the onset, averaged over the units of each region.

    Args:
        psths: for each session `rate` (event, unit, time) in Hz, as `sessions/{dataset}/{session}/psth.nc`.
        units: rows of `{dataset}_units.csv`, which say the `region` of each `session` and `unit`.
        dataset: its name.
        source: where its recordings come from.
        seed: of the bootstrap over units.
    """
    import numpy as np

    from ventral.scores.resampling import bootstrap_weights, interval

    changes: dict[str, list[NDArray[np.float64]]] = {}
    for session, psth in psths.items():
        region = units[units["session"] == session].set_index("unit")["region"]
        before = psth["rate"].sel(time=slice(None, -1)).mean("time")
        change = (psth["rate"] - before).transpose("unit", "event", "time").values
        for unit, curve in zip(psth["unit"].values.astype(str), change, strict=True):
            changes.setdefault(str(region[unit]), []).append(curve)
    curves = []
    for name, values in sorted(changes.items()):
        stacked = np.stack(values)
        draws = bootstrap_weights(len(stacked), DRAWS, seed) @ stacked.reshape(len(stacked), -1) / len(stacked)
        mean = stacked.mean(axis=0)
        low, high = interval(mean, draws.reshape(-1, *mean.shape))
        latency = float(units["latency_psth_ms"][units["region"] == name].median())
        curves.append(Curve(name, mean, low, high, len(stacked), latency))
    first = next(iter(psths.values()))
    time = first["time"].values + first.attrs["bin_ms"] / 2
    return Psth(time, first["event"].values.astype(str).tolist(), curves, dataset, source)


def draw(psth: Psth) -> Figure:
    """One panel a region, one curve an event."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    n = len(psth.curves)
    with plt.rc_context(STYLE):
        size = (3.2 * n + 0.6, 3.2)
        figure, row = plt.subplots(1, n, figsize=size, squeeze=False, layout="constrained", sharex=True)
        for axes, curve in zip(row[0], psth.curves, strict=True):
            for i, event in enumerate(psth.events):
                axes.plot(psth.time, curve.mean[i], color=f"C{i}", label=f"{event} onset")
                axes.fill_between(psth.time, curve.low[i], curve.high[i], color=f"C{i}", alpha=0.2, linewidth=0)
            axes.axvline(0, color="0.8", linewidth=0.6, zorder=0)
            axes.set(title=f"{curve.region}, {curve.n_units} units", xlabel="time from onset (ms)")
        row[0][0].set_ylabel("change of firing rate (Hz)")
        row[0][-1].legend(fontsize=7)
        figure.suptitle(titled(psth.dataset, psth.source, FIGURE.title))
    return figure


def describe(psth: Psth) -> str:
    """The units and the latency of each region."""
    import numpy as np

    from ventral.tables.phrases import counted, labelled

    said = [
        f"Curves of firing rate from {-psth.time[0]:.0f} ms before to {psth.time[-1]:.0f} ms after the onset of "
        f"fixations and images, {labelled(psth.dataset, psth.source)}."
    ]
    for curve in psth.curves:
        onset = "" if np.isnan(curve.latency_ms) else f", median latency {curve.latency_ms:.0f} ms"
        said.append(f"{curve.region}: {counted(curve.n_units, 'unit')}{onset}.")
    return " ".join(said)


FIGURE = FigureKind(
    title="firing rate around the onset of fixations and images",
    category="Responses",
    caption=(
        "Firing rate around the onset of fixations and of images in {dataset}, less the mean rate in the 200 ms "
        "before; mean over the units of each region and its 95 % interval over units."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
    memory=(1000, 2),
)

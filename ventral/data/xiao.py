"""Xiao et al. 2024, one session of free viewing: fixations aligned to images, and the responses of units to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.responses import make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.data.xiao_files import milliseconds, read_table
from ventral.errors import InputError, nearest

FIXATION_COLUMNS = {
    "session": str, "trial_id": int, "fixation": int, "stimulus_id": str, "onset_ms": float, "offset_ms": float,
    "x_dva": float, "y_dva": float, "duration_ms": float, "trial_time_ms": float, "previous": int, "zeroth": bool,
    "selected": bool,
}  # fmt: skip
SHORTEST_MS = 100  # a shorter fixation is left out
MARGIN_MS = 500  # so is one this close to either end of the recording
UNSTABLE = 0.5  # and a unit whose rate in the second half is this far, as a share, from its rate overall
EARLIEST_MS = 40  # no latency in the table is taken to be shorter
REGION_LATENCY_MS = {"V1": 40.0, "V2": 40.0, "V4": 50.0, "PIT": 65.0, "CIT": 80.0, "AIT": 100.0}
SOURCE = "Xiao et al. 2024, DANDI 000628"

FixationKind = Literal["all", "zeroth", "nonzeroth"]


def align_fixations(
    session: str,
    fixations: pd.DataFrame,
    presentations: pd.DataFrame,
    size_dva: NDArray[np.float64],
    tracker_latency_ms: float,
    recording_ms: float,
) -> pd.DataFrame:
    """Align fixations to the images they fell on, by the rules of Xiao et al. 2024.

    A fixation belongs to the presentation of its trial if, less the tracker's latency, it ends after the image came on
    and begins no later than the image went off. One that began before the image did is the *zeroth* of its trial and
    counts from the image's onset. It is *selected* if it lasts 100 ms, keeps 500 ms from both ends of the recording
    and lies strictly inside the image.

    Args:
        session: the authors' name of the session.
        fixations: `start_time`, `stop_time` in s before correction for the tracker, `trial_id`, and `x`, `y` in
            degrees from the centre of the screen.
        presentations: `start_time`, `stop_time` in s, `trial_id` (each at most once), `x`, `y`, `stimulus_id`.
        size_dva: (2,) width and height of the images in degrees.
        tracker_latency_ms: delay of the eye tracker.
        recording_ms: length T of the recording.

    Returns:
        One row an aligned fixation in order of time, with `FIXATION_COLUMNS`: times in ms on the clock of the rasters
        (`trial_time_ms` from the image's onset), `x_dva` and `y_dva` from the centre of the image, `fixation` the rank
        in the trial, from 0 if it has a zeroth one and else from 1, and `previous` the row of the rank before, or -1.
    """
    # Seconds until the end: in ms, rounding takes other fixations of 100 ms nominal duration for shorter.
    rows = fixations.merge(presentations, on="trial_id", suffixes=("", "_image"))
    rows["onset"] = rows["start_time"] - tracker_latency_ms / 1000
    rows["offset"] = rows["stop_time"] - tracker_latency_ms / 1000
    shown = (rows["offset"] > rows["start_time_image"]) & (rows["onset"] <= rows["stop_time_image"])
    rows = rows[shown].sort_values("onset", kind="stable", ignore_index=True)

    zeroth = rows["onset"] <= rows["start_time_image"]
    onset = rows["onset"].mask(zeroth, rows["start_time_image"])
    trial = rows["trial_id"]
    rank = rows.groupby("trial_id").cumcount() + 1 - zeroth.groupby(trial).transform("max").astype(int)
    previous = rows.index.to_series().groupby(trial).shift(1, fill_value=-1)
    aligned = pd.DataFrame(
        {
            "session": session,
            "trial_id": trial,
            "fixation": rank,
            "stimulus_id": rows["stimulus_id"],
            "onset_ms": onset * 1000,
            "offset_ms": rows["offset"] * 1000,
            "x_dva": rows["x"] - rows["x_image"],
            "y_dva": rows["y"] - rows["y_image"],
            "duration_ms": (rows["offset"] - onset) * 1000,
            "trial_time_ms": (onset - rows["start_time_image"]) * 1000,
            "previous": previous,
            "zeroth": zeroth,
        }
    )
    aligned["selected"] = (
        (aligned["duration_ms"] >= SHORTEST_MS)
        & (aligned["onset_ms"] >= MARGIN_MS)
        & (aligned["offset_ms"] <= recording_ms - MARGIN_MS)
        & (aligned["x_dva"].abs() < size_dva[0] / 2)
        & (aligned["y_dva"].abs() < size_dva[1] / 2)
    )
    return aligned[list(FIXATION_COLUMNS)]


def read_fixations(path: str | Path) -> pd.DataFrame:
    """Read a `fixations.csv` back as `align_fixations` made it.

    Raises:
        InputError: if it cannot be read, lacks a column, or has a cell of the wrong type.
    """
    return read_table(path, list(FIXATION_COLUMNS), FIXATION_COLUMNS)


def count_spikes(spikes: NDArray[np.int64], start: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """(n,) spikes in the bins [start, start + width) of (n,) windows, from (spikes,) ascending spike times in ms."""
    return np.searchsorted(spikes, start + width) - np.searchsorted(spikes, start)


def is_stable(spikes: NDArray[np.int64], recording_ms: int) -> bool:
    """Whether a unit was held throughout: the selection that Xiao et al. 2024 call simple.

    Its rate in the second half of the recording must not be 0, nor differ from its rate overall by more than half.
    """
    half = recording_ms // 2
    late = (len(spikes) - int(np.searchsorted(spikes, half))) / (recording_ms - half)
    return late > 0 and abs(late / (len(spikes) / recording_ms) - 1) <= UNSTABLE


def unit_latencies(
    session: str, units: pd.DataFrame, unit_latency: str | Path, latency_ms: float | Literal["table"]
) -> NDArray[np.float64]:
    """Response latency L of every unit in ms.

    Args:
        session: the authors' name of the session.
        units: the `unit` and `region` of every unit.
        unit_latency: `per_unit_latency-fix_on.csv.gz`, the latencies that the authors estimated.
        latency_ms: one latency for all, or "table" for the authors', at least 40 ms, and for units that the table
            does not have the default of the region.

    Raises:
        InputError: if a unit is not in the table and its region has no default.
    """
    if latency_ms != "table":
        return np.full(len(units), float(latency_ms))
    table = read_table(unit_latency, ["Session", "Name", "Latency"])
    table = table[table["Session"] == session]
    values = milliseconds(table["Latency"], unit_latency, f"Latency of {session}")
    known = dict(zip(table["Name"], np.maximum(values, EARLIEST_MS), strict=True))
    for unit, region in zip(units["unit"], units["region"], strict=True):
        if unit not in known:
            if region not in REGION_LATENCY_MS:
                problem = f"no latency, and none is known for region {region}"
                raise InputError(unit_latency, f"{session}, unit {unit}", problem, nearest(region, REGION_LATENCY_MS))
            known[unit] = REGION_LATENCY_MS[region]
    return np.array([known[unit] for unit in units["unit"]])


def fixation_rates(
    onset_ms: NDArray[np.float64],
    spikes: Sequence[NDArray[np.int64]],
    latency_ms: NDArray[np.float64],
    window_ms: int,
    recording_ms: int,
) -> NDArray[np.float64]:
    """Rate of every unit after every fixation: spikes in [i, i + W), i = t + L rounded half to even (Xiao et al. 2024).

    Args:
        onset_ms: (n,) onsets t.
        spikes: U arrays of ascending spike times in ms.
        latency_ms: (U,) latencies L.
        window_ms: width W.
        recording_ms: length T of the recording.

    Returns:
        (n, U) rates in Hz.

    Raises:
        InputError: if a window reaches over an end of the recording.
    """
    rates = np.empty((len(onset_ms), len(spikes)))
    for u, (times, latency) in enumerate(zip(spikes, latency_ms, strict=True)):
        start = np.rint(onset_ms + latency).astype(np.int64)
        if (start < 0).any() or (start + window_ms > recording_ms).any():
            problem = f"windows leave the recording of {recording_ms} ms"
            raise InputError("config", "latency_ms and window_ms", problem, "shorten them")
        rates[:, u] = count_spikes(times, start, window_ms) / (window_ms / 1000)
    return rates


def used_fixations(fixations: pd.DataFrame, kind: FixationKind) -> pd.DataFrame:
    """The selected fixations: "all", the "zeroth" ones only, or the "nonzeroth" ones only."""
    used = fixations["selected"]
    return fixations[used if kind == "all" else used & (fixations["zeroth"] == (kind == "zeroth"))]


def session_responses(
    session: str,
    fixations: pd.DataFrame,
    units: pd.DataFrame,
    spikes: Sequence[NDArray[np.int64]],
    recording_ms: int,
    *,
    latency_ms: NDArray[np.float64],
    window_ms: int,
    kind: FixationKind,
    seed: int,
) -> xr.Dataset:
    """Mean response of a session's units to its images, over the selected fixations on each.

    Unstable units and units that respond alike to all images are left out. Halves and reliability are by presentation:
    fixations of one presentation share the state of the animal, and would make the session look far more reliable.

    Args:
        session: the authors' name of the session.
        fixations: what `align_fixations` returns.
        units: what `locate_units` returns, one row for each of U units.
        spikes: U arrays of ascending spike times in ms.
        recording_ms: length T of the recording.
        latency_ms: (U,) latencies L.
        window_ms: width W of the counting window.
        kind: average over "all" selected fixations, the "zeroth" only, or the "nonzeroth" only.
        seed: seed of the halves.

    Returns:
        The responses dataset, not yet split: stimuli are the images with such a fixation, by file name; rates in Hz;
        `n_presentations` counts fixations; neuroids carry `unit`, `array`, `hemisphere` and `latency_ms` too.

    Raises:
        InputError: if no fixation or no stable unit is left, or a window reaches over an end of the recording.
    """
    used = used_fixations(fixations, kind)
    stable = np.array([is_stable(times, recording_ms) for times in spikes], dtype=bool)
    if used.empty or not stable.any():
        problem = f"{len(used)} {kind} fixations and {stable.sum()} stable units"
        raise InputError(f"session {session}", "responses", problem, "leave the session out")
    units, latency_ms = units[stable], latency_ms[stable]
    held = [times for times, keep in zip(spikes, stable, strict=True) if keep]
    rates = fixation_rates(used["onset_ms"].to_numpy(), held, latency_ms, window_ms, recording_ms)
    stimulus_id, stimulus = np.unique(used["stimulus_id"].to_numpy(dtype=str), return_inverse=True)
    means = reduce_presentations(rates, stimulus, len(stimulus_id), seed, presentation=used["trial_id"].to_numpy())
    first = float(latency_ms[0])
    responses = make_responses(
        means,
        {"stimulus_id": stimulus_id},
        {
            "neuroid_id": [f"{session}_{unit}" for unit in units["unit"]],
            "subject": np.full(len(units), session[:2]),
            "session": np.full(len(units), session),
            **{name: units[name].to_numpy(dtype=str) for name in ("region", "unit", "array", "hemisphere")},
            "latency_ms": latency_ms,
        },
        source=SOURCE,
        units="Hz",
        window_ms=(first, first + window_ms) if (latency_ms == first).all() else None,
    )
    return responses.isel(neuroid=np.ptp(means["rate"], axis=0) > 0)


def join_sessions(sessions: Sequence[xr.Dataset], fractions: Mapping[str, float], seed: int) -> xr.Dataset:
    """Set the neuroids of several sessions side by side, over all stimuli that any of them showed.

    Unit j of one session is never unit j of another: every session keeps its own neuroids, NaN where it did not show
    a stimulus.

    Args:
        sessions: what `session_responses` returns, one a session.
        fractions: share of the stimuli in `val` and `test`.
        seed: seed of the split.
    """
    indexed = [session.set_index(stimulus="stimulus_id") for session in sessions]
    joined = xr.concat(indexed, dim="neuroid", join="outer", combine_attrs="drop_conflicts", data_vars="all")
    joined = joined.sortby("stimulus").reset_index("stimulus").rename(stimulus="stimulus_id")
    joined["n_presentations"] = joined["n_presentations"].fillna(0).astype(np.int64)
    split = assign_splits(joined.sizes["stimulus"], fractions, seed)
    return joined.assign_coords(split=("stimulus", split))

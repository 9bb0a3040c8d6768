"""Responses of units to fixations in the sessions of Xiao et al. 2024, and sessions joined."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.fixations import FixationKind, used_fixations
from ventral.data.responses import make_responses, reduce_presentations
from ventral.data.spikes import count_spikes
from ventral.data.splits import assign_splits
from ventral.data.xiao_files import REGION_LATENCY_MS, milliseconds, read_table
from ventral.data.xiao_labels import label_sessions
from ventral.errors import InputError, nearest

UNSTABLE = 0.5  # a unit is left out whose rate in the second half is this far, as a share, from its rate overall
EARLIEST_MS = 40  # no latency in the table is taken to be shorter
SOURCE = "Xiao et al. 2024, DANDI 000628"


def is_stable(spikes: NDArray[np.integer], recording_ms: int) -> bool:
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
    spikes: Sequence[NDArray[np.integer]],
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


def session_responses(
    session: str,
    fixations: pd.DataFrame,
    units: pd.DataFrame,
    spikes: Sequence[NDArray[np.integer]],
    recording_ms: int,
    *,
    latency_ms: NDArray[np.float64],
    window_ms: int,
    kind: FixationKind,
    seed: int,
    source: str = SOURCE,
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
        source: where the recordings come from; "simulated" where they are.

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
        source=source,
        units="Hz",
        window_ms=(first, first + window_ms) if (latency_ms == first).all() else None,
    )
    return responses.isel(neuroid=np.ptp(means["rate"], axis=0) > 0)


def join_sessions(
    sessions: Sequence[xr.Dataset],
    regions: pd.DataFrame,
    groups: Mapping[str, str],
    fractions: Mapping[str, float],
    seed: int,
) -> xr.Dataset:
    """Set the neuroids of several sessions side by side, over all stimuli that any of them showed.

    Unit j of one session is never unit j of another: every session keeps its own neuroids, NaN where it did not show
    a stimulus.

    Args:
        sessions: what `session_responses` returns, one a session.
        regions: what `list_regions` returns, for the labels of the stimuli: `category_name`.
        groups: group of each stimulus that has near duplicates (`similar_groups`); a group is split as one.
        fractions: share of the stimuli in `val` and `test`, stratified by label.
        seed: seed of the split.
    """
    # As objects: concatenation cuts text of fixed width to that of the first session.
    indexed = [
        session.assign_coords(
            {name: c.astype(object) for name, c in session.coords.items() if c.dtype.kind == "U"}
        ).set_index(stimulus="stimulus_id")
        for session in sessions
    ]
    joined = xr.concat(indexed, dim="neuroid", join="outer", combine_attrs="drop_conflicts", data_vars="all")
    joined = joined.sortby("stimulus").reset_index("stimulus").rename_vars(stimulus="stimulus_id")
    joined = joined.assign_coords({name: c.astype(str) for name, c in joined.coords.items() if c.dtype.kind == "O"})
    joined["n_presentations"] = joined["n_presentations"].fillna(0).astype(np.int64)
    stimulus_id = joined["stimulus_id"].values.astype(str)
    shown = {
        str(session["session"].values[0]): np.isin(stimulus_id, session["stimulus_id"].values) for session in sessions
    }
    labels = label_sessions(stimulus_id, shown, regions)
    own = np.array([groups.get(name, name) for name in stimulus_id])
    split = assign_splits(len(own), fractions, seed, strata=labels, groups=own)
    joined.attrs["sessions"] = "apart"  # no RDM over the neuroids of two sessions: see `region_rdms`
    return joined.assign_coords(
        split=("stimulus", split), category_name=("stimulus", labels), stimulus_group=("stimulus", own)
    )

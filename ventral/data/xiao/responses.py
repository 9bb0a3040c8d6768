"""Responses of units to fixations in the sessions of Xiao et al. 2024; responses of several sessions together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.joined import side_by_side
from ventral.data.responses import make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.data.xiao.files import milliseconds
from ventral.data.xiao.fixations import FixationKind, choose_fixations, used_fixations
from ventral.data.xiao.labels import label_sessions
from ventral.data.xiao.layout import REGION_LATENCY_MS
from ventral.data.xiao.selectivity import self_consistency
from ventral.data.xiao.spikes import count_spikes
from ventral.files.csv import read_columns
from ventral.files.errors import InputError, nearest

UNSTABLE = (
    0.5  # a unit is left out if its rate in the second half differs by more than this share from its overall rate
)
EARLIEST_MS = 40  # shorter latencies in the table are set to this


def is_stable(spikes: NDArray[np.integer], recording_ms: int) -> bool:
    """Whether a unit was recorded throughout, by the selection that Xiao et al. 2024 call simple.

    Its rate in the second half of the recording must not be 0, and must differ from its overall rate by at most half.
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
        latency_ms: one latency for all; or "table" for the authors' estimates, but at least 40 ms, and the default of
            the region for units that are not in the table.

    Raises:
        InputError: if a unit is not in the table and its region has no default.
    """
    if latency_ms != "table":
        return np.full(len(units), float(latency_ms))
    table = read_columns(unit_latency, ["Session", "Name", "Latency"])
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
    n_fixations: int | None = None,
    source: str,
) -> xr.Dataset:
    """Mean response of a session's units to its images, over the selected fixations on each; or single responses.

    Unstable units, and units with the same response to all images, are left out. Halves are split by presentation:
    fixations of one presentation share the state of the animal, so a split by fixation would overestimate reliability.

    Args:
        session: the authors' name of the session.
        fixations: what `align_fixations` returns.
        units: what `locate_units` returns, one row for each of U units.
        spikes: U arrays of ascending spike times in ms.
        recording_ms: length T of the recording.
        latency_ms: (U,) latencies L.
        window_ms: width W of the counting window.
        kind: average over "all" selected fixations, the "zeroth" only, or the "nonzeroth" only.
        seed: seed of the halves, and of the choice of fixations.
        n_fixations: number of fixations to use as stimuli, see `single_fixations`; None to use images.
        source: where the recordings come from, or "simulated".

    Returns:
        The responses dataset, without splits. Stimuli are images by file name, or fixations by `fixation_id` with the
        `image_id` of their image. Rates are in Hz. Neuroids also have `unit`, `array`, `hemisphere` and `latency_ms`.

    Raises:
        InputError: if no fixation or no stable unit is left, or if a window reaches over an end of the recording.
    """
    used = used_fixations(fixations, kind)
    stable = np.array([is_stable(times, recording_ms) for times in spikes], dtype=bool)
    if used.empty or not stable.any():
        problem = f"{len(used)} {kind} fixations and {stable.sum()} stable units"
        raise InputError(f"session {session}", "responses", problem, "leave the session out")
    units, latency_ms = units[stable], latency_ms[stable]
    held = [times for times, keep in zip(spikes, stable, strict=True) if keep]
    rates = fixation_rates(used["onset_ms"].to_numpy(), held, latency_ms, window_ms, recording_ms)
    image_id, image = np.unique(used["stimulus_id"].to_numpy(dtype=str), return_inverse=True)
    if n_fixations is None:
        stimuli = {"stimulus_id": image_id}
        means = reduce_presentations(rates, image, len(image_id), seed, presentation=used["trial_id"].to_numpy())
    else:
        stimuli, means = single_fixations(used, rates, n_fixations, seed)
    first = float(latency_ms[0])
    responses = make_responses(
        means,
        stimuli,
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


def single_fixations(
    used: pd.DataFrame, rates: NDArray[np.float64], n: int, seed: int
) -> tuple[dict[str, NDArray[np.str_]], dict[str, NDArray]]:
    """Responses to single fixations. Their reliability is self-consistency (Xiao et al. 2024).

    This is the correlation between two fixations on the same image at most 1 degree apart, over all used fixations.
    They are like two presentations of one stimulus, but for the small difference in place.

    Args:
        used: from `used_fixations`.
        rates: (fixation, U) rates after each.
        n: number of fixations to choose, see `choose_fixations`.
        seed: of the choice.

    Returns:
        `stimulus_id` and `image_id` of the chosen fixations; and what `reduce_presentations` returns without
        repetitions.
    """
    chosen = choose_fixations(used, n, seed)
    image, x, y = (used[name].to_numpy() for name in ("stimulus_id", "x_dva", "y_dva"))
    rows = np.arange(len(chosen))
    reduced = reduce_presentations(rates[used.index.get_indexer(chosen.index)], rows, len(rows), seed)
    reliability, variance = self_consistency(rates, image, x, y), rates.var(axis=0, ddof=1)
    reduced |= {"signal_variance": reliability * variance, "noise_variance": (1 - reliability) * variance}
    reduced["reliability"] = reliability
    names = {"stimulus_id": "fixation_id", "image_id": "stimulus_id"}
    return {name: chosen[column].to_numpy(dtype=str) for name, column in names.items()}, reduced


def join_sessions(
    sessions: Sequence[xr.Dataset],
    regions: pd.DataFrame,
    groups: Mapping[str, str],
    fractions: Mapping[str, float],
    seed: int,
) -> xr.Dataset:
    """Put the neuroids of several sessions side by side (`ventral.data.joined.side_by_side`), with labels and splits.

    If stimuli are fixations, each has the label of its image.

    Args:
        sessions: what `session_responses` returns, for each session.
        regions: what `list_regions` returns, for the labels of the stimuli: `category_name`.
        groups: group of each image with near duplicates (`similar_groups`). No split divides a group, or the fixations
            on its images.
        fractions: share of the stimuli in `val` and `test`, stratified by label.
        seed: seed of the split.
    """
    # The image of every stimulus, which is the stimulus itself unless stimuli are fixations.
    image_of = {
        stimulus: image
        for session in sessions
        for stimulus, image in zip(session["stimulus_id"].values, _images(session), strict=True)
    }
    joined = side_by_side([session.drop_vars("image_id", errors="ignore") for session in sessions])
    image_id = np.array([image_of[name] for name in joined["stimulus_id"].values], dtype=str)
    shown = {str(session["session"].values[0]): np.isin(image_id, _images(session)) for session in sessions}
    labels = label_sessions(image_id, shown, regions)
    own = np.array([groups.get(name, name) for name in image_id])
    split = assign_splits(len(own), fractions, seed, strata=labels, groups=own)
    joined.attrs["sessions"] = "apart"  # no RDM may mix the neuroids of two sessions, see `region_rdms`
    of_stimulus = {"split": split, "category_name": labels, "stimulus_group": own}
    if "image_id" in sessions[0]:
        of_stimulus["image_id"] = image_id
    return joined.assign_coords({name: ("stimulus", values) for name, values in of_stimulus.items()})


def _images(session: xr.Dataset) -> NDArray[np.str_]:
    """(n,) the image of every stimulus of a session."""
    return session["image_id" if "image_id" in session.coords else "stimulus_id"].values.astype(str)

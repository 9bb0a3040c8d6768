"""Mean rates of units around events (peri-stimulus time histograms)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.xiao.spikes import count_spikes

START_MS, STOP_MS = -200, 400  # the window around each event


def psth(
    spikes: Sequence[NDArray[np.integer]], onsets_ms: NDArray[np.float64], window: tuple[int, int], bin_ms: int
) -> NDArray[np.float64]:
    """Mean rate of every unit around events.

    Args:
        spikes: U arrays of ascending spike times in ms.
        onsets_ms: (n,) times of the events, rounded half to even to the bins of the rasters.
        window: first and last ms from the event, [start, stop).
        bin_ms: width of a bin, of which the window holds a whole number.

    Returns:
        (U, bins) in Hz, NaN without events.

    Raises:
        ValueError: if the window is not a whole number of bins.
    """
    start, stop = window
    n_bins, rest = divmod(stop - start, bin_ms)
    if rest or n_bins < 1:
        raise ValueError(f"window {start} to {stop} ms is not a whole number of bins of {bin_ms} ms")
    begin = np.rint(onsets_ms).astype(np.int64) + start
    counts = np.empty((len(spikes), n_bins))
    for u, times in enumerate(spikes):
        first = np.searchsorted(times, begin.astype(times.dtype))
        n = count_spikes(times, begin, stop - start)
        # The spikes of all events, one event after the other: numbers within each, plus its first.
        rank = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        since = times[np.repeat(first, n) + rank] - np.repeat(begin, n)
        counts[u] = np.bincount(since // bin_ms, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        return counts / len(begin) / (bin_ms / 1000) if len(begin) else np.full_like(counts, np.nan)


def session_psth(
    session: str,
    used: pd.DataFrame,
    names: Sequence[str],
    spikes: Sequence[NDArray[np.integer]],
    recording_ms: int,
    bin_ms: int,
) -> xr.Dataset:
    """Mean rate of every unit of a session around the onsets of fixations, and around the onsets of images.

    Events whose window is not whole within the recording are left out.

    Args:
        session: the authors' name of the session.
        used: fixations from `used_fixations`; the images are those that these fell on.
        names: U unit names.
        spikes: U arrays of ascending spike times in ms.
        recording_ms: length T of the recording.
        bin_ms: width of a bin. The window ends early where `STOP_MS` is not a whole number of bins from `START_MS`.

    Returns:
        `rate` (event, unit, time) in Hz of the events "fixation" and "stimulus", `time` being the start of each bin in
        ms; and `n_events` (event,).
    """
    images = used.drop_duplicates("trial_id")
    onsets = {"fixation": used["onset_ms"], "stimulus": images["onset_ms"] - images["trial_time_ms"]}
    onsets = {event: times[times.between(-START_MS, recording_ms - STOP_MS)] for event, times in onsets.items()}
    stop_ms = STOP_MS - (STOP_MS - START_MS) % bin_ms
    rates = [psth(spikes, times.to_numpy(), (START_MS, stop_ms), bin_ms) for times in onsets.values()]
    return xr.Dataset(
        {"rate": (("event", "unit", "time"), np.stack(rates))},
        coords={
            "event": list(onsets),
            "unit": list(names),
            "time": ("time", np.arange(START_MS, stop_ms, bin_ms), {"units": "ms", "long_name": "start of the bin"}),
            "n_events": ("event", list(map(len, onsets.values()))),
        },
        attrs={"session": session, "units": "Hz", "bin_ms": bin_ms},
    )

"""Spike times of a session: find them in rasters, keep them in one file, count them in windows."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ventral.files.atomic import enduring, reading, writing

SHORT = 100_000  # fewer cells than this are searched one by one


def spike_times(column: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(spikes,) ascending time in ms of every spike in the (T,) raster of a unit; a count of 2 gives its time twice."""
    column = np.ascontiguousarray(column)
    bins = _nonzero(column)
    return np.repeat(bins.astype(np.int32), column[bins])


def _nonzero(cells: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of the cells that are not 0. It is fast if these are few, because words of eight zeros are skipped."""
    if len(cells) < SHORT:
        return np.flatnonzero(cells != 0)
    whole = len(cells) // 8 * 8
    words = cells[:whole].view(np.uint64)
    busy = _nonzero((words != 0).view(np.uint8))
    within = np.flatnonzero(words[busy].view(np.uint8) != 0)
    return np.concatenate([(busy[within >> 3] << 3) + (within & 7), whole + np.flatnonzero(cells[whole:])])


def count_spikes(spikes: NDArray[np.integer], start: NDArray[np.integer], width: int) -> NDArray[np.int64]:
    """(n,) spikes in the bins [start, start + width) of (n,) windows, from (spikes,) ascending spike times in ms."""
    start = start.astype(spikes.dtype)  # with another type than the spikes, each search would convert all of them
    return np.searchsorted(spikes, start + width) - np.searchsorted(spikes, start)


def write_spikes(
    path: str | Path, names: Sequence[str], spikes: Sequence[NDArray[np.integer]], recording_ms: int
) -> None:
    """Write the spikes of a session; the file is complete or not there.

    Args:
        path: HDF5 file to write: `unit` (U,) names; `time_ms` (all spikes,) int32, unit after unit, compressed;
            `offset` (U + 1,), so that the spikes of unit u are time_ms[offset[u]:offset[u + 1]]; attribute
            `recording_ms`.
        names: U unit names.
        spikes: U arrays of ascending spike times in ms.
        recording_ms: length T of the recording.
    """
    offset = np.cumsum([0, *map(len, spikes)])
    with writing(path, sealed=True) as temporary, enduring(temporary) as raw, h5py.File(raw, "w") as file:
        file.attrs["recording_ms"] = recording_ms
        file.create_dataset("unit", data=list(names), dtype=h5py.string_dtype())
        file.create_dataset("offset", data=offset)
        packed = {"chunks": True, "compression": "gzip", "shuffle": True} if offset[-1] else {}
        times = file.create_dataset("time_ms", (offset[-1],), np.int32, **packed)
        for first, last, own in zip(offset[:-1], offset[1:], spikes, strict=True):
            times[first:last] = own


def read_spikes(path: str | Path) -> tuple[list[str], list[NDArray[np.int32]], int]:
    """Read what `write_spikes` wrote: U unit names, for each its spike times in ms, the length of the recording.

    Raises:
        InputError: if the file is damaged.
    """
    with reading(path), h5py.File(path) as file:
        names = [str(name) for name in file["unit"].asstr()[:]]
        spikes = np.split(file["time_ms"][:], file["offset"][1:-1])
        return names, spikes, int(file.attrs["recording_ms"])

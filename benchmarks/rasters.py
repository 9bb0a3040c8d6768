"""Compare the time from rasters of a session to spike counts in all windows with their decompression by h5py.

OMP_NUM_THREADS=1 python -m benchmarks.rasters path/to/sub-X_ses-Y.nwb
OMP_NUM_THREADS=1 python -m benchmarks.rasters simulated [n_units recording_ms rate_hz]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np

from ventral.data.xiao.files import RASTERS, UNIT_NAMES, read_spike_times
from ventral.data.xiao.spikes import count_spikes

RUNS = 9
WINDOWS_PER_SECOND = 1  # as many as session An220105 has fixations
LATENCY_MS, WINDOW_MS = 60, 200


def simulate(path: Path, n_units: int = 150, recording_ms: int = 10_000_000, rate_hz: float = 10) -> Path:
    """Write Poisson rasters in the layout of the dandiset, column by column."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        shape = (recording_ms, n_units)
        rasters = file.create_dataset(RASTERS, shape, np.uint8, chunks=(recording_ms, 1), compression="gzip")
        file[UNIT_NAMES] = [str(u + 1) for u in range(n_units)]
        for u in range(n_units):
            column = np.zeros((recording_ms, 1), np.uint8)
            np.add.at(column[:, 0], rng.integers(0, recording_ms, int(recording_ms * rate_hz / 1000)), 1)
            rasters.write_direct(column, np.s_[:], np.s_[:, u : u + 1])
    return path


def decompress(path: Path) -> None:
    with h5py.File(path) as file:
        rasters = file[RASTERS]
        for u in range(rasters.shape[1]):
            rasters[:, u]


def count(path: Path) -> int:
    _, spikes, recording_ms = read_spike_times(path)
    onset = np.sort(np.random.default_rng(0).integers(0, recording_ms - 500, recording_ms * WINDOWS_PER_SECOND // 1000))
    return sum(int(count_spikes(times, onset + LATENCY_MS, WINDOW_MS).sum()) for times in spikes)


def seconds(function: Callable[[Path], object], path: Path) -> float:
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(path: Path, runs: int = RUNS) -> None:
    before = peak_mb()
    ours = [seconds(count, path)]
    peak = peak_mb()
    theirs = [seconds(decompress, path)]
    for _ in range(runs - 1):  # in turn, so that the load of the machine is the same for both
        ours.append(seconds(count, path))
        theirs.append(seconds(decompress, path))
    with h5py.File(path) as file:
        print(f"{path.name}: {file[RASTERS].shape[1]} units x {file[RASTERS].shape[0]:,} ms, medians of {runs} runs")
    print(f"decompressed by h5py    {median(theirs):8.3f} s")
    print(f"read and counted        {median(ours):8.3f} s   ratio {median(ours) / median(theirs):.2f}")
    print(f"peak memory {peak:.0f} MB, {before:.0f} MB of it before reading")


if __name__ == "__main__":
    first, *rest = sys.argv[1:]
    if first == "simulated":
        with tempfile.TemporaryDirectory() as folder:
            main(simulate(Path(folder, "simulated.nwb"), *map(int, rest)), runs=3)
    else:
        main(Path(first))

"""Compare the processor time of one job for the readouts of a network, which share spectra, with one job for each.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.sharing

The fits are six readouts of config/published.yaml, with 2,592 train images and 168 neuroids. One layer of each kind of
`benchmarks.choices` and one split are measured. The last line is a network of 8 layers, half of each kind, and 11
splits. What every job also costs, its start and the reading of Gram matrices, is not counted.
"""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.choices import FALL_OFF, LAYERS, SPLITS, responses_to, simulate
from benchmarks.choices import READOUTS as FOUR
from ventral.encoders.fit import fit_readouts
from ventral.gram.matrix import Gram, gram_of
from ventral.readouts.catalogue import readout_of

READOUTS = {"ols": {"alpha": 0}, **FOUR, "pca1000-ridge_cv": {"alpha": "cv", "components": 1000}}
SCORES = ["prediction", "train_r2", "alpha", "n_directions"]


def fit(gram: Gram, responses: xr.Dataset, names: Iterable[str]) -> tuple[float, dict[str, xr.Dataset]]:
    """Fit some of the readouts in one job: its processor seconds, and what it found."""
    readouts = {name: readout_of(READOUTS[name]) for name in names}
    start = time.process_time()
    found = fit_readouts([("layer", gram)], responses, readouts, responses["split"].values[None])
    return time.process_time() - start, found


def compare(path: Path) -> tuple[float, float]:
    """Print the seconds of each readout alone and of all in one job, and how much their numbers differ."""
    data = np.load(path)
    gram, responses = gram_of(data["x"]), responses_to(data["y"], seed=0)
    together, found = fit(gram, responses, READOUTS)
    apart, differs = 0.0, 0.0
    for name in READOUTS:
        alone, one = fit(gram, responses, [name])
        gaps = abs(one[name][SCORES] - found[name][SCORES]).max()
        differs = max(differs, *(float(gap) for gap in gaps.values()))
        apart += alone
        print(f"  {name:20s}{alone:8.2f} s", flush=True)
    print(f"  {'a job each':20s}{apart:8.2f} s   one job {together:7.2f} s   {apart / together:.2f} x   ", end="")
    print(f"largest difference {differs:.1e}", flush=True)
    return apart, together


def main() -> None:
    total = np.zeros(2)
    with tempfile.TemporaryDirectory() as folder:
        for kind, fall_off in FALL_OFF.items():
            print(kind)
            simulate(Path(folder) / "data.npz", fall_off)
            total += compare(Path(folder) / "data.npz")
    apart, together = total * LAYERS * SPLITS / len(FALL_OFF)
    print(f"network: a job each {apart:.0f} s   one job {together:.0f} s   {apart / together:.2f} x")


if __name__ == "__main__":
    main()

"""Compare the processor time of all linear fits of a network, with choices on train, to that of an earlier commit.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.choices [commit]

The fits are four readouts of config/published.yaml that share the same spectra, with 2,592 train images and 168
neuroids. One layer and two splits are measured, in turn with both versions of the code, and scaled to 8 layers and 11
splits. The components of the first layer span the responses, as in most layers. Most directions of the second layer are
below the cut.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import xarray as xr

N_TRAIN, N, N_UNITS, N_NEUROIDS = 2592, 3200, 6000, 168
READOUTS = {
    "ridge_loo": {"alpha": "loo"},
    "pca1000-ols": {"alpha": 0, "components": 1000},
    "pca1000-ridge": {"alpha": 1, "components": 1000},
    "pca1000-ridge_loo": {"alpha": "loo", "components": 1000},
}
LAYERS, SPLITS, MEASURED = 8, 11, 2
FALL_OFF = {"spanning": 0.5, "most under the cut": 1.0}  # amplitudes of units fall with this power of their rank
BEFORE = "d180356"


def simulate(path: Path, fall_off: float) -> None:
    """Write features (n, p) with amplitudes of a power law, and rates (n, t) that are linear in them, with noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, N_UNITS)) * np.arange(1, N_UNITS + 1) ** -fall_off
    y = x[:, :400] @ rng.normal(size=(400, N_NEUROIDS))
    np.savez(path, x=x.astype(np.float32), y=y / y.std(axis=0) + rng.normal(size=y.shape))


def responses_to(rates: np.ndarray, seed: int) -> xr.Dataset:
    """Responses of one region, with a random split."""
    order = np.random.default_rng(seed).permutation(N)
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rates)},
        coords={
            "stimulus_id": ("stimulus", np.arange(N).astype(str)),
            "split": ("stimulus", np.where(order < N_TRAIN, "train", "test")),
            "neuroid_id": ("neuroid", np.arange(N_NEUROIDS).astype(str)),
            "region": ("neuroid", np.full(N_NEUROIDS, "IT")),
        },
    )


def measure(path: Path, seed: int) -> float:
    """Measure processor seconds for one layer and one split, with the version of the code that is first on the path."""
    is_before = find_spec("ventral.readouts") is None  # a commit in which `ventral` was one flat package
    gram_of = import_module("ventral.gram" if is_before else "ventral.gram.matrix").gram_of
    data = np.load(path)
    responses = responses_to(data["y"], seed)
    splits = responses["split"].values[None]
    layers = [("layer", gram_of(data["x"]))]
    if is_before:
        encoders = import_module("ventral.encoders")
        plans = [encoders.ReadoutPlan(**readout) for readout in READOUTS.values()]
        start = time.process_time()
        for plan in plans:
            encoders.fit_protocol(layers, responses, plan, splits)
    else:
        encoders = import_module("ventral.encoders.fit")
        readout_of = import_module("ventral.readouts.catalogue").readout_of
        readouts = {name: readout_of(readout) for name, readout in READOUTS.items()}
        start = time.process_time()
        encoders.fit_readouts(layers, responses, readouts, splits)
    return time.process_time() - start


def main(commit: str = BEFORE) -> None:
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = subprocess.run(["git", "archive", commit, "ventral"], cwd=root, check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as code_before:
            code_before.extractall(folder / "before", filter="data")
        for kind, fall_off in FALL_OFF.items():
            simulate(folder / "data.npz", fall_off)
            seconds = {folder / "before": 0.0, root: 0.0}
            for seed in range(MEASURED):
                for code in seconds:
                    command = [sys.executable, __file__, "measure", folder / "data.npz", str(seed)]
                    done = subprocess.run(
                        command, env={**os.environ, "PYTHONPATH": str(code)}, check=True, capture_output=True, text=True
                    )
                    seconds[code] += float(done.stdout)
            before, after = (LAYERS * SPLITS / MEASURED * found for found in seconds.values())
            print(f"{kind:20s} {commit} {before:7.0f} s   now {after:7.0f} s   {after / before:.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(measure(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        main(*sys.argv[1:])

"""Measure the time that extraction takes beyond the network itself, and its memory.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.extraction [n_images] [architecture] [device]

All runs use one process with the same number of threads. First it prints the seconds of the forward pass alone, of the
symmetric products of blocks of the same sizes alone, and of our extraction of the Gram matrices of all `auto` layers.
Then it prints the peak memory for three memory budgets, each in a process of its own, and how far their Gram matrices
are from those of the first budget.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch
from scipy.linalg import blas

from ventral.data.images import write_images
from ventral.gram.matrix import WIDTH, in_double
from ventral.networks.activations import BATCH, choose_device, extract_grams, inferring, prepare
from ventral.networks.zoo import Network, build_network

BUDGETS_MB = 2_000, 4_000, 8_000
SIDE = 256  # of the images, before they are resized


def network_of(architecture: str) -> Network:
    settings = {"architecture": architecture, "weights": "random", "layers": "auto"}
    return build_network(architecture, settings, weights_file=None, seed=0)


def synchronise(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def forward_seconds(network: Network, images: np.ndarray, device: torch.device) -> float:
    """Measure seconds of the network alone, on batches that are on the device already, after one pass to warm up.

    They are those of the forward pass that most code runs: contiguous, in float32, in large batches.
    """
    size = BATCH[device.type]
    network = replace(network, layout=torch.contiguous_format)
    model = network.model.to(device, memory_format=torch.contiguous_format)
    with inferring(device, "float32"):
        batches = [
            prepare(torch.from_numpy(images[i : i + size]).to(device), network) for i in range(0, len(images), size)
        ]
        model(batches[0])
        start = synchronise(device)
        for batch in batches:
            model(batch)
        return synchronise(device) - start


def product_seconds(n_images: int, units: list[int], device: torch.device) -> float:
    """Measure seconds of the products alone, on blocks of the same sizes and precision as in our extraction."""
    seconds = 0.0
    for n_units in units:
        kind = np.float64 if in_double(n_images, n_units) else np.float32
        block = np.random.default_rng(0).standard_normal((n_images, min(n_units, WIDTH)), dtype=kind)
        syrk = blas.dsyrk if kind is np.float64 else blas.ssyrk
        on_device = torch.from_numpy(block).to(device)
        for _ in range(-(-n_units // WIDTH)):
            start = synchronise(device)
            if device.type == "cuda":
                torch.mm(on_device, on_device.T)
            else:
                syrk(1.0, block.T, trans=1, lower=1)
            seconds += synchronise(device) - start
    return seconds


def extract(path: str, architecture: str, memory_mb: int, device: torch.device) -> dict[str, np.ndarray]:
    """Extract the Gram matrices of all layers for the images in a file."""
    network = network_of(architecture)
    with h5py.File(path) as file:
        grams = extract_grams(network, file["images"], memory_mb=memory_mb, scratch=None, device=device)
        return {layer: gram.inner for layer, gram in grams}


def alone(path: str, architecture: str, memory_mb: str, device: str, out: str) -> None:
    """Run one process of the second part: extract, write the matrices, and print the peak of resident memory."""
    np.savez(out, **extract(path, architecture, int(memory_mb), choose_device(device)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def compare_budgets(path: str, architecture: str, device: str, folder: str) -> None:
    print(f"{'budget':>10}{'peak':>10}{'share':>8}   largest difference of a Gram matrix, of its largest entry")
    first: dict[str, np.ndarray] = {}
    for budget in BUDGETS_MB:
        out = os.path.join(folder, f"{budget}.npz")
        command = [sys.executable, "-m", "benchmarks.extraction", "alone", path, architecture, str(budget), device, out]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        peak = int(run.stdout.split()[-1]) / (2**20 if sys.platform == "darwin" else 2**10)
        with np.load(out) as file:
            grams = dict(file)
        first = first or grams
        furthest = max(np.abs(grams[k] - first[k]).max() / np.abs(first[k]).max() for k in first)
        print(f"{budget:7d} MB{peak:7.0f} MB{peak / budget:8.2f}   {furthest:.1e}", flush=True)


def main(n_images: int = 320, architecture: str = "resnet50", wanted: str = "auto") -> None:
    device = choose_device(wanted)
    images = np.random.default_rng(0).integers(0, 256, (n_images, SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    images = images.repeat(8, axis=1).repeat(8, axis=2)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "images.h5")
        write_images(path, images, [str(i) for i in range(n_images)])
        network, budget = network_of(architecture), BUDGETS_MB[1]
        forward = forward_seconds(network, images, device)
        start = synchronise(device)
        with h5py.File(path) as file:
            grams = dict(extract_grams(network, file["images"], memory_mb=budget, scratch=None, device=device))
        ours = synchronise(device) - start
        products = product_seconds(n_images, [gram.n_units for gram in grams.values()], device)
        forward = (
            forward + forward_seconds(network, images, device)
        ) / 2  # before and after: the machine may be shared
        total = sum(gram.n_units for gram in grams.values())
        print(f"{n_images} images, {architecture}: {len(grams)} layers, {total} units; {device}, "
              f"{torch.get_num_threads()} threads")  # fmt: skip
        print(f"{'bare forward pass':30}{forward:8.2f} s{n_images / forward:10.1f} images/s")
        print(f"{'bare symmetric products':30}{products:8.2f} s")
        print(f"{'ours':30}{ours:8.2f} s{n_images / ours:10.1f} images/s")
        print(f"{'ours of the bare two':30}{ours / (forward + products):8.2f}")
        print(f"{'images/s, ours of bare forward':30}{forward / ours:8.2f}", flush=True)
        del grams, images, network
        compare_budgets(path, architecture, wanted, folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["alone"]:
        alone(*sys.argv[2:])
    else:
        main(*(int(value) if value.isdigit() else value for value in sys.argv[1:]))

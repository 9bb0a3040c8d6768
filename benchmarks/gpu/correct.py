"""Whether a GPU computes what the CPU computes, the same twice, and with less memory than it would like."""

import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from importlib.metadata import version
from io import StringIO
from typing import TypeVar

import numpy as np
import torch

from benchmarks.gpu.findings import Bar, Figure, Findings
from benchmarks.gpu.materials import MEMORY_MB, Size, draw_images, random_network, responses_to
from ventral.encoders.fit import fit_protocol
from ventral.faces.hmo import to_input, train_hmo
from ventral.faces.training import train_on_faces
from ventral.gram.matrix import Gram
from ventral.networks.activations import extract_grams, prepare
from ventral.networks.weights import fingerprint
from ventral.networks.zoo import Network
from ventral.readouts.ridge import Ridge
from ventral.scores.r2 import r2
from ventral.training.engine import train
from ventral.training.heads import HeadPlan
from ventral.training.loader import Inputs
from ventral.training.plan import Examples, Plan, Training
from ventral.training.trainable import Encoder, build_encoder

T = TypeVar("T")
Grams = Mapping[str, Gram]

CPU = torch.device("cpu")
PACKAGES = ("torchvision", "timm", "numpy", "scipy", "h5py", "pandas", "xarray")
SAME = Bar(at_most=1e-5)  # largest relative difference of float32 results
CAPS = {"extraction": 0.6, "training": 0.8}  # memory allowed, as a share of what a run takes without a cap


def versions(size: Size, device: torch.device) -> Findings:
    """The device, and the versions of everything that takes part."""
    found = {"Python": platform.python_version(), "torch": torch.__version__}
    found |= {name: version(name) for name in PACKAGES}
    if device.type == "cpu":
        return Findings([Figure(*pair) for pair in found.items()], "not on a GPU")
    properties = torch.cuda.get_device_properties(device)
    found |= {"CUDA": str(torch.version.cuda), "cuDNN": str(torch.backends.cudnn.version())}
    found |= {"compute capability": f"{properties.major}.{properties.minor}"}
    memory = Figure("memory", properties.total_memory / 1e9, "GB")
    told = f"{properties.name}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    return Findings([Figure("device", properties.name), memory, *(Figure(*pair) for pair in found.items())], told)


def agreement(size: Size, device: torch.device) -> Findings:
    """Gram matrices and scores of the device against the CPU's. The section's process asks for TF32 by default."""
    images = draw_images(size.compared, size.side)
    quadrants = images.reshape(len(images), 2, size.side // 2, 2, size.side // 2, 3).mean(axis=(2, 4)) / 255
    responses = responses_to(quadrants.reshape(len(images), -1), size.neuroids, 3 * len(images) // 4)
    split = np.where(responses["split"].values == "train", "train", "val")[None]  # of val, all layers are predicted
    held_out = responses["rate"].values[split[0] == "val"]
    figures = []
    for architecture in size.agreed:
        network = random_network(architecture, size.side)
        expected, found = (extracted(network, images, where) for where in (CPU, device))
        figures.append(Figure(f"{architecture}: Gram matrices, of their norm", furthest(found, expected), "", SAME))
        fits = [fit_protocol(grams.items(), responses, Ridge(alpha="loo"), split) for grams in (expected, found)]
        # (layer, neuroid) R2 of the stimuli that were left out
        on_cpu, on_device = (np.array([r2(held_out, layer) for layer in fit["prediction"].values[0]]) for fit in fits)
        region = np.abs(on_device.mean(axis=1) - on_cpu.mean(axis=1))
        figures.append(Figure(f"{architecture}: R2 of the region, by layer", float(region.max()), "", SAME))
        figures.append(Figure(f"{architecture}: R2 of one neuroid", float(np.abs(on_device - on_cpu).max())))
    return Findings(figures, "" if device.type == "cuda" else "not on a GPU: the CPU agrees with itself")


def extracted(network: Network, images: np.ndarray, device: torch.device) -> Grams:
    """The Gram matrices of all layers."""
    return dict(extract_grams(network, images, memory_mb=MEMORY_MB, scratch=None, device=device))


def furthest(found: Grams, expected: Grams) -> float:
    """The largest difference of a Gram matrix over layers, relative to its Frobenius norm."""
    return max(
        float(np.linalg.norm(found[layer].inner - gram.inner) / np.linalg.norm(gram.inner))
        for layer, gram in expected.items()
    )


def determinism(size: Size, device: torch.device) -> Findings:
    """Whether two runs with one seed give the same weights to the last bit: training, HMO, a network on faces."""
    images = draw_images(size.compared * 3, size.side)
    faces = np.arange(len(images)) % 2 == 0
    shown = to_input(images, size.side)

    def trained() -> torch.nn.Module:
        return trained_encoder(size.learner, size, images, device)[0]

    def hmo() -> torch.nn.Module:
        options = {"selection": "boosting", "chosen": 2, "epochs": 2, "train_filters": True, "seed": 0}
        return train_hmo(shown, faces, modules=size.modules, device=device, **options).model

    def on_faces() -> torch.nn.Module:
        network = random_network(size.learner, size.side)
        return train_on_faces(network, images, faces, epochs=2, seed=0, device=device)[0]

    runs: dict[str, Callable[[], torch.nn.Module]] = {
        "training on neurons": trained,
        "HMO": hmo,
        "training on faces": on_faces,
    }
    same = {name: fingerprint(run()) == fingerprint(run()) for name, run in runs.items()}
    return Findings([Figure(f"{name}: the same weights twice", value, "", Bar()) for name, value in same.items()])


def trained_encoder(
    architecture: str, size: Size, images: np.ndarray, device: torch.device
) -> tuple[Encoder, Training]:
    """Train a whole network on synthetic rates for a few epochs."""
    network = random_network(architecture, size.side)
    example = torch.zeros(1, 3, size.side, size.side)
    encoder = build_encoder(network.model, network.layers[-1], HeadPlan(), example, size.neuroids, seed=0)
    rates = np.random.default_rng(2).normal(size=(len(images), size.neuroids))
    inputs = Inputs(images, None, lambda rows: prepare(rows, network), device)
    plan = Plan(epochs=size.epochs, batch=size.batch, backbone_learning_rate=1e-4, patience=None)
    return encoder, train(encoder, Examples(inputs, rates), plan, device=device)


def capped(run: Callable[[], T], share: float, device: torch.device) -> tuple[T, T, str]:
    """What a run gives without and with a cap on GPU memory, and what it said of memory under the cap.

    Args:
        run: what is run twice.
        share: of the memory that the first run took, which the second may take.
        device: a GPU; on the CPU there is no cap.
    """
    whole = run()
    if device.type == "cuda":
        peak, total = torch.cuda.max_memory_reserved(device), torch.cuda.get_device_properties(device).total_memory
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(share * peak / total)
    with redirect_stderr(StringIO()) as said:
        again = run()
    sys.stderr.write(said.getvalue())
    lines = [line for line in said.getvalue().splitlines() if "memory" in line]
    note = lines[-1] if lines else "nothing was said of memory"
    return whole, again, note if device.type == "cuda" else "not on a GPU: no allocator to cap"


def short_extraction(size: Size, device: torch.device) -> Findings:
    """Extraction with less memory than it takes where there is enough gives the same Gram matrices."""
    network, images = random_network(size.resnet, size.side), draw_images(2 * size.compared, size.side)
    expected, found, note = capped(lambda: extracted(network, images, device), CAPS["extraction"], device)
    return Findings([Figure("Gram matrices, of their norm", furthest(found, expected), "", SAME)], note)


def short_training(size: Size, device: torch.device) -> Findings:
    """Training with less memory than it takes where there is enough goes on, and learns the same."""
    images = draw_images(size.compared * 3, size.side)
    first, second, note = capped(
        lambda: trained_encoder(size.without_norm, size, images, device)[1].history[0]["train_loss"],
        CAPS["training"],
        device,
    )
    return Findings([Figure("loss of an epoch, relative", abs(second / first - 1), "", Bar(at_most=1e-3))], note)

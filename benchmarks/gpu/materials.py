"""Synthetic images, networks with random weights, and responses: nothing is downloaded."""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ventral.networks.zoo import Network, build_network

CELLS = 4  # coloured squares along a side of an image
MEMORY_MB = 16_000  # budget of extraction, as of a job on a GPU node


@dataclass(frozen=True)
class Size:
    """How much of everything a section takes.

    Attributes:
        side: of images in pixels.
        compared: images on which a GPU is held against the CPU.
        extracted: images of which speed is measured.
        trained: images of a training.
        epochs: of a training.
        batch: images in a step of training.
        steps: of the bare loop of training.
        modules: that HMO draws.
        fitted: train stimuli of a fit; there are a quarter more in all.
        units: of the layer that is fitted.
        neuroids: of which rates are predicted.
        most_images: for how many a Gram matrix is wanted.
        agreed: networks on which a GPU is held against the CPU.
        resnet: the network that is extracted and trained.
        convnext: another that is extracted.
        learner: the network that is trained twice.
        without_norm: one without batch norm, so that a batch in halves has the gradient of the whole.
    """

    side: int
    compared: int
    extracted: int
    trained: int
    epochs: int
    batch: int
    steps: int
    modules: int
    fitted: int
    units: int
    neuroids: int
    most_images: int
    agreed: tuple[str, ...]
    resnet: str
    convnext: str
    learner: str
    without_norm: str


FULL = Size(
    side=224,
    compared=160,
    extracted=3200,
    trained=1280,
    epochs=3,
    batch=32,
    steps=30,
    modules=12,
    fitted=2592,
    units=6000,
    neuroids=168,
    most_images=22_248,
    agreed=("resnet50", "vit_b_16", "cornet_s"),
    resnet="resnet50",
    convnext="convnext_base",
    learner="resnet18",
    without_norm="timm/vit_small_patch16_224",
)
TINY = Size(
    side=32,
    compared=8,
    extracted=8,
    trained=24,
    epochs=2,
    batch=8,
    steps=2,
    modules=3,
    fitted=80,
    units=200,
    neuroids=6,
    most_images=200,
    agreed=("timm/test_resnet", "timm/test_vit", "cornet_z"),
    resnet="timm/test_resnet",
    convnext="timm/test_convnext",
    learner="timm/test_resnet",
    without_norm="timm/test_vit",
)


def draw_images(n: int, side: int, cells: int = CELLS) -> NDArray[np.uint8]:
    """(n, side, side, 3) images of coloured squares, `cells` along a side, each image brighter or darker as a whole."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (n, cells, cells, 3)) * rng.uniform(0.2, 1, (n, 1, 1, 1))
    return colours.astype(np.uint8).repeat(side // cells, axis=1).repeat(side // cells, axis=2)


def random_network(architecture: str, side: int) -> Network:
    """A network with random weights, all its `auto` layers, for images of a side."""
    settings = {"architecture": architecture, "weights": "random", "layers": "auto", "image_size": side}
    return build_network(architecture, settings, weights_file=None, seed=0)


def responses_to(features: NDArray[np.floating], n_neuroids: int, n_train: int) -> xr.Dataset:
    """Rates of neuroids that are linear in (n, k) features, with as much noise; the first n_train stimuli are train."""
    rng = np.random.default_rng(1)
    n = len(features)
    signal = features @ rng.normal(size=(features.shape[1], n_neuroids))
    signal = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), signal + rng.normal(size=signal.shape))},
        coords={
            "stimulus_id": ("stimulus", np.arange(n).astype(str)),
            "split": ("stimulus", np.where(np.arange(n) < n_train, "train", "test")),
            "neuroid_id": ("neuroid", np.arange(n_neuroids).astype(str)),
            "region": ("neuroid", np.full(n_neuroids, "IT")),
        },
    )


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""Linear encoders as weights of units, made from weights of the train images.

A readout is W = Xc' dual, with Xc the centred features of the train images and dual their weights. One pass of the
network over the train images sums it up, batch by batch, so that features are never all in memory.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ventral.files.console import progress
from ventral.networks.activations import batch_size, batches, inferring, lay_out
from ventral.networks.layers import running
from ventral.networks.recording import Records, find_records, record
from ventral.networks.zoo import Network

Floats = NDArray[np.float64]
Batches = Iterable[tuple[int, Tensor]]  # the first index and the prepared images of each
BATCH = 32  # most images in a forward pass
BLOCK = 1 << 16  # units taken at a time, where weights are needed in float64


@dataclass(frozen=True)
class Dual:
    """The readout of one layer as weights of images.

    Attributes:
        neuroids: (k,) indices of the neuroids whose layer it is.
        weights: (n, k) weight of each of the n stimuli, 0 where not trained on; each column sums to 0.
        shares: (n, k) share of each stimulus in the mean features of the neuroid's train stimuli.
        intercept: (k,) mean train response.
    """

    neuroids: NDArray[np.intp]
    weights: Floats
    shares: Floats
    intercept: Floats


@dataclass(frozen=True)
class Primal:
    """The readout of one layer as weights of its p units: rate = features @ weight + intercept.

    Attributes:
        neuroids: (k,) indices of the neuroids whose layer it is.
        weight: (p, k) float32.
        intercept: (k,) float64; it includes what the mean features contribute.
    """

    neuroids: Tensor
    weight: Tensor
    intercept: Tensor


class Subset:
    """Some of (n, H, W, 3) images, in memory or in an HDF5 file, by their indices in rising order."""

    def __init__(self, images: Any, rows: NDArray[np.intp]) -> None:
        self.images, self.rows = images, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice) -> NDArray[np.uint8]:
        return self.images[self.rows[index]]


def primal_weights(
    network: Network,
    images: Any,
    rows: NDArray[np.intp],
    duals: Mapping[str, Dual],
    *,
    device: torch.device,
    precision: str = "float32",
    channels_last: bool | None = None,
) -> dict[str, Primal]:
    """Turn weights of images into weights of units, by one pass of the network over the images.

    The network runs over all images, in the batches in which the Gram matrices were made. In other batches features
    differ by rounding, which a readout with next to no penalty multiplies by the inverse of the smallest eigenvalue.

    Args:
        network: whose `layers` are those of `duals`.
        images: (m, H, W, 3) uint8, in memory or in an HDF5 file.
        rows: (n,) image of each stimulus.
        duals: of each layer. With k neuroids, and g groups of neuroids recorded for the same stimuli, a layer of p
            units takes 8 p (k + g) bytes.
        device: where the network runs, and where the sums are kept in float64.
        precision: of the network.
        channels_last: as for `lay_out`.
    """
    columns = {layer: _columns(dual, rows, len(images)) for layer, dual in duals.items()}
    sums: dict[str, Tensor] = {}

    def add(start: int, layer: str, features: Tensor) -> None:
        part = torch.from_numpy(columns[layer][0][start : start + len(features)]).to(device)
        if layer not in sums:
            sums[layer] = torch.zeros(features.shape[1], part.shape[1], dtype=torch.float64, device=device)
        sums[layer].addmm_(features.double().T, part)

    network = lay_out(network, images[:1], device, channels_last)
    size = min(BATCH, batch_size(network, images[:1], device))
    loaded = batches(images, network, size, device)
    loaded = progress(loaded, f"{network.name}: batches of {size} images", -(-len(images) // size))
    run_layers(network, loaded, add, precision)
    found = {}
    for layer, dual in duals.items():
        total, k = sums.pop(layer).cpu(), len(dual.neuroids)
        # Rounded first, so that the intercept undoes the mean of the rounded weights, however large it is.
        weight, means = total[:, :k].float(), total[:, k:]
        blocks = [slice(start, start + BLOCK) for start in range(0, len(weight), BLOCK)]
        shift = torch.stack([means[block].T @ weight[block].double() for block in blocks]).sum(dim=0)
        shift = shift[columns[layer][1], np.arange(k)]
        found[layer] = Primal(torch.from_numpy(dual.neuroids), weight, torch.from_numpy(dual.intercept) - shift)
    return found


def _columns(dual: Dual, rows: NDArray[np.intp], n_images: int) -> tuple[Floats, NDArray[np.intp]]:
    """(images, k + g) weights of images beside the g different columns of shares; and (k,) share of each neuroid."""
    trained_on = dual.shares.any(axis=1)
    shares, whose = np.unique(dual.shares[trained_on], axis=1, return_inverse=True)
    columns = np.zeros((n_images, dual.weights.shape[1] + shares.shape[1]))
    np.add.at(columns, rows[trained_on], np.hstack([dual.weights[trained_on], shares]))
    return columns, whose


def apply_primal(
    network: Network, primals: Mapping[str, Primal], loaded: Batches, n_images: int, precision: str = "float32"
) -> Floats:
    """(n, neuroid) rates that linear encoders predict for batches of prepared images, `loaded` as in `run_layers`."""
    rates = np.full((n_images, sum(len(primal.neuroids) for primal in primals.values())), np.nan)
    weights: dict[str, Tensor] = {}

    def multiply(start: int, layer: str, features: Tensor) -> None:
        if layer not in weights:
            weights[layer] = primals[layer].weight.to(features.device, torch.float64)
        product = (features.double() @ weights[layer]).cpu() + primals[layer].intercept
        rates[start : start + len(features), primals[layer].neuroids.numpy()] = product.numpy()

    run_layers(network, loaded, multiply, precision)
    return rates


def run_layers(network: Network, loaded: Batches, receive: Callable[[int, str, Tensor], None], precision: str) -> None:
    """Run a network over batches of prepared images and hand over the features of its layers.

    Args:
        network: on the device of the images.
        loaded: the first index and the (b, 3, H, W) images of each batch.
        receive: called with that index, the name of a layer and its (b, p) features, to be used at once.
        precision: of the network.
    """
    records: Records | None = None
    for start, batch in loaded:
        with inferring(batch.device, precision), running(f"networks.{network.name}.architecture", batch):
            records = records or find_records(network.model, network.layers, batch[:1].repeat(2, 1, 1, 1))
            record(network.model, records, batch, partial(receive, start))

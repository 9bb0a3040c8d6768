"""Linear encoders as weights of features: what Gram matrices hold as weights of the train images, brought back.

A readout is W = Xc' dual, with Xc the centred features of the train images and dual their weights. One pass of the
network over the train images adds it up, batch by batch; features are never held.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ventral.encoders.keep.probes import TOLERANCE, probe_images
from ventral.encoders.keep.writing import Card, write_encoder
from ventral.files.console import progress
from ventral.files.errors import InputError
from ventral.networks.activations import batches, inferring, prepare
from ventral.networks.layers import running
from ventral.networks.recording import Records, find_records, record
from ventral.networks.zoo import Network

Floats = NDArray[np.float64]
Batches = Iterable[tuple[int, Tensor]]  # the first index and the prepared images of each
BATCH = 32  # images a forward pass, as when the Gram matrices were made on a CPU
NETWORK, READOUT = "network.safetensors", "readout.safetensors"
BLOCK = 1 << 16  # units taken at a time, where weights are needed in float64


@dataclass(frozen=True)
class Dual:
    """The readout of one layer as weights of images.

    Attributes:
        neuroids: (k,) indices of those whose layer it is.
        weights: (n, k) weight of each of the n stimuli, 0 where not trained on; columns add up to 0.
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
        neuroids: (k,) indices of those whose layer it is.
        weight: (p, k) float32.
        intercept: (k,) float64, with the mean features in it.
    """

    neuroids: Tensor
    weight: Tensor
    intercept: Tensor


def check_linear(name: str, network: Mapping[str, Any], readout: Mapping[str, Any]) -> None:
    """Refuse an encoder that is no weighting of what a network puts out for an image.

    Args:
        name: of the encoder.
        network: its entry in the config.
        readout: likewise.

    Raises:
        InputError: on labels, alone or joined to layers, and on deep readouts.
    """
    if network["architecture"] == "labels" or network.get("with_category"):
        problem = "it needs labels beside an image, so that images alone cannot be predicted"
        raise InputError("config", name, problem, "keep an encoder of images alone")
    if "mlp" in readout:
        remedy = "have the network under `trained`, with head mlp: such encoders are kept as they are trained"
        raise InputError("config", name, "the deep readout has no weights of units", remedy)


class Subset:
    """Some of (n, H, W, 3) images, in memory or in an HDF5 file, by their numbers in rising order."""

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
    channels_last: bool = False,
) -> dict[str, Primal]:
    """Turn weights of images into weights of units, by one pass of the network over the images.

    All images are run, in batches as when the Gram matrices were made: in others, features differ by rounding, and the
    weights of images in readouts with next to no penalty are as large as the inverse of the smallest eigenvalue.

    Args:
        network: whose `layers` are those of `duals`.
        images: (m, H, W, 3) uint8, in memory or in an HDF5 file.
        rows: (n,) image of each stimulus.
        duals: of each layer. For k neuroids and g groups recorded for the same stimuli, 8 p (k + g) bytes are held.
        device: where the network runs and the sums are held, in float64.
        precision: of the network.
        channels_last: whether it runs with channels as the last axis in memory.
    """
    columns = {layer: _columns(dual, rows, len(images)) for layer, dual in duals.items()}
    layout = torch.channels_last if channels_last else torch.contiguous_format
    sums: dict[str, Tensor] = {}

    def add(start: int, layer: str, features: Tensor) -> None:
        part = torch.from_numpy(columns[layer][0][start : start + len(features)]).to(device)
        if layer not in sums:
            sums[layer] = torch.zeros(features.shape[1], part.shape[1], dtype=torch.float64, device=device)
        sums[layer].addmm_(features.double().T, part)

    network.model.to(device, memory_format=layout)  # type: ignore[call-overload]
    loaded = batches(images, network, BATCH, device)
    loaded = progress(loaded, f"{network.name}: batches of {BATCH} images", -(-len(images) // BATCH))
    run_layers(network, ((i, batch.contiguous(memory_format=layout)) for i, batch in loaded), add, precision)
    found = {}
    for layer, dual in duals.items():
        total, k = sums.pop(layer).cpu(), len(dual.neuroids)
        # Rounded first: the intercept then undoes the mean of these very weights, however large it is.
        weight, means = total[:, :k].float(), total[:, k:]
        blocks = [slice(start, start + BLOCK) for start in range(0, len(weight), BLOCK)]
        shift = torch.stack([means[block].T @ weight[block].double() for block in blocks]).sum(dim=0)
        shift = shift[columns[layer][1], np.arange(k)]
        found[layer] = Primal(torch.from_numpy(dual.neuroids), weight, torch.from_numpy(dual.intercept) - shift)
    return found


def _columns(dual: Dual, rows: NDArray[np.intp], n_images: int) -> tuple[Floats, NDArray[np.intp]]:
    """(images, k + g) weights of images and the g different shares beside them; and (k,) which share is whose."""
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


def check_deviation(name: str, deviation: float, precision: str) -> None:
    """Refuse an encoder whose predictions of the study's held-out stimuli are not those of the study.

    Args:
        name: of the encoder.
        deviation: the largest difference, in standard deviations of a neuroid's rates.
        precision: of the network.

    Raises:
        InputError: if it is above what rounding explains.
    """
    if not deviation <= TOLERANCE[precision]:
        problem = f"{deviation:.1e} sd from the study's own predictions, where rounding explains {TOLERANCE[precision]}"
        remedy = "choose a readout with a larger penalty or fewer components, or run the study anew if versions changed"
        raise InputError(name, "deviation_in_sd", problem, remedy)


def keep_linear(
    folder: str | Path, network: Network, primals: Mapping[str, Primal], settings: Mapping[str, Any], card: Card
) -> None:
    """Write the folder of a linear encoder, whole or not at all.

    Args:
        folder: where; one that is there is replaced.
        network: on which it stands; one that takes images as they are gets them as the study's were fitted.
        primals: of each layer, from `primal_weights`.
        settings: the network's entry in the config; of an HMO its `card` too.
        card: what else the card says, from `describe`.
    """
    tensors = {
        f"{layer}/{part}": getattr(primal, part)
        for layer, primal in primals.items()
        for part in ("neuroids", "weight", "intercept")
    }
    device = next((value.device for value in network.model.state_dict().values() if isinstance(value, Tensor)), None)
    probes = prepare(torch.from_numpy(probe_images(card["fitting"]["side"])).to(device), network)
    precision = settings.get("precision", "float32")
    rates = apply_primal(network, primals, [(0, probes)], len(probes), precision)
    images = ("name", "image_size", "mean", "std", "interpolation", "weights", "weights_sha256")
    described = {name: getattr(network, name) for name in images} | {"settings": dict(settings)}
    card = card | {"probes": rates.tolist(), "kind": "linear", "network": described | {"layers": list(primals)}}
    write_encoder(folder, {NETWORK: network.model.state_dict(), READOUT: tensors}, card)

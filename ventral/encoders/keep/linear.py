"""Linear encoders of a study, kept in folders: checked against the study's own predictions, then written."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.keep.primal import BATCH, Dual, Primal, Subset, apply_primal, primal_weights
from ventral.encoders.keep.probes import TOLERANCE, probe_images
from ventral.encoders.keep.writing import Card, check_state, describe, write_encoder
from ventral.files.errors import InputError
from ventral.networks.activations import batches, prepare
from ventral.networks.precision import device_name
from ventral.networks.zoo import Network
from ventral.readouts.contract import Readout

NETWORK, READOUT = "network.safetensors", "readout.safetensors"


@dataclass(frozen=True)
class StudyData:
    """What a study holds of a dataset and of one encoder of it.

    Attributes:
        images: (m, side, side, 3) uint8, in memory or in an HDF5 file.
        rows: (n,) index of the image of each stimulus.
        responses: of the n stimuli, as in `responses/{dataset}.nc`.
        predictions: as in `predictions/{dataset}/{protocol}/{encoder}.nc`.
    """

    images: Any
    rows: NDArray[np.intp]
    responses: xr.Dataset
    predictions: xr.Dataset


def check_linear(name: str, network: Mapping[str, Any], readout: Readout) -> None:
    """Refuse an encoder that does not weight what a network computes from an image alone.

    Args:
        name: of the encoder.
        network: its entry in the config.
        readout: of the encoder.

    Raises:
        InputError: if the network takes labels, or the readout is not linear.
    """
    if network["architecture"] == "labels" or network.get("with_category"):
        problem = "it needs labels beside an image, so it cannot predict from images alone"
        raise InputError("config", name, problem, "keep an encoder of images alone")
    if not readout.is_linear:
        remedy = "keep a linear one; deep heads of networks under `trained` (head: mlp) are kept when they are trained"
        raise InputError("config", name, "its readout is not linear, so it has no weights of units", remedy)


def keep_from_study(
    folder: str | Path,
    network: Network,
    duals: Mapping[str, Dual],
    data: StudyData,
    *,
    settings: Mapping[str, Any],
    card: Card,
    device: torch.device,
) -> None:
    """Turn the weights of images of an encoder into weights of units, check what they predict, and keep them.

    Args:
        folder: where; one that is there is replaced.
        network: of the encoder.
        duals: the readout of each layer that was chosen, from `fit_duals`.
        data: what the encoder was fitted to, and what it predicted.
        settings: the network's entry in the config; of an HMO its `card` too.
        card: what the card says beside `describe`; its `name` is that of the encoder.
        device: where the network runs.

    Raises:
        InputError: if the network cannot be kept, or the predictions are not those of the study.
    """
    check_state(network.model.state_dict(), folder)
    network, precision = replace(network, layers=tuple(duals)), settings.get("precision", "float32")
    primals = primal_weights(
        network,
        data.images,
        data.rows,
        duals,
        device=device,
        precision=precision,
        channels_last=settings.get("channels_last"),
    )
    deviation = deviation_from_study(network, primals, data, precision, device)
    print(f"{card['name']}: predictions of held-out stimuli as in the study to {deviation:.1e} sd", file=sys.stderr)
    check_deviation(card["name"], deviation, precision)
    card = card | describe(data.responses, data.predictions, data.images.shape[1])
    card |= {"deviation_in_sd": deviation, "device": device_name(device)}
    keep_linear(folder, network, primals, settings, card)


def deviation_from_study(
    network: Network, primals: Mapping[str, Primal], data: StudyData, precision: str, device: torch.device
) -> float:
    """How far predictions by weights of units are from those of the study, for the held-out stimuli.

    Returns:
        The largest difference, in standard deviations of a neuroid's rates.
    """
    row_of = dict(zip(data.responses["stimulus_id"].values, data.rows, strict=True))
    held_out = np.array([row_of[stimulus] for stimulus in data.predictions["stimulus_id"].values])
    rows, of_stimulus = np.unique(held_out, return_inverse=True)
    loaded = batches(Subset(data.images, rows), network, BATCH, device)
    rates = apply_primal(network, primals, loaded, len(rows), precision)[of_stimulus]
    sd = np.nanstd(data.responses["rate"].values, axis=0)
    return float(np.nanmax(np.abs(rates - chosen_predictions(data.predictions)) / sd))


def check_deviation(name: str, deviation: float, precision: str) -> None:
    """Refuse an encoder whose predictions of the study's held-out stimuli are not those of the study.

    Args:
        name: of the encoder.
        deviation: from `deviation_from_study`.
        precision: of the network.

    Raises:
        InputError: if the deviation is above what rounding explains.
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
        network: of the encoder. One that takes images in any size gets them in the size that the study fitted them to.
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

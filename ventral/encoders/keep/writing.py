"""The folder of an encoder that can be used on any images: its weights in safetensors, and a card that describes it.

`card.json` holds the sha256 of every file of weights and of itself: a folder that was changed or damaged is refused.
Nothing is unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

import ventral
from ventral.data.pixels import fitting
from ventral.encoders.chosen import chosen_predictions
from ventral.files.atomic import disk_faults
from ventral.files.download import sha256_of
from ventral.files.errors import InputError
from ventral.files.fetch import filling
from ventral.scores.metrics import explained_variance, pearson_r
from ventral.scores.moments import moments_of

CARD = "card.json"
KEPT = {"explained_variance": explained_variance.METRIC, "pearson_r": pearson_r.METRIC}  # scores on the card

Card = dict[str, Any]
States = Mapping[str, Mapping[str, Tensor]]


def describe(responses: xr.Dataset, predictions: xr.Dataset, side: int) -> Card:
    """What a card says about the data, and about how well an encoder predicts them on the first split of its protocol.

    Args:
        responses: as in `responses/{dataset}.nc`.
        predictions: as in `predictions/{dataset}/{protocol}/{encoder}.nc`.
        side: of the dataset's images in pixels.

    Returns:
        `source`, `units`, `protocol`, `weights`; of each neuroid `neuroid_id`, `region`, `sd` of its rates,
        `reliability` (the ceiling of r squared), `layer`; and `scores`: `explained_variance` and `pearson_r` on val and
        on test, None where unknown.
    """
    first, matched = predictions.isel(repeat=0), responses.set_index(stimulus="stimulus_id")
    scores = {}
    for part in ("val", "test"):
        stimuli = np.flatnonzero(first["split"].values == part)
        rates = matched["rate"].sel(stimulus=first["stimulus_id"].values[stimuli]).values
        if len(stimuli):
            moments = moments_of(rates, chosen_predictions(predictions)[stimuli])
            scores[part] = {name: _plain(metric(moments)[0]) for name, metric in KEPT.items()}
    return {
        **{name: str(responses.attrs[name]) for name in ("source", "units") if name in responses.attrs},
        **{name: str(predictions.attrs[name]) for name in ("protocol", "weights") if name in predictions.attrs},
        **{name: responses[name].values.tolist() for name in ("neuroid_id", "region")},
        "sd": _plain(np.nanstd(responses["rate"].values, axis=0)),
        "reliability": _plain(responses["reliability"].values),
        "fitting": fitting(side),
        "layer": first["chosen_layer"].values.tolist(),
        "scores": scores,
    }


def _plain(values: NDArray[np.floating]) -> list[float | None]:
    """Numbers for JSON, which has no NaN: None in its place."""
    return [float(value) if np.isfinite(value) else None for value in values]


def check_state(state: Mapping[str, Any], folder: str | Path) -> None:
    """Refuse a network that cannot be kept in a folder, whatever the readout.

    Raises:
        InputError: if its state dict holds anything but tensors of numbers, as that of a quantised network does.
    """
    for key, value in state.items():
        if not isinstance(value, Tensor) or value.is_quantized:
            problem = f"{key} is no tensor of numbers, as in quantised networks, and cannot be kept"
            raise InputError(folder, "state dict", problem, "keep an encoder on the network before it is quantised")


def write_encoder(folder: str | Path, states: States, card: Card) -> None:
    """Write the files of tensors of an encoder, and its card with their hashes, whole or not at all."""
    from safetensors.torch import save_file

    for tensors in states.values():
        check_state(tensors, folder)
    with disk_faults(folder), filling(folder) as temporary:
        for name, tensors in states.items():
            # Copies, since safetensors refuses tensors that share memory, as tied weights do.
            save_file(
                {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, temporary / name
            )
        versions = {"ventral": ventral.__version__} | {name: version(name) for name in ("torch", "numpy")}
        files = {name: sha256_of(temporary / name) for name in states}
        card = json.loads(json.dumps(card | {"versions": versions, "files": files}, allow_nan=False))
        (temporary / CARD).write_text(json.dumps(card | {"sha256": digest_of(card)}, indent=1) + "\n")


def digest_of(card: Card) -> str:
    """sha256 of a card without its own entry `sha256`."""
    rest = {key: value for key, value in card.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

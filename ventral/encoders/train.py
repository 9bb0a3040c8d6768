"""One encoder trained on the neurons, from its entry in the config to its predictions and its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray

from ventral.data.responses import draw_splits
from ventral.encoders.keep.trained import keep_trained
from ventral.encoders.keep.writing import describe
from ventral.encoders.trained import Job, Trained, count_categories, fit_trained, make_recipe
from ventral.networks.precision import device_name
from ventral.training.loader import Rows


class TrainedEncoder(NamedTuple):
    """What the training of an encoder on every split of a protocol leaves.

    Attributes:
        predictions: as in `predictions/{dataset}/{protocol}/{encoder}.nc`.
        curves: learning curves, see `fit_trained`.
        first: what was trained on the first split.
        card: what the card of its folder says, but for what `keep_trained` adds.
    """

    predictions: xr.Dataset
    curves: pd.DataFrame
    first: Trained
    card: dict[str, Any]

    def keep(self, folder: str | Path) -> None:
        """Write the encoder of the first split to its folder, whole or not at all."""
        keep_trained(folder, self.first.members, self.first.recipe, self.card)


def train_encoder(
    name: str,
    entry: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
    images: Rows,
    rows: NDArray[np.intp],
    responses: xr.Dataset,
    *,
    dataset: str,
    protocol: str,
    weights_files: Sequence[str],
    seed: int,
    checkpoints: str | Path,
    device: torch.device,
    memory_mb: int,
) -> TrainedEncoder:
    """Train an encoder for every split of a protocol and predict the stimuli that are held out.

    Args:
        name: of the encoder, NETWORK-HEAD.
        entry: under `trained` in the config, with defaults filled in.
        settings: the entry under `networks` that it names; None for `cnn` and `hybrid`.
        images: (m, H, W, 3) uint8, in memory or in an HDF5 file.
        rows: (n,) row in `images` of each stimulus.
        responses: to the n stimuli, as in `responses/{dataset}.nc`.
        dataset: its name, for the card.
        protocol: holdout, brainscore or kfold.
        weights_files: state dicts that training starts from, as for `build_trained`.
        seed: of the splits; and of training, where `settings` have none of their own.
        checkpoints: folder of the state of the training, from which a killed one goes on.
        device: where the encoder is trained.
        memory_mb: what prepared images may take.

    Raises:
        InputError: as `make_recipe` and `fit_trained`.
    """
    side, own_seed = images[0:1].shape[1], (settings or {}).get("seed", seed)
    recipe, weights = make_recipe(
        entry,
        settings,
        side,
        responses.sizes["neuroid"],
        n_categories=count_categories(responses, entry),
        weights_files=weights_files,
        seed=own_seed,
    )
    job = Job(name, entry, recipe, weights, weights_files, own_seed, Path(checkpoints), device, memory_mb)
    predictions, curves, first = fit_trained(job, images, rows, responses, draw_splits(responses, protocol, seed))
    network, _, readout = name.rpartition("-")
    predictions.attrs |= {"network": network, "readout": readout, "protocol": protocol}
    card = {"dataset": dataset, "name": name, "entry": dict(first.entry), "seed": own_seed}
    card |= {"precision": entry["precision"], "device": device_name(device), **describe(responses, predictions, side)}
    return TrainedEncoder(predictions, curves, first, card)

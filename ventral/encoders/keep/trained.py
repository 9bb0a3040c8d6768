"""Encoders trained on the neurons, kept in folders: an ensemble of networks, whose mean is the prediction."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ventral.encoders.keep.probes import probe_images
from ventral.encoders.keep.writing import Card, write_encoder
from ventral.encoders.trained import preparation
from ventral.training.loop import in_units, inference
from ventral.training.trainable import Encoder


def keep_trained(folder: str | Path, members: Sequence[Encoder], recipe: Mapping[str, Any], card: Card) -> None:
    """Write the folder of a trained encoder, whole or not at all.

    Args:
        folder: where; one that is there is replaced.
        members: one or more, on the CPU, whose mean is the prediction.
        recipe: from which `ventral.encoders.trained.build_trained` makes such an encoder.
        card: what else the card says, from `describe`; `precision` where it is not float32.
    """
    probes = preparation(recipe)(probe_images(card["fitting"]["side"]))
    rates = apply_members(members, [(0, probes)], len(probes), precision=card.get("precision", "float32"))
    states = {f"member{i}.safetensors": member.state_dict() for i, member in enumerate(members)}
    write_encoder(folder, states, card | {"kind": "trained", "recipe": dict(recipe), "probes": rates.tolist()})


def apply_members(
    members: Sequence[Encoder], loaded: Iterable[tuple[int, Tensor]], n_images: int, *, precision: str
) -> NDArray[np.floating]:
    """(n, neuroid) mean prediction of the members of an ensemble, for n prepared images in batches."""
    rates = np.full((len(members), n_images, len(members[0].mean)), np.nan, dtype=np.float32)
    for start, batch in loaded:
        for i, member in enumerate(members):
            with inference(member, batch.device, precision):
                rates[i, start : start + len(batch)] = in_units(member, member(batch)[0].float().cpu())
    return rates.mean(axis=0)

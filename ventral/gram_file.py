"""`activations/{dataset}/{network}.h5`: the Gram matrix of every layer of a network, and what it was made from."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ventral.atomic import writing
from ventral.errors import InputError
from ventral.gram import Gram


def write_grams(
    path: str | Path, grams: Iterable[tuple[str, Gram]], stimulus_id: NDArray, made_from: Mapping[str, Any]
) -> None:
    """Write the Gram matrices as they come, one group a layer; the file appears when the last is in.

    Args:
        path: file to write.
        grams: layers in order, each with its Gram matrix of n images.
        stimulus_id: (n,) ids of the images.
        made_from: what the matrices depend on: network, hashes of weights and images, preprocessing.
    """
    with writing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        file.attrs.update(made_from)
        file.create_dataset("stimulus_id", data=stimulus_id.astype(object), dtype=h5py.string_dtype())
        layers = file.create_group("layers", track_order=True)
        for layer, gram in grams:
            group = layers.create_group(layer)
            group.create_dataset("inner", data=gram.inner, dtype=np.float32)
            group.create_dataset("unit_sum", data=gram.unit_sum)
            group.create_dataset("mean_product", data=gram.mean_product)
            group.attrs.update(mean_norm2=gram.mean_norm2, mean=gram.mean, n_units=gram.n_units)


def read_layers(path: str | Path) -> list[str]:
    """Names of the layers in the file, early to late."""
    with h5py.File(path) as file:
        return list(file["layers"])


def read_gram(path: str | Path, layer: str) -> Gram:
    """The Gram matrix of one layer, in float64."""
    with h5py.File(path) as file:
        group = file["layers"][layer]
        return Gram(
            group["inner"][:].astype(np.float64),
            group["unit_sum"][:],
            group["mean_product"][:],
            float(group.attrs["mean_norm2"]),
            float(group.attrs["mean"]),
            int(group.attrs["n_units"]),
        )


def check_order(path: str | Path, stimulus_id: NDArray[np.str_]) -> None:
    """Refuse Gram matrices whose images are not the stimuli at hand, in the same order.

    Raises:
        InputError: naming the file.
    """
    with h5py.File(path) as file:
        own = file["stimulus_id"].asstr()[:]
    if len(own) != len(stimulus_id) or (own != stimulus_id).any():
        raise InputError(path, "stimulus_id", "other stimuli than the responses have", "delete the file and run again")


def hash_images(images: Any) -> str:
    """sha256 of the pixels of (n, H, W, 3) uint8 images, in memory or in an HDF5 file."""
    digest = hashlib.sha256()
    for start in range(0, len(images), 256):
        digest.update(images[start : start + 256].tobytes())
    return digest.hexdigest()

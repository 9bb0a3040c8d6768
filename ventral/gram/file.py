"""`activations/{dataset}/{network}.h5`: the Gram matrix of every layer of a network, and what it was made from."""

import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import h5py
import numpy as np
from numpy.typing import NDArray

from ventral.files.atomic import enduring, reading, writing
from ventral.files.errors import InputError
from ventral.gram.matrix import WIDTH, Gram, in_double


@contextmanager
def writing_grams(path: str | Path, stimulus_id: NDArray[np.str_]) -> Iterator[h5py.File]:
    """Open a file for `write_gram` and `keep_activations`; it appears under its name if all goes well.

    The caller sets attributes that say what the matrices depend on: network, hashes of weights and images,
    preprocessing.

    Args:
        path: file to write.
        stimulus_id: (n,) ids of the images.
    """
    with (
        writing(path, sealed=True) as temporary,
        enduring(temporary) as raw,
        h5py.File(raw, "w", track_order=True) as file,
    ):
        file.create_dataset("stimulus_id", data=stimulus_id.astype(object), dtype=h5py.string_dtype())
        file.create_group("layers", track_order=True)
        yield file


def entry_of(layer: str) -> str:
    """The name of the HDF5 group of a layer; HDF5 allows no slash, no lone dot, no NUL and no broken Unicode in it.

    Each byte of such a character is written as % and two digits, as in addresses (RFC 3986, section 2.1).
    """
    return re.sub(
        r"[%/\0\ud800-\udfff]|^\.$",
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass")),
        layer,
    )


def layer_of(entry: str) -> str:
    """The name of a layer, from the name of its HDF5 group."""
    return unquote(entry, errors="surrogatepass")


def write_gram(file: h5py.File, layer: str, gram: Gram) -> None:
    """Write the Gram matrix of the next layer, early to late; in float64 where `in_double` says so, else in float32."""
    group = file["layers"].require_group(entry_of(layer))
    dtype = np.float64 if in_double(len(gram.inner), gram.n_units) else np.float32
    group.create_dataset("inner", data=gram.inner, dtype=dtype)
    group.create_dataset("unit_sum", data=gram.unit_sum)
    group.create_dataset("mean_product", data=gram.mean_product)
    group.attrs.update(mean_norm2=gram.mean_norm2, mean=gram.mean, n_units=gram.n_units)


def keep_activations(file: h5py.File, layer: str, shape: tuple[int, ...]) -> h5py.Dataset:
    """Create the dataset `activations` of a layer, (n, p) float32, beside its Gram matrix; the caller fills it.

    Args:
        file: from `writing_grams`.
        layer: its name.
        shape: of the axes of units, such as channels, height and width; written as the attribute `shape`.
    """
    size = len(file["stimulus_id"]), math.prod(shape)
    chunks = min(size[0], 64), min(size[1], WIDTH)
    dataset = (
        file["layers"]
        .create_group(entry_of(layer))
        .create_dataset(
            "activations", size, np.float32, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True
        )
    )
    dataset.attrs["shape"] = shape
    return dataset


def read_layers(path: str | Path) -> list[str]:
    """Names of the layers in the file, early to late."""
    with reading(path), h5py.File(path) as file:
        return [layer_of(entry) for entry in file["layers"]]


def read_weights(path: str | Path) -> str:
    """What tables call the weights of the network: none, random, pretrained, a publisher's name, file and so on."""
    with reading(path), h5py.File(path) as file:
        return weights_in(str(file.attrs["weights"]), str(file.attrs.get("precision", "float32")))


def weights_in(weights: str, precision: str) -> str:
    """What tables call weights by which a network computed in a precision; float32 goes without saying."""
    return weights if precision == "float32" else f"{weights}, in {precision}"


def read_gram(path: str | Path, layer: str, images: NDArray[np.intp] | None = None) -> Gram:
    """The Gram matrix of one layer, in float64, of all images or of those with the given indices, in their order."""
    with reading(path), h5py.File(path) as file:
        group = file["layers"][entry_of(layer)]
        chosen = np.arange(len(group["unit_sum"])) if images is None else images
        return Gram(
            group["inner"][:][np.ix_(chosen, chosen)].astype(np.float64),
            group["unit_sum"][:][chosen],
            group["mean_product"][:][chosen],
            float(group.attrs["mean_norm2"]),
            float(group.attrs["mean"]),
            int(group.attrs["n_units"]),
        )


def match_stimuli(path: str | Path, stimulus_id: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the image of each stimulus. Stimuli without an image are left out, and their number is printed on stderr.

    Args:
        path: of the Gram matrices.
        stimulus_id: (n,) ids of the stimuli of responses.

    Returns:
        (m,) indices of the stimuli that have an image, and (m,) indices of their images.

    Raises:
        InputError: if fewer than three have one.
    """
    with reading(path), h5py.File(path) as file:
        images = {name: i for i, name in enumerate(file["stimulus_id"].asstr()[:])}
    with_image = np.array([name in images for name in stimulus_id], dtype=bool)
    if with_image.sum() < 3:
        raise InputError(path, "stimulus_id", "its images are of other stimuli", "delete the file and run again")
    if not with_image.all():
        print(f"{(~with_image).sum()} of {len(stimulus_id)} stimuli have no image and are left out", file=sys.stderr)
    return np.flatnonzero(with_image), np.array([images[name] for name in stimulus_id[with_image]])

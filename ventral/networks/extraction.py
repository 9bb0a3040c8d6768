"""An entry under `networks` in the config -> its file of Gram matrices, one a layer."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from ventral.files.image_hash import hash_images
from ventral.gram.file import keep_activations, write_gram, writing_grams
from ventral.gram.matrix import Gram, gram_of, join_labels, one_hot
from ventral.networks.activations import Images, extract_grams
from ventral.networks.precision import device_name, real_precision
from ventral.networks.zoo import Network, build_network

Grams = Iterable[tuple[str, Gram]]


def extract_to_file(
    path: str | Path,
    name: str,
    settings: Mapping[str, Any],
    images: Images,
    stimulus_id: NDArray[np.str_],
    labels: Mapping[str, NDArray[np.str_]],
    *,
    weights_file: str | None,
    seed: int,
    memory_mb: int,
    scratch: str | Path | None,
    device: torch.device,
) -> None:
    """Run a network once over the images and write the Gram matrix of each of its layers.

    Two settings are special. With the architecture "labels" no network runs: the layers are the one-hot labels of the
    images. With `with_category`, the one-hot category is joined to the features of every layer.

    Args:
        path: file to write; its attributes say what the matrices were made from.
        name: of the network.
        settings: its entry in the config.
        images: (n, H, W, 3) uint8.
        stimulus_id: (n,) ids of the images.
        labels: (n,) labels of the images, by the name of the label.
        weights_file: as for `build_network`.
        seed: of random weights, where the entry has none of its own.
        memory_mb: as for `extract_grams`, as are `scratch` and `device`.
        scratch: folder for temporary files.
        device: where the network runs.

    Raises:
        InputError: as `build_network` and `extract_grams`.
    """
    grams_of_labels = {label: gram_of(one_hot(values)) for label, values in labels.items()}
    category, scale = settings.get("with_category"), settings.get("category_scale", "equal")
    joined = {"with_category": category, "category_scale": scale} if category else {"with_category": "no"}
    with writing_grams(path, stimulus_id) as output:
        if settings["architecture"] == "labels":
            made_from: Mapping[str, Any] = {"weights": "none"}
            grams: Grams = grams_of_labels.items()
        else:
            seed = settings.get("seed", seed)
            network = build_network(name, settings, weights_file=weights_file, seed=seed)
            made_from = _origin(network, settings, images, seed, device)
            grams = _layers(network, settings, images, output, memory_mb=memory_mb, scratch=scratch, device=device)
        output.attrs.update({**made_from, **joined, "network": name})
        for layer, gram in grams:
            write_gram(output, layer, join_labels(gram, grams_of_labels[category], scale) if category else gram)


def _layers(network: Network, settings: Mapping[str, Any], images: Images, output: h5py.File, **options: Any) -> Grams:
    """`extract_grams` with the settings of an entry."""
    return extract_grams(
        network,
        images,
        precision=settings.get("precision", "float32"),
        channels_last=settings.get("channels_last"),
        keep=settings.get("keep", ()),
        kept_in=partial(keep_activations, output),
        **options,
    )


def _origin(
    network: Network, settings: Mapping[str, Any], images: Images, seed: int, device: torch.device
) -> dict[str, Any]:
    """What the Gram matrices depend on, to rounding the device too."""
    return {
        "weights": network.weights,
        "weights_sha256": network.weights_sha256,
        "seed": seed,
        "precision": real_precision(device, settings.get("precision", "float32")),
        "device": device_name(device),
        "images_sha256": hash_images(images),
        "image_size": network.image_size or "as they are",
        "interpolation": network.interpolation,
        "mean": network.mean,
        "std": network.std,
    }


def late_grams(network: Network, n_layers: int, images: Images, **options: Any) -> Grams:
    """Names and Gram matrices of the last layers of a network; `options` are those of `extract_grams`."""
    return extract_grams(replace(network, layers=network.layers[-n_layers:]), images, **options)

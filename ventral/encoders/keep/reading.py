"""Encoders read from their folders, and applied to any images."""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ventral.data.images import Reader, open_images, read_image
from ventral.data.pixels import fit_square, fitting
from ventral.encoders.keep.linear import NETWORK, READOUT
from ventral.encoders.keep.primal import BATCH, Batches, Primal, apply_primal
from ventral.encoders.keep.probes import TOLERANCE, deviation, probe_images
from ventral.encoders.keep.writing import CARD, Card, digest_of
from ventral.files.console import progress
from ventral.files.download import sha256_of
from ventral.files.errors import InputError, listed, refusing
from ventral.networks.activations import prepare
from ventral.networks.prefetch import prefetched
from ventral.networks.weights import seeded
from ventral.networks.zoo import NATIVE, Network, find_architecture, make_model
from ventral.training.loader import AHEAD

CPU = torch.device("cpu")
LARGEST_SIDE = 4096  # pixels of what a network takes
AGAIN = "make the encoder again, or copy its folder again"


@dataclass(frozen=True)
class Kept:
    """An encoder read from its folder.

    Attributes:
        card: what describes it: neuroids, units, scores.
        side: of the squares into which its study fitted images, in pixels.
        prepare: (b, side, side, 3) uint8 images -> (b, 3, h, w) inputs of its network.
        predict: batches of inputs, and the number of images n -> (n, neuroid) rates in the card's units.
    """

    card: Card
    side: int
    prepare: Callable[[NDArray[np.uint8]], Tensor]
    predict: Callable[[Batches, int], NDArray[np.floating]]


def read_card(folder: str | Path) -> Card:
    """The card of an encoder whose files are as they were written.

    Raises:
        InputError: if there is no encoder, or if anything in the folder was changed or damaged.
    """
    folder = Path(folder)
    if not (folder / CARD).is_file():
        raise InputError(folder, CARD, "no encoder here", "give the folder of a kept encoder")
    with refusing(folder, CARD, "changed or damaged since it was written", AGAIN):
        card = json.loads((folder / CARD).read_bytes())
        files = dict(card["files"])
        if card["sha256"] != digest_of(card):
            raise ValueError("not the digest of the card")
    for name, digest in files.items():
        if not re.fullmatch(r"\w[\w.-]{0,99}", name, re.ASCII):
            raise InputError(folder, CARD, f"{name!r} is not the name of a file in its folder", AGAIN)
        if not (folder / name).is_file():
            raise InputError(folder, name, "missing", AGAIN)
        if sha256_of(folder / name) != digest:
            raise InputError(folder, name, "changed or damaged since it was written (its sha256 differs)", AGAIN)
    return card


def read_encoder(folder: str | Path, device: torch.device = CPU, own_code: bool = False) -> Kept:
    """Read an encoder from its folder, check every file, move it to a device, and test it on its probe images.

    Args:
        folder: of the encoder.
        device: where it runs.
        own_code: whether to run the function that the card names as the maker of its network, whoever wrote the card.

    Raises:
        InputError: as `read_card`; if its network cannot be made here, for example since a user's own function is
            missing or may not run; or if it predicts other rates for its probe images than when it was kept.
    """
    folder, card = Path(folder), read_card(folder)
    with refusing(folder, CARD, "does not describe an encoder that can be made here", AGAIN):
        if not own_code:
            _refuse_code(folder, card)
        kept = _read_kept(folder, card, device)
        probes = kept.prepare(probe_images(kept.side))
        rates = kept.predict([(0, probes.to(device))], len(probes))
        n_neuroids = len([str(name) for name in card["neuroid_id"]])
        if rates.shape != (len(probes), n_neuroids):
            raise ValueError("not one rate a neuroid")
        _check_probes(folder, card, rates)
    return kept


def _check_probes(folder: Path, card: Card, rates: NDArray[np.floating]) -> None:
    settings = card["network"]["settings"] if card["kind"] == "linear" else card
    differs = deviation(card, rates)
    if not differs <= TOLERANCE[settings.get("precision", "float32")]:
        problem = f"it does not predict for its probe images what it did when it was kept: off by {differs:.1e} sd"
        made_by = listed([" ".join(item) for item in card["versions"].items()])
        remedy = f"have the network's code as it was, and the versions of the card ({made_by}), or keep it anew"
        raise InputError(folder, CARD, problem, remedy)


def _refuse_code(folder: Path, card: Card) -> None:
    described = card["network"] if card["kind"] == "linear" else card["recipe"]["network"]
    architecture = described.get("settings", {}).get("architecture", "")
    if ":" in architecture:
        problem = f"its network is made by code, {architecture}, that would run with your rights"
        raise InputError(folder, CARD, problem, "say --own-code (in Python, own_code=True) if you trust it")


def _read_kept(folder: Path, card: Card, device: torch.device) -> Kept:
    side = _side(card["fitting"]["side"])
    if card["fitting"] != fitting(side):
        raise ValueError("images of its study were fitted in another way")
    if card["kind"] == "linear":
        network, primals = _rebuild(card["network"], folder), _read_primals(folder / READOUT)
        network.model.to(device)
        precision = card["network"]["settings"].get("precision", "float32")
        return Kept(
            card, side, _preparation(card["network"]), partial(apply_primal, network, primals, precision=precision)
        )
    from ventral.encoders.keep.trained import apply_members
    from ventral.encoders.trained import build_trained

    members = []
    for name in card["files"]:
        member = build_trained(card["recipe"], seed=0)
        _load(member, folder / name)
        members.append(member.to(device))
    precision = card.get("precision", "float32")
    return Kept(card, side, _preparation(card["recipe"]), partial(apply_members, members, precision=precision))


def _rebuild(described: Mapping[str, Any], folder: Path) -> Network:
    """The network of a linear encoder, with the weights in its folder."""
    settings = described["settings"]
    with seeded(0):
        if "card" in settings:  # of an HMO, which a name alone does not describe
            from ventral.networks.hmo import build_hmo

            model: nn.Module = build_hmo(settings["card"])
        else:
            field, size = f"networks.{described['name']}", described["image_size"]
            model = make_model(find_architecture(settings, field), size or NATIVE, f"{field}.architecture", 0)
    _load(model, folder / NETWORK)
    return Network(described["name"], model, tuple(described["layers"]), *_images(described))


def _load(model: nn.Module, path: Path) -> None:
    from safetensors.torch import load_file

    try:
        model.load_state_dict(load_file(path))
    except RuntimeError:
        remedy = f"use the versions that {CARD} names, and the function that made the network"
        raise InputError(path, "weights", "do not fit the network as it is made here", remedy) from None


def _images(described: Mapping[str, Any]) -> tuple[int | None, Any, Any, str]:
    """How a network takes its images, as the last fields of `Network` say."""
    mean, std = (tuple(map(float, described[name])) for name in ("mean", "std"))
    if len(mean) != 3 or len(std) != 3 or not np.isfinite((*mean, *std)).all() or min(std) <= 0:
        raise ValueError("not the mean and standard deviation of three colours")
    size, interpolation = described["image_size"], described["interpolation"]
    if interpolation not in ("bilinear", "bicubic"):
        raise ValueError("no such interpolation")
    return None if size is None else _side(size), mean, std, interpolation


def _side(pixels: Any) -> int:
    """The side of an image, checked."""
    if type(pixels) is not int or not 0 < pixels <= LARGEST_SIDE:
        raise ValueError("not the side of an image")
    return pixels


def _preparation(described: Mapping[str, Any]) -> Callable[[NDArray[np.uint8]], Tensor]:
    network = Network("", nn.Identity(), (), *_images(described))
    return lambda images: prepare(torch.from_numpy(images), network)


def _read_primals(path: Path) -> dict[str, Primal]:
    from safetensors.torch import load_file

    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_file(path).items():
        layer, _, part = key.rpartition("/")
        found.setdefault(layer, {})[part] = tensor
    return {layer: Primal(**parts) for layer, parts in found.items()}


def predict_images(
    folder: str | Path,
    images: str | Path | Sequence[str | Path],
    device: torch.device = CPU,
    own_code: bool = False,
) -> tuple[list[str], NDArray[np.floating], list[str]]:
    """Predict the rates of an encoder's neuroids for images of any size, fitted into squares as its study does.

    Args:
        folder: of the encoder.
        images: a folder or a zip archive of images, or one or more image files.
        device: where the encoder runs.
        own_code: as for `read_encoder`.

    Returns:
        Names of the images, in natural order or in the order given; (n, neuroid) rates in the card's `units`; neuroid
        ids.

    Raises:
        InputError: as `read_encoder`, and on an image that is missing or unreadable.
    """
    names, source, read = _find_images(images)
    kept = read_encoder(folder, device, own_code)

    def load(part: tuple[int, ...]) -> tuple[int, Tensor]:
        fitted = np.stack([fit_square(read_image(source, names[i], read), kept.side) for i in part])
        return part[0], kept.prepare(fitted).to(device)

    parts = [tuple(range(start, min(start + BATCH, len(names)))) for start in range(0, len(names), BATCH)]
    loaded: Iterable[tuple[int, Tensor]] = progress(
        prefetched(map(load, parts), AHEAD), f"batches of {BATCH} images", len(parts)
    )
    return names, kept.predict(loaded, len(names)), kept.card["neuroid_id"]


def _find_images(images: str | Path | Sequence[str | Path]) -> tuple[list[str], str | Path, Reader]:
    """Names of images, their source as errors name it, and the function that reads one."""
    given = [Path(images)] if isinstance(images, str | Path) else [Path(image) for image in images]
    for path in given:
        if not path.exists() or (path.is_dir() and len(given) > 1):
            raise InputError(path, "images", "no such file", "give a folder, a zip archive, or image files")
    if len(given) == 1 and (given[0].is_dir() or given[0].suffix == ".zip" or zipfile.is_zipfile(given[0])):
        names, read = open_images(given[0])
        return names, given[0], read
    return [str(path) for path in given], "images", lambda name: Path(name).read_bytes()

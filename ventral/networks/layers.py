"""Which layers of a network are recorded: named by the user, matched by a pattern, or chosen for any network.

A layer is the output of a module, and is called by the name of the module. A module that runs several times for an
image has one layer for each run: `V4.output-t0`, `V4.output-t1`, ... A module that returns several tensors has one
layer for each: `attention:0`, `attention:1`, ... The layer `output` is what the whole network returns.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ventral.files.errors import InputError, listed

MOST = 15  # layers that `auto` stands for
SHOWN = 20  # layers that a message lists
OUTPUT = "output"  # name of the layer that is the network's own output
_NAME = re.compile(r"(.+?)(?:-t(\d+))?(?::(\d+))?", re.DOTALL)

# Names of blocks in torchvision, timm and packages that follow them. `auto` takes the first row whose patterns all
# match.
_NAMINGS: tuple[tuple[str, ...], ...] = (
    ("conv1", "layer[0-9]", "avgpool"),  # ResNet, ResNeXt
    ("features.conv0", "features.denseblock*", "features"),  # DenseNet
    ("encoder.layers.*", "encoder.ln"),  # ViT of torchvision
    ("stem", "trunk_output.*", "avgpool"),  # RegNet
    ("conv1", "stage[0-9]", "conv5"),  # ShuffleNet
    ("stem", "stages.*"),  # ConvNeXt and others of timm
    ("stem", "blocks.*"),  # MaxViT of torchvision
    ("layer[0-9]",),
    ("stages.*",),
    ("blocks.*",),
    ("layers.*",),
)


class LayerName(NamedTuple):
    """The parts of a layer's name `MODULE`, `MODULE-tRUN`, `MODULE:ITEM` or `MODULE-tRUN:ITEM`.

    Attributes:
        module: name of the module.
        run: which of its runs for an image, from 0; None if the name does not say.
        item: which of the tensors that it returns, from 0; None if the name does not say.
    """

    module: str
    run: int | None = None
    item: int | None = None

    def __str__(self) -> str:
        run = "" if self.run is None else f"-t{self.run}"
        return self.module + run + ("" if self.item is None else f":{self.item}")


def parse_name(layer: str) -> LayerName:
    """Split the name of a layer into its parts.

    A module's own name may have such an ending too, as `block-t1`. So look for a module of the whole name first.
    """
    found = _NAME.fullmatch(layer)
    if found is None:  # the empty name
        return LayerName(layer)
    module, run, item = found.groups()
    return LayerName(module, None if run is None else int(run), None if item is None else int(item))


def expand_layers(wanted: Sequence[str], model: nn.Module, field: str) -> tuple[str, ...]:
    """Names of layers from names and shell patterns, in which `*` stops at a dot: `layer*` is `layer1` ... `layer4`.

    Args:
        wanted: full names or patterns; the layers of a pattern come in the order of the modules.
        model: the network.
        field: what an error names.

    Raises:
        InputError: if there is no such layer, listing those that there are.
    """
    names = module_names(model)
    aliases = {OUTPUT, *modules_of(model, remove_duplicate=False)} - {""}
    found: dict[str, None] = {}
    for layer in wanted:
        matches = [layer] if {layer, parse_name(layer).module} & aliases else match(layer, names)
        if not matches:
            known = [*names, OUTPUT]
            more = "" if len(known) <= SHOWN else "; `python -m ventral layers` shows all"
            raise InputError("config", field, f"no layer {layer!r}", f"its layers are {listed(known, SHOWN)}{more}")
        found |= dict.fromkeys(matches)
    return tuple(found)


def match(pattern: str, names: Sequence[str]) -> list[str]:
    """Those names that match a shell pattern part by part; dots separate the parts."""
    parts = pattern.split(".")
    return [
        name
        for name in names
        if name.count(".") == len(parts) - 1
        and all(fnmatch.fnmatchcase(own, part) for own, part in zip(name.split("."), parts, strict=True))
    ]


def auto_layers(model: nn.Module, image_size: int, field: str) -> tuple[str, ...]:
    """The outputs of a network's blocks, at most 15, early to late: what `auto` stands for.

    They are the modules that timm lists as features; or else blocks with known names; or else the longest sequence of
    blocks of one class; or else the network's own parts. Modules are left out if they do not run for an image, or if
    their output has not one row for each image.

    Args:
        model: the network, in evaluation mode.
        image_size: side in pixels of the image that is run through it.
        field: what an error names.

    Raises:
        InputError: if the network does not run on an image.
    """
    ran: set[str] = set()
    images = torch.zeros(2, 3, image_size, image_size)  # two, so that their axis can be recognised
    with ExitStack() as stack, torch.inference_mode():
        for name, module in modules_of(model).items():
            handle = module.register_forward_hook(
                lambda _module, _inputs, output, name=name: ran.add(name) if rows_of(output, len(images)) else None
            )
            stack.callback(handle.remove)
        with running(field, images):
            model(images)
    layers = _blocks(model, [name for name in module_names(model) if name in ran]) or [OUTPUT]
    if len(layers) > MOST:
        layers = [layers[i] for i in np.linspace(0, len(layers) - 1, MOST).round().astype(int)]
    return tuple(layers)


@contextmanager
def running(field: str, images: Tensor) -> Iterator[None]:
    """Run a network on (b, 3, H, W) images, and report any failure of its code.

    Args:
        field: what an error names.
        images: for their shape.

    Raises:
        InputError: in place of the network's own exceptions. Those about memory, disk or files stay as they are.
    """
    try:
        yield
    except (InputError, OSError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # of code that is not ours
        said = f"does not run on images of shape {tuple(images.shape)}: {type(error).__name__}: {error}"
        remedy = "correct the network, which gets (b, 3, H, W) float32 images, or set image_size"
        raise InputError("config", field, said, remedy) from error


def tensors_of(output: object) -> dict[str, Tensor]:
    """The tensors that a module returned, by the ending of their names: "" for one, ":0", ":1" ... for several."""
    if isinstance(output, Tensor):
        return {"": output}
    if isinstance(output, dict):
        output = tuple(output.values())
    if not isinstance(output, tuple | list):
        return {}
    return {f":{i}": item for i, item in enumerate(output) if isinstance(item, Tensor)}


def real_tensors(output: object) -> dict[str, Tensor]:
    """Those of `tensors_of` that hold real numbers."""
    return {end: tensor for end, tensor in tensors_of(output).items() if tensor.is_floating_point()}


def rows_of(output: object, n_images: int) -> dict[str, Tensor]:
    """Those of `real_tensors` with one row for each image."""
    return {end: tensor for end, tensor in real_tensors(output).items() if tensor.shape[:1] == (n_images,)}


def module_names(model: nn.Module) -> list[str]:
    """Names of all modules of a network that can be recorded, in its own order, each once."""
    return [name for name in modules_of(model) if name]


def modules_of(model: nn.Module, remove_duplicate: bool = True) -> dict[str, nn.Module]:
    """The modules of a network by name, itself as "". Scripted modules are left out: they cannot be recorded."""
    named = model.named_modules(remove_duplicate=remove_duplicate)
    return {name: module for name, module in named if not isinstance(module, torch.jit.ScriptModule)}


def _blocks(model: nn.Module, names: list[str]) -> list[str]:
    """The blocks, among the names of the modules that run."""
    listing = getattr(model, "feature_info", None)
    features = [str(entry.get("module")) for entry in listing] if isinstance(listing, list) else []  # timm's
    if len(features) > 1 and set(features) <= set(names):
        pooled: list[str] = [name for name in ("global_pool", "head.global_pool", "norm") if name in names]
        return list(dict.fromkeys(features + pooled[:1]))
    for choose in (_named_blocks, _plain_features, _repeated_blocks, _parts):
        found = [end for name in choose(model) for end in _end(name, names)]
        if found:
            return found
    return []


def _end(name: str, names: list[str]) -> list[str]:
    """The module itself; or, if it only holds others (an nn.ModuleList), the last of these that runs."""
    return [name] if name in names else match(f"{name}.*", names)[-1:]


def _named_blocks(model: nn.Module) -> list[str]:
    """Blocks with known names, in the network or in the part that holds nearly all parameters."""
    prefix, size = "", _size(model)
    while True:
        for naming in _NAMINGS:
            found = [match(pattern, module_names(model)) for pattern in naming]
            if all(found) and sum(map(len, found)) > 1:
                return [prefix + name for group in found for name in group]
        largest = max(model.named_children(), key=lambda child: _size(child[1]), default=None)
        if largest is None or _size(largest[1]) < 0.8 * size:
            return []
        prefix, model = f"{prefix}{largest[0]}.", largest[1]


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _plain_features(model: nn.Module) -> list[str]:
    """For networks with `features` and a classifier: pooled and rectified maps or blocks, and rectified units."""
    features = getattr(model, "features", None)
    if not isinstance(features, nn.Sequential):
        return []
    kinds = [(f"features.{name}", module) for name, module in features.named_children()]
    if any(isinstance(module, nn.MaxPool2d) for _, module in kinds) and not any(
        list(module.children()) for _, module in kinds
    ):  # AlexNet and VGG
        chosen = [name for name, module in kinds if isinstance(module, nn.MaxPool2d)]
        if len(kinds) <= MOST:  # few enough to add the convolutions without pooling
            after = [module for _, module in kinds[1:]] + [None]
            chosen = [
                name
                for (name, module), following in zip(kinds, after, strict=True)
                if isinstance(module, nn.MaxPool2d)
                or (isinstance(module, nn.ReLU) and not isinstance(following, nn.MaxPool2d))
            ]
    else:
        chosen = [name for name, _ in kinds] + (["avgpool"] if hasattr(model, "avgpool") else [])
    classifier = getattr(model, "classifier", None)
    if isinstance(classifier, nn.Sequential):
        chosen += [f"classifier.{name}" for name, part in classifier.named_children() if isinstance(part, nn.ReLU)]
    return chosen


def _repeated_blocks(model: nn.Module) -> list[str]:
    """The children of the longest container of at least three blocks of one class. A block has children of its own."""
    best: list[str] = []
    for name, module in model.named_modules():
        blocks = list(module.children()) if isinstance(module, nn.Sequential | nn.ModuleList) else []
        alike = len({type(block) for block in blocks}) == 1 and all(list(block.children()) for block in blocks)
        if alike and len(blocks) >= 3 and len(blocks) > len(best):
            best = [".".join(filter(None, (name, child))) for child, _ in module.named_children()]
    return best


def _parts(model: nn.Module) -> list[str]:
    """The network's children; if it only wraps another network, the children of that one."""
    prefix = ""
    while len(children := list(model.named_children())) == 1 and list(children[0][1].children()):
        prefix += children[0][0] + "."
        model = children[0][1]
    return [prefix + name for name, part in children if not isinstance(part, nn.Dropout)]

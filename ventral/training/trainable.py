"""An encoder that can be trained by gradient: a backbone, one of its layers, and a head on the layer."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from ventral.files.errors import InputError, listed
from ventral.networks.layers import OUTPUT, LayerName, module_names, parse_name
from ventral.networks.recording import module_of
from ventral.training.heads import Head, HeadPlan, build_head


class _Reached(Exception):
    """The layer has run, so the rest of the network need not."""


class Encoder(nn.Module):
    """Images -> features of one layer -> rates of t neuroids.

    The network runs up to the layer and no further. The head predicts z-scored rates, which `mean` and `std` of each
    neuroid turn into rates; training sets these from the responses.

    Args:
        backbone: any network; `freeze` says which parts of it are trained.
        layer: full name of a layer, see `ventral.networks.layers`.
        head: from `build_head`.
        n_neuroids: number of rates t.

    Raises:
        InputError: if there is no such layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, layer: str, head: Head, n_neuroids: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.layer = layer
        self._trained: frozenset[str] = frozenset()
        _find(backbone, layer)
        self.register_buffer("mean", torch.zeros(n_neuroids))
        self.register_buffer("std", torch.ones(n_neuroids))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """(b, 3, H, W) prepared images -> (b, t) z-scored rates, and category logits or None."""
        return self.head(features_at(self.backbone, self.layer, images))

    def freeze(self, trainable: Sequence[str]) -> None:
        """Freeze the backbone but for the modules that match a pattern, and all modules within these.

        Args:
            trainable: names of modules, or shell patterns; ("*",) trains the whole backbone, () nothing of it.

        Raises:
            InputError: if a pattern matches no module.
        """
        names = [name for name, _ in self.backbone.named_modules()]
        roots: set[str] = set()
        for pattern in trainable:
            matched = [name for name in names if fnmatchcase(name, pattern)]
            if not matched:
                remedy = f"its modules are {listed([name for name in names if name], 400)}"
                raise InputError("config", "trainable", f"no module matches {pattern!r}", remedy)
            roots.update(matched)
        self._trained = frozenset(name for name in names if "" in roots or roots & _with_parents(name))
        for name, module in self.backbone.named_modules():
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(name in self._trained)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Encoder":
        """Set training mode; frozen modules stay in evaluation mode, so that their batch norm keeps its statistics."""
        super().train(mode)
        for name, module in self.backbone.named_modules():
            module.training = mode and name in self._trained
        return self

    def changing(self) -> dict[str, Tensor]:
        """The part of the state dict that training can change, with the buffers of trained modules; not copied."""
        kept = {f"backbone.{name}." if name else "backbone." for name in self._trained}
        return {
            name: value
            for name, value in self.state_dict().items()
            if not name.startswith("backbone.") or name.rpartition(".")[0] + "." in kept
        }


def build_encoder(
    backbone: nn.Module,
    layer: str,
    head: HeadPlan,
    example: Tensor,
    n_neuroids: int,
    *,
    n_categories: int = 0,
    seed: int,
) -> Encoder:
    """Put a head with weights drawn from `seed` on a layer.

    Args:
        backbone: the network, on the CPU.
        layer: see `Encoder`.
        head: plan of the head.
        example: (b, 3, H, W) prepared images, or (b, k) features if the backbone takes these; only the shape matters.
        n_neuroids: number of rates.
        n_categories: number of object categories to co-train on; 0 for none.
        seed: of the head's weights.

    Raises:
        InputError: if there is no such layer, it does not run, or the head does not fit it.
    """
    backbone.eval()
    with torch.no_grad():
        features = features_at(backbone, layer, example[:1])
    return Encoder(
        backbone, layer, build_head(head, features, n_neuroids, n_categories=n_categories, seed=seed), n_neuroids
    )


def features_at(backbone: nn.Module, layer: str, inputs: Tensor) -> Tensor:
    """(b, ...) output of a layer; the network stops after it.

    Raises:
        InputError: if there is no such layer, it does not run, or it returns no tensor.
    """
    module, run, item = _find(backbone, layer)
    if module is None:
        return _tensor(backbone(inputs), item, layer)
    outputs: list[Any] = []

    def stop(_module: nn.Module, _inputs: Any, output: Any) -> None:
        outputs.append(output)
        if len(outputs) > run:
            raise _Reached

    handle = module.register_forward_hook(stop)
    try:
        backbone(inputs)
    except _Reached:
        return _tensor(outputs[run], item, layer)
    finally:
        handle.remove()
    problem = f"{layer} runs {len(outputs)} times for an image" if outputs else f"{layer} does not run for an image"
    raise InputError("config", "layer", problem, "choose another layer")


def _find(backbone: nn.Module, layer: str) -> tuple[nn.Module | None, int, int | None]:
    """The module of a layer (None for the whole network), the number of its run, and of its output."""
    name = module_of(backbone, layer)
    if name is None:
        problem = f"no layer {layer!r}" if layer else "no layer named"
        names = [*module_names(backbone), OUTPUT]
        raise InputError("config", "layer", problem, f"the layers are {listed(names, 400)}")
    full = LayerName(layer) if name == layer else parse_name(layer)
    return backbone.get_submodule(name) if name else None, full.run or 0, full.item


def _tensor(output: Any, item: int | None, layer: str) -> Tensor:
    """The output of a layer; the one asked for, if there are several."""
    if isinstance(output, Tensor) and not item:
        return output
    values = list(output.values()) if isinstance(output, dict) else output
    tensors = [value for value in values if isinstance(value, Tensor)] if isinstance(values, (list, tuple)) else []
    if item is None or item >= len(tensors):
        names = listed([f"{layer.partition(':')[0]}:{i}" for i in range(len(tensors))])
        raise InputError("config", "layer", f"{layer} gives {len(tensors)} tensors", f"choose {names or 'another'}")
    return tensors[item]


def _with_parents(name: str) -> set[str]:
    """`a.b.c` -> {a, a.b, a.b.c}."""
    parts = name.split(".")
    return {".".join(parts[: i + 1]) for i in range(len(parts))}

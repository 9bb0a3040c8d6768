"""Where the weights of a network come from: a seed, or a file that is checked before it is used."""

import hashlib
import io
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ventral.atomic import writing
from ventral.errors import InputError, listed

SAVE = "save it with torch.save(model.state_dict(), path)"
WRAPPERS = ("state_dict", "model")  # keys of checkpoints under which the state dict lies
PREFIX = re.compile(r"^(?:module\.|_orig_mod\.)+")  # of names in parallel or compiled training
# Names in torchvision's published DenseNets, from when names of modules could hold dots.
DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")

State = OrderedDict[str, Tensor]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's random numbers as after `manual_seed(seed)`, and leave its state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def read_state(path: Path) -> State:
    """Read a state dict from a torch or a safetensors file, told by content; no code in it is run.

    `state_dict` and `model` of a checkpoint are unwrapped, prefixes that parallel and compiled training add are
    dropped, and the versions of modules that torch keeps beside a state dict (`_metadata`) stay with it.

    Raises:
        InputError: if the file is missing, damaged, holds anything but tensors, or is not a state dict.
    """
    content: Any
    try:
        if _is_safetensors(path):
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            # weights_only: unpickling anything else from a stranger's file would run the stranger's code.
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(path, "weights", "no such file", "correct the path in the config") from None
    except Exception:  # unpickling meets damage with nearly any exception
        raise InputError(path, "weights", "not a readable state dict", SAVE) from None
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(path, "weights", "not a state dict", SAVE)
    state = OrderedDict((PREFIX.sub("", str(name)), value) for name, value in content.items())
    versions = getattr(content, "_metadata", None)
    if isinstance(versions, Mapping) and all(map(_is_version, versions.items())):
        state._metadata = {PREFIX.sub("", f"{name}.")[:-1]: version for name, version in versions.items()}  # type: ignore[attr-defined]
    return state


def write_state(model: nn.Module, path: str | Path) -> None:
    """Write a model's state dict, the same bytes for the same weights."""
    buffer = io.BytesIO()  # saved to a file, the archive would carry that file's temporary name
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, buffer)
    with writing(path, sealed=True) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_state(model: nn.Module, path: Path) -> None:
    """Load a state dict into a model that it fits, in the names of today or those of its publisher's older files.

    The last layer alone may be missing, as from weights trained without labels: it is set to zero, so that it passes
    for no more than it is, a dead layer.

    Raises:
        InputError: naming the first parameters that are missing, left over or of another shape.
    """
    state = _in_names_of_today(read_state(path), model)
    faults: dict[str, list[str]] = {}
    try:
        # Not strict: only after loading, when modules have renamed their older entries, is it known what fits.
        found = model.load_state_dict(state, strict=False)
        faults = {"misses": found.missing_keys, "has the unknown": found.unexpected_keys}
    except (RuntimeError, ValueError) as error:
        faults = {"has another shape for": re.findall(r"size mismatch for ([^:\s]+):", str(error)) or ["its modules"]}
    head = _last_layer(model)
    if faults.get("misses") and not faults["has the unknown"] and set(faults["misses"]) == set(head):
        print(f"{path}: without {listed(faults['misses'])}: that layer is set to zero", file=sys.stderr)
        with torch.no_grad():
            for parameter in head.values():
                parameter.zero_()
        return
    for what, names in faults.items():
        if names:
            raise InputError(
                path,
                "weights",
                f"of another architecture: {what} {listed(names, 3)}",
                "name the architecture that the file was saved from",
            )


def _is_version(item: tuple[Any, Any]) -> bool:
    """Whether this is the name of a module and its version, as torch keeps them beside a state dict."""
    name, told = item
    return isinstance(name, str) and isinstance(told, Mapping) and isinstance(told.get("version", 1), int | None)


def fingerprint(model: nn.Module) -> str:
    """sha256 over the names and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _is_safetensors(path: Path) -> bool:
    """Whether a file starts as safetensors do: eight bytes of a header's length, then that header, a JSON object."""
    with open(path, "rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= os.path.getsize(path) - 8


def _in_names_of_today(state: State, model: nn.Module) -> State:
    """The state with the versions of modules that tell torch which of its names are of older releases."""
    versions = getattr(state, "_metadata", None)
    if any(DENSENET.fullmatch(name) for name in state):
        state = OrderedDict((DENSENET.sub(r"\1\2", name), value) for name, value in state.items())
    own = model.state_dict()
    if hasattr(model, "pretrained_cfg") and not _fits(state, own):
        state = _as_timm_would(state, model)
    if versions is None and state.keys() == own.keys():  # as safetensors, which have no versions
        versions = own._metadata  # type: ignore[attr-defined]
    if versions is not None:
        state._metadata = versions  # type: ignore[attr-defined]
    return state


def _as_timm_would(state: State, model: nn.Module) -> State:
    """What timm's loader makes of a file: names of other releases, position embeddings of another image size."""
    change = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if change is not None:
        with suppress(Exception):  # a file of another architecture; what does not fit is named later
            state = OrderedDict(change(OrderedDict(state), model))
    settings = cast(Mapping[str, Any], model.pretrained_cfg)
    offset, heads = settings.get("label_offset") or 0, settings.get("classifier") or ()
    own = model.state_dict()
    for head in (heads,) if isinstance(heads, str) else heads:
        for name in (f"{head}.weight", f"{head}.bias"):
            if offset and name in state and len(state[name]) == len(own[name]) + offset:
                state[name] = state[name][offset:]  # without the class of backgrounds
    return state


def _fits(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> bool:
    return state.keys() == own.keys() and all(state[name].shape == own[name].shape for name in own)


def _last_layer(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters of the last module that has any, if that is linear: the classifier of most networks."""
    having = [(name, module) for name, module in model.named_modules() if list(module.parameters(recurse=False))]
    name, module = having[-1] if having else ("", model)
    if not isinstance(module, nn.Linear):
        return {}
    return {f"{name}.{key}" if name else key: value for key, value in module.named_parameters(recurse=False)}

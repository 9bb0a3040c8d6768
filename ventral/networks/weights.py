"""The weights of a network: drawn from a seed, or loaded from a file that is checked first."""

import hashlib
import io
import math
import random
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ventral.files.atomic import writing
from ventral.files.errors import InputError, listed
from ventral.networks.state_files import KEYS, State, read_states

# Names in torchvision's published DenseNets, from a time when names of modules could have dots.
DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the random numbers of torch, numpy and Python for the block, and restore their states afterwards."""
    # numpy's global state, because other people's code draws from it.
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002


def write_state(model: nn.Module, path: str | Path) -> None:
    """Write a model's state dict. The same weights give the same bytes."""
    buffer = io.BytesIO()  # saved to a file, the archive would contain the file's temporary name
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, buffer)
    with writing(path, sealed=True) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_state(model: nn.Module, path: Path, read: Callable[[Path], Mapping[str, State]] = read_states) -> None:
    """Load a state dict into a model, under today's names or those of its publisher's older files.

    All state dicts of the file are tried, first as they are, then with one prefix of all names cut or added. Only the
    last layer may be missing, as in weights trained without labels. It is then set to zero: a dead layer.

    Args:
        model: its weights are replaced.
        path: of the file.
        read: returns the state dicts of the file, by their keys.

    Raises:
        InputError: naming the first parameters that are missing, unknown or of another shape; or if several state dicts
            fit and differ.
    """
    states = read(path)
    if (fitting := _choose(states, model, path)) is not None and not _load(model, fitting, path):
        return
    least, told = math.inf, ""
    for state in states.values():
        for tried in (state, _without_usual(state)):
            faults = _load(model, _in_names_of_today(tried, model), path)
            if not faults:
                return
            n_names = sum(map(len, faults.values()))
            if n_names < least:
                least, told = n_names, ", ".join(f"{what} {listed(names, 3)}" for what, names in faults.items())
    remedy = "name the architecture that the file was saved from"
    raise InputError(path, "weights", f"of another architecture: {told}", remedy)


def _choose(states: Mapping[str, State], model: nn.Module, path: Path) -> State | None:
    """The state dict that fits a model by names and shapes, as it is or with one prefix cut or added; or None.

    Raises:
        InputError: if several with different values fit, and their keys and prefixes do not tell which one to take.
    """
    own, head = model.state_dict(), _last_layer(model).keys()
    found = [
        (key, how, _in_names_of_today(tried, model))
        for key, state in states.items()
        for how, tried in _variants(state, own)
        if _fits(tried, own, head)
    ]
    if not found:
        return None
    key, how, first = found[0]
    for other_key, other_how, other in found[1:]:
        preferred = key.rpartition(".")[2] in ("", *KEYS) if other_key != key else not how
        if not preferred and not _equal(first, other):
            problem = f"it fits twice, and differs: {_place(key, how)}, and {_place(other_key, other_how)}"
            raise InputError(path, "weights", problem, "save the one that is meant as a file of its own")
    left_out = [name for name in states[key] if not any(name.endswith(end) for end in first)]
    beside = f", without {listed(left_out, 3)}" if left_out else ""
    if key or how:
        print(f"{path}: loaded {_place(key, how)}{beside}", file=sys.stderr)
    return first


def _equal(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def _place(key: str, how: str) -> str:
    """Words for a message: where a state dict is in its file, and what was done to its names."""
    return " ".join(filter(None, (f"what is under {key!r}" if key else "its names", how)))


def _variants(state: State, own: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """A state dict as it is, then with each prefix cut or added that its names and the network's suggest."""
    yield "", state
    last, first = max(own, key=len, default=""), next(iter(own), "")
    for prefix in dict.fromkeys(name.removesuffix(last) for name in state if name.endswith(f".{last}")):
        yield f"after {prefix!r}", _renamed(state, re.escape(prefix))
    for shorter in (state, _without_usual(state)):
        for prefix in dict.fromkeys(first.removesuffix(name) for name in shorter if first.endswith(f".{name}")):
            yield f"put behind {prefix!r}", _renamed(shorter, "", prefix)


def _renamed(state: State, cut: str, put: str = "") -> State:
    """The entries whose names start with a regular expression; that start is replaced by a prefix."""
    start = re.compile(cut)
    found = OrderedDict((put + name[at.end() :], value) for name, value in state.items() if (at := start.match(name)))
    if (versions := getattr(state, "_metadata", None)) is not None:
        kept = {name: at.end() for name in versions if (at := start.match(f"{name}."))}
        renamed = {(put + f"{name}."[end:]).rstrip("."): versions[name] for name, end in kept.items()}
        found._metadata = renamed  # type: ignore[attr-defined]
    return found


def _without_usual(state: State) -> State:
    """The state dict without the prefixes that parallel and compiled training add to names."""
    return _renamed(state, r"(?:module\.|_orig_mod\.)*")


def _load(model: nn.Module, state: State, path: Path) -> dict[str, list[str]]:
    """Load what fits. Return the names that do not fit by kind of fault; a missing last layer is not a fault."""
    try:
        # Not strict: modules rename older entries while loading, so only afterwards is it known what fits.
        found = model.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:
        return {"has another shape for": re.findall(r"size mismatch for ([^:\s]+):", str(error)) or ["its modules"]}
    head = _last_layer(model)
    if found.missing_keys and not found.unexpected_keys and set(found.missing_keys) == set(head):
        print(f"{path}: without {listed(found.missing_keys)}: that layer is set to zero", file=sys.stderr)
        with torch.no_grad():
            for parameter in head.values():
                parameter.zero_()
        return {}
    faults = {"misses": found.missing_keys, "has the unknown": found.unexpected_keys}
    return {what: names for what, names in faults.items() if names}


def fingerprint(model: nn.Module) -> str:
    """sha256 over the names and values of everything in the state dict."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            dense = value.detach().cpu()
            dense = dense.dequantize() if dense.is_quantized else dense
            digest.update(dense.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        elif isinstance(value, tuple | list):  # how quantised modules keep weights
            for part in value:
                add(part)
        else:
            digest.update(repr(value).encode())

    for name, value in model.state_dict().items():
        digest.update(name.encode("utf-8", "surrogatepass"))
        add(value)
    return digest.hexdigest()


def _in_names_of_today(state: State, model: nn.Module) -> State:
    """The state under today's names; with it the versions of modules, by which torch recognises older names."""
    versions = getattr(state, "_metadata", None)
    if any(DENSENET.fullmatch(name) for name in state):
        state = OrderedDict((DENSENET.sub(r"\1\2", name), value) for name, value in state.items())
    own = model.state_dict()
    if hasattr(model, "pretrained_cfg") and not _fits(state, own):
        state = _as_timm_would(state, model)
    if versions is None and state.keys() == own.keys():  # safetensors have no versions
        versions = own._metadata  # type: ignore[attr-defined]
    if versions is not None:
        state._metadata = versions  # type: ignore[attr-defined]
    return state


def _as_timm_would(state: State, model: nn.Module) -> State:
    """What timm's loader makes of a file: it adapts names of other releases and embeddings of other image sizes."""
    change = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if change is not None:
        with suppress(Exception):  # the file is of another architecture; what does not fit is reported later
            state = OrderedDict(change(OrderedDict(state), model))
    settings = cast(Mapping[str, Any], model.pretrained_cfg)
    offset, heads = settings.get("label_offset") or 0, settings.get("classifier") or ()
    own = model.state_dict()
    for head in (heads,) if isinstance(heads, str) else heads:
        for name in (f"{head}.weight", f"{head}.bias"):
            if offset and name in state and len(state[name]) == len(own[name]) + offset:
                state[name] = state[name][offset:]  # without the background class
    return state


def _fits(state: Mapping[str, Tensor], own: Mapping[str, Any], head: Collection[str] = ()) -> bool:
    """Whether names and shapes are those of a network; its last layer may be missing as a whole."""
    if state.keys() != own.keys() and own.keys() - set(head) != state.keys():
        return False
    return all(is_lazy(own[name]) or value.shape == own[name].shape for name, value in state.items() if name in own)


def _last_layer(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters of the last module with parameters, if it is linear: in most networks, the classifier."""
    having = [(name, module) for name, module in model.named_modules() if list(module.parameters(recurse=False))]
    name, module = having[-1] if having else ("", model)
    if not isinstance(module, nn.Linear):
        return {}
    return {f"{name}.{key}" if name else key: value for key, value in module.named_parameters(recurse=False)}

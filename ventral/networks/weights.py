"""Where the weights of a network come from: a seed, or a file that is checked before it is used."""

import hashlib
import io
import math
import random
import re
import sys
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
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

# Names in torchvision's published DenseNets, from when names of modules could hold dots.
DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from the random numbers of torch, numpy and Python as after seeding, and leave their states as they were."""
    # numpy's global state: that is what code of others draws from.
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
    """Write a model's state dict, the same bytes for the same weights."""
    buffer = io.BytesIO()  # saved to a file, the archive would carry that file's temporary name
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, buffer)
    with writing(path, sealed=True) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_state(model: nn.Module, path: Path) -> None:
    """Load a state dict into a model that it fits, in the names of today or those of its publisher's older files.

    Tried are all state dicts of the file, as they are first, then with one prefix of all names cut or added. The last
    layer alone may be missing, as from weights trained without labels: it is set to zero, so that it passes for no
    more than it is, a dead layer.

    Raises:
        InputError: naming the first parameters that are missing, left over or of another shape; or if several state
            dicts fit and differ.
    """
    states = read_states(path)
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
    """The state dict that fits a model by names and shapes, as it is or with one prefix cut or added; None if none.

    Raises:
        InputError: if several fit whose values differ, under keys or prefixes that do not say which is meant.
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
    """Where in a file a state dict lies, and what was done to its names."""
    return " ".join(filter(None, (f"what is under {key!r}" if key else "its names", how)))


def _variants(state: State, own: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """A state dict as it is, then with each prefix cut or added that its names and those of the network suggest."""
    yield "", state
    last, first = max(own, key=len, default=""), next(iter(own), "")
    for prefix in dict.fromkeys(name.removesuffix(last) for name in state if name.endswith(f".{last}")):
        yield f"after {prefix!r}", _renamed(state, re.escape(prefix))
    for shorter in (state, _without_usual(state)):
        for prefix in dict.fromkeys(first.removesuffix(name) for name in shorter if first.endswith(f".{name}")):
            yield f"put behind {prefix!r}", _renamed(shorter, "", prefix)


def _renamed(state: State, cut: str, put: str = "") -> State:
    """Those entries whose names start with an expression, which is cut, and a prefix put in its place."""
    start = re.compile(cut)
    found = OrderedDict((put + name[at.end() :], value) for name, value in state.items() if (at := start.match(name)))
    if (versions := getattr(state, "_metadata", None)) is not None:
        kept = {name: at.end() for name in versions if (at := start.match(f"{name}."))}
        renamed = {(put + f"{name}."[end:]).rstrip("."): versions[name] for name, end in kept.items()}
        found._metadata = renamed  # type: ignore[attr-defined]
    return found


def _without_usual(state: State) -> State:
    """The state dict without the prefixes that parallel and compiled training add to some names or to all."""
    return _renamed(state, r"(?:module\.|_orig_mod\.)*")


def _load(model: nn.Module, state: State, path: Path) -> dict[str, list[str]]:
    """Load what fits; by the kind of fault the names that do not, none where all is well or but the last layer is."""
    try:
        # Not strict: only after loading, when modules have renamed their older entries, is it known what fits.
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
    """sha256 over the names and values of all parameters and buffers, and of what else is in the state dict."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            dense = value.detach().cpu()
            dense = dense.dequantize() if dense.is_quantized else dense
            digest.update(dense.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        elif isinstance(value, tuple | list):  # as quantised modules keep weights
            for part in value:
                add(part)
        else:
            digest.update(repr(value).encode())

    for name, value in model.state_dict().items():
        digest.update(name.encode("utf-8", "surrogatepass"))
        add(value)
    return digest.hexdigest()


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


def _fits(state: Mapping[str, Tensor], own: Mapping[str, Any], head: Collection[str] = ()) -> bool:
    """Whether names and shapes are those of a network, but for its last layer, which may be missing as a whole."""
    if state.keys() != own.keys() and own.keys() - set(head) != state.keys():
        return False
    return all(is_lazy(own[name]) or value.shape == own[name].shape for name, value in state.items() if name in own)


def _last_layer(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters of the last module that has any, if that is linear: the classifier of most networks."""
    having = [(name, module) for name, module in model.named_modules() if list(module.parameters(recurse=False))]
    name, module = having[-1] if having else ("", model)
    if not isinstance(module, nn.Linear):
        return {}
    return {f"{name}.{key}" if name else key: value for key, value in module.named_parameters(recurse=False)}

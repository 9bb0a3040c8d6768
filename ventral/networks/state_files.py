"""State dicts in files: alone, under a key, or beside other things. No code in the files is run."""

import os
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ventral.files.errors import InputError, listed
from ventral.files.stand_in import stand_in

SAVE = "save it with torch.save(model.state_dict(), path)"
# Keys of checkpoints that hold a state dict, best first: if several fit a network, the first counts.
KEYS = ("state_dict", "model_state_dict", "model", "network", "net", "teacher", "ema", "model_ema", "state_dict_ema")
DEEPEST = 3  # levels of keys above a state dict

State = OrderedDict[str, Tensor]


class _Ignored:
    """Takes the place of any object in a checkpoint that is not a tensor, text or number. It does nothing.

    torch calls it in place of the class or function that the file names, so that these are not imported or run.
    """

    def __new__(cls, *_given: object, **_named: object) -> "_Ignored":
        return super().__new__(cls)

    def __init__(self, *_given: object, **_named: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def not_weights(path: Path) -> str:
    """What kind of file this is, if its first bytes are not those of weights; empty for torch and safetensors files."""
    if found := stand_in(path):
        return found
    with open(path, "rb") as file:
        start = file.read(262)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "" if any(name.endswith("data.pkl") for name in archive.namelist()) else "an archive of other files"
    pickled = start[:1] == b"\x80" or start[257:262] == b"ustar"  # torch before 1.6, and before 0.4
    return "" if pickled or is_safetensors(path) else "a file of another kind"


def is_safetensors(path: Path) -> bool:
    """Whether a file starts like safetensors: eight bytes with the length of the header, then the header in JSON."""
    with open(path, "rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= os.path.getsize(path) - 8


def read_states(path: Path) -> dict[str, State]:
    """The state dicts of a torch or safetensors file, by their keys; "" is the key of the file itself.

    No code in the file is run. Objects that are not tensors, such as numpy scalars, are left out. The versions of
    modules that torch keeps with a state dict (`_metadata`) stay with it.

    Returns:
        State dicts, those under the usual keys first; at least one.

    Raises:
        InputError: if the file is missing, damaged, of another kind, or without a state dict.
    """
    unreadable = "not a readable state dict"
    try:
        content, others = _read(path)
    except FileNotFoundError:
        raise InputError(path, "weights", "no such file", "correct the path in the config") from None
    except Exception:  # unpickling a damaged file can raise nearly any exception
        what = ""
        with suppress(OSError, zipfile.BadZipFile):
            what = stand_in(path)
        if what:
            raise InputError(path, "weights", f"{what} in place of weights", "download the file itself") from None
        raise InputError(path, "weights", unreadable, SAVE) from None
    found = dict(_states(content))
    if found:
        return found
    if others:
        said = f"{unreadable}: it is made of {listed(others, 3)}, and nothing but tensors is unpickled"
        raise InputError(path, "weights", said, SAVE)
    holds = f", it holds {listed(content, 3)}" if isinstance(content, Mapping) and content else ""
    raise InputError(path, "weights", f"not a state dict{holds}", SAVE)


def _read(path: Path) -> tuple[Any, list[str]]:
    """The content of a file, and the names of the classes and functions that it asks for; none of these is used."""
    if is_safetensors(path):
        from safetensors.torch import load_file

        return load_file(path), []
    others: list[str] = []
    if zipfile.is_zipfile(path):
        others = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    with torch.serialization.safe_globals([(_Ignored, name) for name in others]):
        # weights_only: unpickling anything else would run code in the file.
        return torch.load(path, map_location="cpu", weights_only=True), others


def _states(content: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, State]]:
    """The mappings of names to tensors in the content of a file, by their keys joined with dots."""
    if not isinstance(content, Mapping):
        return
    state = OrderedDict((str(name), value) for name, value in content.items() if isinstance(value, Tensor))
    if state:
        versions = getattr(content, "_metadata", None)
        if isinstance(versions, Mapping) and all(map(_is_version, versions.items())):
            state._metadata = OrderedDict(versions)  # type: ignore[attr-defined]
        yield key, state
    known = {name: place for place, name in enumerate(KEYS)}
    inner = [name for name in content if isinstance(name, str) and depth < DEEPEST]
    for name in sorted(inner, key=lambda name: known.get(name, len(known))):
        yield from _states(content[name], f"{key}.{name}" if key else name, depth + 1)


def _is_version(item: tuple[Any, Any]) -> bool:
    """Whether this is the name of a module with its version, as torch keeps them with a state dict."""
    name, told = item
    return isinstance(name, str) and isinstance(told, Mapping) and isinstance(told.get("version", 1), int | None)

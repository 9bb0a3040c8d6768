"""Readouts found by the name of their kind, which is the name of their module.

No module imports all kinds, so a job that fits readouts depends on the files of their kinds alone.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import ventral.readouts
from ventral.files.errors import InputError, nearest
from ventral.readouts.contract import Readout

DEFAULT = "ridge"


def kinds() -> list[str]:
    """Names of all kinds of readouts, sorted."""
    return [name for name in _modules() if _found(name) is not None]


def kind_of(entry: Mapping[str, Any]) -> str:
    """The kind of an entry under `readouts`: its key `kind`, else the key that is the name of a kind, else ridge.

    So `{pls: 25}` is of kind pls, and `{alpha: loo}` of kind ridge.
    """
    return str(entry.get("kind") or next((key for key in entry if key in _modules()), DEFAULT))


def readout_class(kind: str) -> type[Readout]:
    """The dataclass of a kind of readout.

    Raises:
        InputError: if there is no such kind.
    """
    found = _found(kind) if kind in _modules() else None
    if found is None:
        raise InputError("config", "readouts", f"no readout of kind {kind!r}", nearest(kind, kinds()))
    return found


def readout_of(entry: Mapping[str, Any]) -> Readout:
    """The readout of an entry under `readouts` whose values were checked."""
    return readout_class(kind_of(entry))(**{key: value for key, value in entry.items() if key != "kind"})


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(ventral.readouts.__path__))


def _found(module: str) -> type[Readout] | None:
    return getattr(import_module(f"ventral.readouts.{module}"), "READOUT", None)

"""The kinds of recordings: found by the names of the modules in `ventral/data/sources`, and imported one by one."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ventral.data import sources

if TYPE_CHECKING:
    from ventral.data.source import Source

OWN = "files"  # the kind of a dataset whose name is no kind


def kinds() -> list[str]:
    """The kinds of recordings there are; none of them is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(sources.__path__))


def kind_of(dataset: str, settings: Any) -> str:
    """The kind of a dataset of the config: its key `kind`; without one its name where that is a kind, else `files`."""
    if isinstance(settings, Mapping) and "kind" in settings:
        return str(settings["kind"])
    return dataset if dataset in kinds() else OWN


def find_kind(kind: str) -> "type[Source]":
    """The class of a kind, one of `kinds`."""
    source: type[Source] = import_module(f"{sources.__name__}.{kind}").SOURCE
    return source

"""Find the kinds of recordings: the modules of `ventral/data/sources`, imported one by one."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ventral.data import sources

if TYPE_CHECKING:
    from ventral.data.source import Source

OWN = "files"  # the kind of a dataset whose name is not a kind


def kinds() -> list[str]:
    """List the kinds of recordings without importing them."""
    return sorted(module.name for module in pkgutil.iter_modules(sources.__path__))


def kind_of(dataset: str, settings: Any) -> str:
    """Return the kind of a dataset: its key `kind`, or else its name if that is a kind, or else `files`."""
    if isinstance(settings, Mapping) and "kind" in settings:
        return str(settings["kind"])
    return dataset if dataset in kinds() else OWN


def find_kind(kind: str) -> "type[Source]":
    """Import the class of a kind, one of `kinds`."""
    source: type[Source] = import_module(f"{sources.__name__}.{kind}").SOURCE
    return source

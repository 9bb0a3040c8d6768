"""The kinds of readouts, each a module of this folder, found by name.

Nothing imports all kinds at once, so a job that fits readouts depends on the files of their kinds alone.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ventral import readouts
from ventral.files.errors import InputError, nearest
from ventral.readouts.contract import Readout

NO_READOUTS = {"catalogue", "contract", "linear"}  # modules of this folder that serve all kinds
OTHERS = "ridge"  # the kind of an entry that names none


def kinds() -> list[str]:
    """The names of all kinds of readouts, sorted."""
    return sorted({module.name for module in iter_modules(readouts.__path__)} - NO_READOUTS)


def kind_of(entry: Any) -> str:
    """The kind of an entry under `readouts`: its key `kind`, else the kind that one of its keys names, else ridge.

    So `{pls: 25}` is of kind pls and `{alpha: loo}` of kind ridge; and so is what is no mapping, in a faulty config.
    """
    if not isinstance(entry, Mapping):
        return OTHERS
    return str(entry["kind"]) if "kind" in entry else next(filter(entry.__contains__, kinds()), OTHERS)


def readout_class(kind: str) -> type[Readout]:
    """The dataclass of a kind, whose fields are the keys of an entry.

    Raises:
        InputError: if there is no such kind.
    """
    if kind not in kinds():
        raise InputError("config", "readouts", f"no readout of kind {kind!r}", nearest(kind, kinds()))
    # The package is no constant here, so that who fits one kind does not depend on the code of all.
    found: type[Readout] = import_module(f"{readouts.__name__}.{kind}").READOUT
    return found


def readout_of(entry: Mapping[str, Any]) -> Readout:
    """The readout of an entry whose keys and values were checked."""
    return readout_class(kind_of(entry))(**entry)

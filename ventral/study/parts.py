"""The kinds of readouts: which there are, which one an entry of the config is, and its keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from ventral.files.keys import Count, Sizes, key

OTHER_READOUTS = "ridge"


def readout_kinds() -> list[str]:
    """The kinds of readouts, sorted."""
    return sorted(_READOUTS)


def readout_kind(entry: Any) -> str:
    """The kind of an entry under `readouts`: its key `kind`, else the kind that one of its keys names, else `ridge`."""
    if not isinstance(entry, Mapping):
        return OTHER_READOUTS
    return str(entry["kind"]) if "kind" in entry else next(filter(entry.__contains__, readout_kinds()), OTHER_READOUTS)


def readout_keys(kind: str) -> type:
    """The dataclass of the keys that readouts of a kind take."""
    return _READOUTS[kind]


Alpha = Literal["loo", "cv"] | Annotated[float, Field(ge=0)]
Cut = Annotated[
    float | None,
    key(
        "directions of a layer with less than this share of its largest eigenvalue are left out; absent: 1.0e-6",
        example=0,
        ge=0,
        lt=1,
    ),
]


@dataclass(frozen=True)
class Ridge:
    """Ridge regression, least squares among it."""

    alpha: Annotated[
        Alpha,
        key(
            "penalty as in scikit-learn, 0 for least squares; loo: one a neuroid, chosen on held-out stimuli of train; "
            "cv: likewise, one for all neuroids",
            example="loo",
        ),
    ]
    components: Annotated[
        Count | None, key("principal components of the layer that are used; absent: all", example=100)
    ] = None
    rank_cut: Cut = None


@dataclass(frozen=True)
class Pls:
    """Partial least squares."""

    pls: Annotated[Count, key("number of components", example=25)]


@dataclass(frozen=True)
class Mlp:
    """A deep head: a multilayer perceptron."""

    mlp: Annotated[Sizes, key("units of each hidden layer", "give a list of sizes", [512, 256])]
    components: Annotated[
        Count | None, key("principal components of the layer that are used; absent: all", example=100)
    ] = None
    rank_cut: Cut = None


_READOUTS: dict[str, type] = {"ridge": Ridge, "pls": Pls, "mlp": Mlp}

"""How a part of the project declares the keys that it takes in the config."""

from collections.abc import Iterator
from typing import Annotated, Any, Protocol, runtime_checkable


class Terms:
    """What pydantic is told of a key, in the terms of `pydantic.Field`.

    pydantic takes it for a group of annotations (`annotated_types.GroupedMetadata`) and asks it for them when a schema
    is made. So code that only runs networks and fits readouts needs no pydantic.
    """

    __is_annotated_types_grouped_metadata__ = True

    def __init__(self, **terms: Any) -> None:
        self.terms = terms

    def __iter__(self) -> Iterator[Any]:
        from pydantic import Field

        yield Field(**self.terms)


Count = Annotated[int, Terms(ge=1)]
Text = Annotated[str, Terms(min_length=1)]
Address = Annotated[str, Terms(pattern="^https?://", json_schema_extra={"format": "uri"})]  # in place of a path
Names = Annotated[tuple[str, ...], Terms(min_length=1, json_schema_extra={"uniqueItems": True})]
Sizes = Annotated[tuple[Count, ...], Terms(min_length=1)]


def key(meaning: str, remedy: str = "", example: object = None, *, unique: bool = False, **bounds: Any) -> Any:
    """Describe one key of the config, as the annotation of a field of a frozen dataclass.

    ``alpha: Annotated[float, key("penalty of ridge, as in scikit-learn", ge=0)] = 1.0`` declares a number that must not
    be below 0; the config schema, the checks of a user's config and the reference page of all keys are made from it.
    A key that can be left out and has no default is declared as ``Annotated[X | None, key(...)] = None``. The type
    `Path` declares a file or folder: the checks expand its `~` and refuse one that does not exist. `Path | Address`
    declares one that may also be at an address.

    Args:
        meaning: what the key is for, with its unit; shown on the reference page.
        remedy: what the user should give; told after a value that is not allowed. Empty: told from the type and bounds.
        example: a value, where the default and the type do not show what one looks like.
        unique: whether a list holds each value once.
        **bounds: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`, `pattern`, as of `pydantic.Field`.
    """
    extra: dict[str, Any] = {"remedy": remedy} if remedy else {}
    extra |= {"uniqueItems": True} if unique else {}
    return Terms(
        description=meaning, examples=None if example is None else [example], json_schema_extra=extra, **bounds
    )


@runtime_checkable
class Ruled(Protocol):
    """A dataclass of keys with rules between them, which no bound on a single key can state."""

    def faults(self) -> Iterator[str]:
        """Yield what is wrong, one line ``key: problem; remedy`` each."""

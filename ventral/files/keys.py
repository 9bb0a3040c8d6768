"""How a part of the project declares the keys that it takes in the config."""

from typing import Any

from pydantic import Field


def key(meaning: str, remedy: str = "", example: object = None, **bounds: Any) -> Any:
    """Describe one key of the config, as the annotation of a field of a frozen dataclass.

    ``alpha: Annotated[float, key("penalty of ridge, as in scikit-learn", ge=0)] = 1.0`` declares a number that must not
    be below 0; the config schema, the checks of a user's config and the reference page of all keys are made from it.

    Args:
        meaning: what the key is for, with its unit; shown on the reference page.
        remedy: what the user should give; told after a value that is not allowed. Empty: told from the type and bounds.
        example: a value, where the default and the type do not show what one looks like.
        **bounds: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`, `pattern`, as of `pydantic.Field`.
    """
    extra: dict[str, Any] = {"remedy": remedy} if remedy else {}
    return Field(
        description=meaning, examples=None if example is None else [example], json_schema_extra=extra, **bounds
    )

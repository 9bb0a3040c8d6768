"""Frozen dataclasses of keys -> JSON schemas, by which a config is checked and its defaults are filled in."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

T = TypeVar("T")


class _Absent(GenerateJsonSchema):
    """`X | None` is an X that can be left out; nobody writes `null`."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def schema_of(keys: type) -> dict[str, Any]:
    """The JSON schema of a dataclass whose fields are annotated with `ventral.files.keys.key`.

    References are written out, objects take no other keys, and a field whose default is None has no default: its key
    is absent. A field with a `default_factory` has an empty default, which is filled in from the schema of its parts.
    """
    schema = TypeAdapter(keys).json_schema(schema_generator=_Absent)
    return dict(_plain(schema, schema.get("$defs", {})))


def _plain(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without references, titles and defaults of None."""
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**parts[schema["$ref"].rpartition("/")[2]], **beside}
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _plain(part, parts) for name, part in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, Mapping):
            found[key] = _plain(value, parts)
        elif key in ("anyOf", "oneOf", "prefixItems"):
            found[key] = [_plain(part, parts) for part in value]
        elif key not in ("$defs", "title") and not (key == "default" and value is None):
            found[key] = value
    if "properties" in found:
        found.setdefault("additionalProperties", False)
        for name, part in found["properties"].items():
            made = name not in found.get("required", ()) and "default" not in schema["properties"][name]
            if made and part.get("type") in ("object", "array"):
                part["default"] = {} if part["type"] == "object" else []
    return found


def build(keys: type[T], settings: Mapping[str, Any]) -> T:
    """The dataclass of checked settings, its nested parts too."""
    return TypeAdapter(keys).validate_python(dict(settings))

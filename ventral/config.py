"""The study a user asks for: checked against the schema, one line a fault, defaults filled in."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ventral.errors import nearest


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Faults of a config, one line each, as ``key: what is wrong; what to do``; none for a sound one."""
    errors = Draft202012Validator(schema).iter_errors(config)
    return sorted({line for error in errors for line in _lines(error)})


def _lines(error: ValidationError) -> Iterator[str]:
    where = ".".join(str(part) for part in error.absolute_path)
    place, rule, given = where or "top level", cast(dict[str, Any], error.schema), cast(Any, error.instance)
    if error.validator == "additionalProperties":
        for key in sorted({str(key) for key in given} - set(rule["properties"])):
            remedy = nearest(key, rule["properties"]) if rule["properties"] else "it takes no keys"
            yield f"{f'{where}.' if where else ''}{key}: unknown key; {remedy}"
    elif error.validator == "required":
        missing = [key for key in cast(list[str], error.validator_value) if key not in given]
        yield f"{place}: missing {', '.join(missing)}; add it"
    else:
        problem = f"{given!r} does not do" if "description" in rule else error.message
        yield f"{place}: {problem}; {rule.get('description', 'correct it')}"


def fill_defaults(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Set, in place, every key that the schema has a default for and the config leaves out, at every depth."""
    for key, rule in schema.get("properties", {}).items():
        if "default" in rule and key not in config:
            config[key] = _copied(rule["default"])
    for key, value in config.items():
        rule = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if isinstance(value, dict) and isinstance(rule, Mapping):
            fill_defaults(value, rule)


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value

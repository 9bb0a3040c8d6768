"""Find the faults of a config: one line each, with its remedy."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pydantic import ValidationError as BuildError

from ventral.data.kinds import find_kind, kind_of
from ventral.files.errors import nearest, printable
from ventral.files.keys import Ruled
from ventral.networks.settings import NetworkEntry
from ventral.readouts import catalogue
from ventral.study.phrases import remedy_of
from ventral.study.schema import build, schema
from ventral.training.settings import TrainedEntry

MOST_ENTRIES, DEEPEST = 100_000, 20


def check_config(config: Any) -> list[str]:
    """Find the faults of a config without reading any other file.

    Args:
        config: anything that YAML may hold.

    Returns:
        Sorted lines ``key: problem; remedy``. The list is empty for a sound config.
    """
    if not isinstance(config, Mapping):
        return ["top level: not keys with values; give datasets at least, as config.yaml does"]
    if _unwieldy(config):
        return ["top level: nested too deep or too large, perhaps by YAML aliases; write the values out"]
    if unquoted := list(_unquoted(config, ())):
        return unquoted
    errors = list(Draft202012Validator(schema(config)).iter_errors(config))
    faulty = {tuple(str(part) for part in error.absolute_path)[:2] for error in errors}
    return sorted({line for error in errors for line in _lines(error)} | set(_between_keys(config, faulty)))


def _unwieldy(config: Any) -> bool:
    """Whether a config, with its YAML aliases written out, is larger or deeper than any study needs."""
    waiting, entries = [(config, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        entries += 1
        if entries > MOST_ENTRIES or depth > DEEPEST:
            return True
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting += [(part, depth + 1) for part in inner]
    return False


def _unquoted(config: Any, above: tuple[str, ...]) -> Iterator[str]:
    """Find names that YAML does not read as text. It reads 010 as 8 and `no` as false, so the name is lost."""
    inner = config.items() if isinstance(config, Mapping) else enumerate(config) if isinstance(config, list) else ()
    for key, value in inner:
        if above and isinstance(config, Mapping) and not isinstance(key, str):
            yield f"{'.'.join(above)}.{key}: YAML reads this name as {_kind(key)}, not as text; put the name in quotes"
        yield from _unquoted(value, (*above, str(key)))


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", list: "a list"}
    return kinds.get(type(value), "a date" if isinstance(value, date) else type(value).__name__)


def _lines(error: ValidationError) -> Iterator[str]:
    """Put an error of the schema into words: one line for each unknown key, one line for any other error."""
    where = ".".join(str(part) for part in error.absolute_path)
    rule, given = cast(dict[str, Any], error.schema), cast(Any, error.instance)
    if error.validator == "additionalProperties":
        for key in sorted({str(key) for key in given} - set(rule["properties"])):
            remedy = nearest(key, rule["properties"]) if rule["properties"] else "it takes no keys"
            kind = f" of kind {rule['title']}" if "title" in rule else ""
            yield f"{f'{where}.' if where else ''}{key}: unknown key{kind}; {remedy}"
    elif error.validator == "required":
        missing = [key for key in cast(list[str], error.validator_value) if key not in given]
        yield f"{where or 'top level'}: missing {', '.join(missing)}; add {'it' if len(missing) == 1 else 'them'}"
    elif unquoted := [part for part in error.context or () if _is_unquoted(part)]:
        for part in unquoted:
            yield from _lines(part)
    else:
        yield f"{where or 'top level'}: {_shown(given)} is not allowed; {remedy_of(rule)}{_hint(error)}"


def _shown(value: Any) -> str:
    return "an empty value" if value is None else printable(str(value) if isinstance(value, date) else repr(value))


def _hint(error: ValidationError) -> str:
    """Explain a value that YAML reads as another type than the user meant: a number for text, or text for a number."""
    given, rules = cast(Any, error.instance), [cast(dict[str, Any], error.schema)]
    rules += rules[0].get("anyOf", [])
    if error.validator == "type" and rules[0].get("type") == "string" and isinstance(given, bool | int | float | date):
        return f", in quotes since YAML reads it as {_kind(given)}"
    wants_number = any(rule.get("type") in ("integer", "number") for rule in rules)
    if wants_number and isinstance(given, str) and _is_number(given):
        return "; YAML reads this one as text: write it without quotes, as 0.001 or 1.0e-3"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_unquoted(error: ValidationError) -> bool:
    """Whether an alternative fails because YAML did not read one item of a list as text."""
    wants_text = error.validator == "type" and cast(dict[str, Any], error.schema).get("type") == "string"
    return wants_text and len(error.path) > 0 and not isinstance(error.instance, Mapping | list)


def _between_keys(config: Mapping[str, Any], faulty: set[tuple[str, ...]]) -> Iterator[str]:
    """Find entries whose keys are allowed each by itself, but not together.

    Args:
        config: of any form.
        faulty: places of entries, or of whole parts, in which the schema found faults. They are skipped.
    """
    for place, keys, entry in _entries(config, faulty):
        own = {field.name for field in fields(keys)}
        try:
            built = build(keys, {key: value for key, value in entry.items() if key in own})
        except BuildError as error:
            for detail in error.errors():
                where = ".".join([*place, *(str(part) for part in detail["loc"])])
                yield f"{where}: {_shown(detail['input'])} is not allowed; {detail['msg'].lower()}"
            continue
        if isinstance(built, Ruled):
            yield from (f"{'.'.join(place)}.{fault}" for fault in built.faults())


def _entries(
    config: Mapping[str, Any], faulty: set[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, str], Any, Mapping[str, Any]]]:
    """Find the sound entries of a config: place, dataclass of their keys, and content."""
    for part in ("datasets", "networks", "readouts", "trained"):
        entries = config.get(part)
        for name, entry in entries.items() if isinstance(entries, Mapping) and (part,) not in faulty else ():
            if (part, name) not in faulty:
                yield (part, name), _keys(part, name, entry), entry


def _keys(part: str, name: str, entry: Any) -> type:
    """Return the dataclass of the keys of a sound entry."""
    if part == "datasets":
        return find_kind(kind_of(name, entry))
    if part == "readouts":
        return catalogue.readout_class(catalogue.kind_of(entry))
    return NetworkEntry if part == "networks" else TrainedEntry

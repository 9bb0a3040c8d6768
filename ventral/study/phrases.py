"""Describe the values that a config key takes: `a whole number from 1`, `one of a, b, c`."""

from collections.abc import Mapping, Sequence
from typing import Any

BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "up to {}", "exclusiveMaximum": "below {}"}
TEXTS = {"path": "a path", "uri": "an https address"}  # by format
MOST_KEYS = 4  # how many keys of a mapping are written out


def remedy_of(rule: Mapping[str, Any]) -> str:
    """Say what the user should give instead of a value that a JSON schema refuses."""
    return rule.get("remedy") or f"give {phrase(rule)}"


def phrase(rule: Mapping[str, Any]) -> str:
    """Describe the values that a JSON schema allows."""
    if "const" in rule:
        return str(rule["const"])
    if "enum" in rule:
        return f"one of {_listed(rule['enum'])}" if len(rule["enum"]) > 1 else str(rule["enum"][0])
    if "anyOf" in rule:
        return _alternatives(rule["anyOf"])
    kinds = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "array": _list(rule)}
    kinds |= {"string": TEXTS.get(rule.get("format", ""), "a text"), "object": _mapping(rule)}
    return _bounded(kinds.get(rule.get("type", ""), "another value"), rule)


def _bounded(noun: str, rule: Mapping[str, Any]) -> str:
    """``a number`` -> ``a number above 0 and up to 0.4``."""
    if {"minimum", "maximum"} <= set(rule):
        return f"{noun} from {rule['minimum']} to {rule['maximum']}"
    return f"{noun} {' and '.join(words.format(rule[key]) for key, words in BOUNDS.items() if key in rule)}".rstrip()


def _alternatives(rules: Sequence[Mapping[str, Any]]) -> str:
    words: list[str] = []
    for rule in rules:
        words += [str(value) for value in rule["enum"]] if "enum" in rule else [phrase(rule)]
    return f"{_listed(words[:-1])} or {words[-1]}"


def _list(rule: Mapping[str, Any]) -> str:
    """``[png, svg]`` for a fixed list, ``a list of 3 numbers``, ``a list of whole numbers from 1``."""
    if items := rule.get("prefixItems", []):
        constants = [str(item["const"]) for item in items if "const" in item]
        return f"[{_listed(constants)}]" if constants else f"a list of {len(items)} {_plural(items[0])}"
    return f"a list of {_plural(rule.get('items', {}))}"


def _plural(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return f"one or more of {_listed(rule['enum'])}"
    kinds = {"integer": "whole numbers", "number": "numbers", "string": "names"}
    return _bounded(kinds.get(rule.get("type", ""), "values"), rule)


def _mapping(rule: Mapping[str, Any]) -> str:
    """``{val: .., test: ..}`` for fixed keys, or a phrase for entries whose names the user chooses."""
    if isinstance(rule.get("additionalProperties"), Mapping):
        return "one entry or more, each a name with its keys"
    keys = [f"{key}: .." for key in rule.get("properties", {})]
    return f"{{{', '.join(keys[:MOST_KEYS])}{', ..' if len(keys) > MOST_KEYS else ''}}}"


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)

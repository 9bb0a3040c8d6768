"""The advice of messages can be followed: the keys, options, rules and arguments that they name exist."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

from ventral.study.schema import schema_for_editors

ROOT = Path(__file__).parents[3]
MODULES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "ventral").rglob("*.py"))}
SAYERS = {"InputError": 3, "refusing": 3, "open_hdf5": 3, "Check": 2}  # where each takes its remedy
NAMES = re.compile(r"--[a-z][a-z-]+|(?<![.\w])[a-z]+(?:_[a-z0-9]+)+\b")  # but for methods, which stand behind a dot


def texts_of(node, constants):
    """The texts that a remedy is made of, those of constants too."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        if isinstance(part, ast.Name) and part.id in constants:
            yield constants[part.id]


def remedies():
    constants = {
        target.id: node.value.value
        for module in MODULES.values()
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for path, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYERS:
                place = SAYERS[node.func.id]
                for text in texts_of(node.args[place], constants) if len(node.args) > place else ():
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def keys_of(schema):
    if isinstance(schema, dict):
        for name, part in schema.items():
            if name in ("properties", "$defs"):
                yield from part
            yield from keys_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys_of(part)


@pytest.fixture(scope="module")
def known():
    """Keys of the config, options of both command lines, rules, and arguments of functions that people call."""
    schema = yaml.safe_load(schema_for_editors())
    rules = [path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk")]
    options = {option for action in get_argument_parser()._actions for option in action.option_strings}
    own = (ROOT / "ventral" / "__main__.py").read_text()
    reading = MODULES[ROOT / "ventral" / "encoders" / "keep" / "reading.py"]
    return {
        *keys_of(schema),
        *(name for text in rules for name in re.findall(r"^rule (\w+):", text, re.MULTILINE)),
        *options,
        *re.findall(r'"(--[a-z-]+)"', own),
        *(node.arg for node in ast.walk(reading) if isinstance(node, ast.arg)),
    }


def test_remedies_name_only_what_is_there(known):
    found = list(remedies())
    assert len(found) > 150
    absent = {place: text for place, text in found for name in NAMES.findall(text) if name not in known}
    assert not absent

"""Make JSON schemas from the dataclasses of config keys. They check a config and fill in its defaults."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from ventral.data.kinds import OWN, find_kind, kind_of, kinds
from ventral.networks.settings import NetworkEntry
from ventral.readouts import catalogue
from ventral.readouts.contract import Readout
from ventral.study.settings import NETWORKS, READOUTS, DatasetEntry, StudySettings
from ventral.training.settings import TrainedEntry

T = TypeVar("T")
Schema = dict[str, Any]

NAME = {"pattern": "^[A-Za-z0-9_]+$", "remedy": "use letters, digits and underscores"}
NAME_OF_READOUT = {"pattern": "^[A-Za-z0-9_.-]+$", "remedy": "use letters, digits, dots, hyphens and underscores"}
DATASETS_ARE = "recordings: NAME to the keys of its kind"
NETWORKS_ARE = "networks that run on the images: NAME to its keys"
READOUTS_ARE = "readouts, which predict rates from the features of every layer: NAME to the keys of its kind"
TRAINED_ARE = "networks that are trained on the neurons: NAME to its keys"


class _Absent(GenerateJsonSchema):
    """Treat `X | None` as an X that can be left out, since nobody writes `null` in a config."""

    def nullable_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])


@cache
def schema_of(keys: type) -> Schema:
    """Make the JSON schema of a dataclass whose fields are annotated with `ventral.files.keys.key`.

    References are written out. Objects take no other keys. A field whose default is None has no default in the schema.
    A field with a `default_factory` has an empty mapping as default, whose keys get the defaults of their own schema.
    """
    found = TypeAdapter(keys).json_schema(schema_generator=_Absent)
    return _plain(found, found.get("$defs", {}))


def _plain(rule: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """Remove references, titles, defaults of None, and types that a list of values implies from a schema."""
    if "$ref" in rule:
        beside = {key: value for key, value in rule.items() if key != "$ref"}
        rule = {**definitions[rule["$ref"].rpartition("/")[2]], **beside}
    found: Schema = {}
    for key, value in rule.items():
        if key == "properties":
            found[key] = {name: _plain(part, definitions) for name, part in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, Mapping):
            found[key] = _plain(value, definitions)
        elif key in ("anyOf", "oneOf", "prefixItems"):
            found[key] = [_plain(part, definitions) for part in value]
        elif key == "type" and ("enum" in rule or "const" in rule):
            continue
        elif key not in ("$defs", "title") and not (key == "default" and value is None):
            found[key] = value
    if found.get("format") == "path":
        found["minLength"] = 1
    if found.get("type") == "object":
        found.setdefault("properties", {})
        found.setdefault("additionalProperties", False)
        for name, part in found["properties"].items():
            made = name not in found.get("required", ()) and "default" not in rule["properties"][name]
            if made and part.get("type") == "object":
                part["default"] = {}
    return found


def build(keys: type[T], settings: Mapping[str, Any]) -> T:
    """Build a dataclass, with its nested dataclasses, from checked settings."""
    return TypeAdapter(keys).validate_python(dict(settings))


def schema(config: Mapping[str, Any]) -> Schema:
    """Make the JSON schema of one study. Every dataset and readout takes the keys of its kind.

    Args:
        config: of the study. Where it should have a mapping of entries and has another value, it has no entries.
    """
    datasets, readouts = (_entries(config, part) for part in ("datasets", "readouts"))
    return _study(
        {name: dataset_schema(kind_of(name, entry)) for name, entry in datasets.items()},
        {},
        {name: readout_schema(catalogue.kind_of(entry)) for name, entry in readouts.items()},
        {},
    )


def _entries(config: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    entries = config.get(part)
    return entries if isinstance(entries, Mapping) else {}


def dataset_schema(kind: str) -> Schema:
    """Make the schema of an entry under `datasets`. An unknown kind gets a schema that refuses it."""
    return _of_kind(kind, kinds(), find_kind, DatasetEntry)


def readout_schema(kind: str) -> Schema:
    """Make the schema of an entry under `readouts`. An unknown kind gets a schema that refuses it."""
    return _of_kind(kind, catalogue.kinds(), catalogue.readout_class, Readout)


def _of_kind(kind: str, kinds: list[str], keys: Callable[[str], type], common: type) -> Schema:
    """Make the schema of a kind: its own keys, and those that all kinds share. `title` is the kind."""
    shared = {**schema_of(common)["properties"], "kind": {**schema_of(common)["properties"]["kind"], "enum": kinds}}
    del shared["kind"]["type"]
    if kind not in kinds:
        return {"type": "object", "properties": {"kind": shared["kind"]}}
    rule = schema_of(keys(kind))
    own = {key: part for key, part in rule["properties"].items() if key not in shared}
    return {"title": kind, **rule, "properties": own | shared}


def _study(datasets: Schema, other_dataset: Schema, readouts: Schema, other_readout: Schema) -> Schema:
    """Make the schema of a config from the schemas of entries by name, and of entries with any other name."""

    def named(meaning: str, name: Schema, entries: Schema, other: Schema, **more: Any) -> Schema:
        own = {"properties": entries} if entries else {}
        found = {"description": meaning, "type": "object", "propertyNames": name, **own, "additionalProperties": other}
        return {**found, **more}

    found = schema_of(StudySettings)
    networks, trained = schema_of(NetworkEntry), schema_of(TrainedEntry)
    named_parts = {
        "datasets": named(DATASETS_ARE, NAME, datasets, other_dataset, minProperties=1),
        "networks": named(NETWORKS_ARE, NAME, {}, networks, minProperties=1, default=NETWORKS),
        "readouts": named(READOUTS_ARE, NAME_OF_READOUT, readouts, other_readout, minProperties=1, default=READOUTS),
        "trained": named(TRAINED_ARE, NAME, {}, trained, default={}),
    }
    return {**found, "required": ["datasets"], "properties": {**found["properties"], **named_parts}}


def fill_defaults(config: dict[str, Any]) -> None:
    """Fill in, in place and at every depth, the keys that a config leaves out and that have a default."""
    for key, rule in schema({})["properties"].items():
        if "default" in rule and key not in config:
            config[key] = deepcopy(rule["default"])
    _fill(config, schema(config))


def _fill(settings: dict[str, Any], rule: Mapping[str, Any]) -> None:
    for key, part in rule.get("properties", {}).items():
        if "default" in part and key not in settings:
            settings[key] = deepcopy(part["default"])
    for key, value in settings.items():
        part = rule.get("properties", {}).get(key, rule.get("additionalProperties"))
        if isinstance(value, dict) and isinstance(part, Mapping):
            _fill(value, part)


def schema_for_editors() -> str:
    """Make the schema of any study, in YAML, by which an editor completes and checks a config."""
    datasets, readouts = kinds(), catalogue.kinds()
    definitions = {
        **{f"dataset_{kind}": dataset_schema(kind) for kind in datasets},
        **{f"readout_{kind}": readout_schema(kind) for kind in readouts},
    }
    own = _reference("dataset", OWN)
    by_key = _reference("readout", catalogue.OTHERS)
    for kind in reversed(readouts):  # the first kind that a key names comes first, as in `catalogue.kind_of`
        by_key = {"if": {"required": [kind]}, "then": _reference("readout", kind), "else": by_key}
    found = _study(
        {kind: _by_kind("dataset", datasets, _reference("dataset", kind)) for kind in datasets},
        _by_kind("dataset", datasets, own),
        {},
        _by_kind("readout", readouts, by_key),
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "a study"}
    whole = {**head, **found, "$defs": definitions}
    return yaml.dump(whole, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=120)


def _reference(part: str, kind: str) -> Schema:
    return {"$ref": f"#/$defs/{part}_{kind}"}


def _by_kind(part: str, kinds: Iterable[str], otherwise: Schema) -> Schema:
    """Make a schema that chooses the schema of an entry by its key `kind`, or else is `otherwise`."""
    chosen = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _reference(part, kind)}
        for kind in kinds
    ]
    known = {"properties": {"kind": {"enum": list(kinds)}}}
    return {"allOf": [*chosen, {"if": {"required": ["kind"]}, "then": known, "else": otherwise}]}


class _Plain(yaml.SafeDumper):
    """Write YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

"""The study a user asks for: checked against the schema, one line a fault, defaults filled in."""

import os
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ventral.data.kinds import find_kind, kind_of, kinds
from ventral.files.errors import listed, nearest, printable
from ventral.networks.published import weights_fault
from ventral.similarity import CATEGORY
from ventral.study.recordings import source_of
from ventral.study.schema import schema_of

MOST_ENTRIES, DEEPEST = 100_000, 20
NETWORK_PATH_KEYS = ("architecture", "weights")


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Faults of a config, one line each, as ``key: what is wrong; what to do``; none for a sound one."""
    if _unwieldy(config):
        return ["top level: nested too deep or too large, as aliases of aliases are; write it out"]
    if unquoted := list(_unquoted(config, ())):
        return unquoted
    errors = list(Draft202012Validator(with_kinds(schema, config)).iter_errors(config))
    faulty = {tuple(map(str, error.absolute_path))[:2] for error in errors}
    between_keys = () if ("datasets",) in faulty or () in faulty else _between_keys(config["datasets"], faulty)
    return sorted({line for error in errors for line in _lines(error)} | set(between_keys))


def with_kinds(schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in which every dataset of a config has the keys of its kind."""
    datasets = config.get("datasets")
    entries = datasets if isinstance(datasets, Mapping) else {}
    found = {str(name): dataset_schema(kind_of(str(name), settings)) for name, settings in entries.items()}
    named = {**schema["properties"]["datasets"], "properties": found}
    return {**schema, "properties": {**schema["properties"], "datasets": named}}


def dataset_schema(kind: str) -> dict[str, Any]:
    """The schema of a dataset of a kind; of an unknown one, a schema that says which there are."""
    known = {"kind": {"enum": kinds(), "remedy": f"one of {listed(kinds())}"}}
    if kind not in kinds():
        return {"type": "object", "properties": known}
    own = schema_of(find_kind(kind))
    return {**own, "properties": {**known, **own.get("properties", {})}, "additionalProperties": False}


def _between_keys(datasets: Mapping[str, Any], faulty: Collection[tuple[str, ...]]) -> Iterator[str]:
    """Faults of datasets each of whose keys is allowed by itself.

    Args:
        datasets: entries by name.
        faulty: places in the config whose faults are known.
    """
    for name, settings in datasets.items():
        if ("datasets", name) not in faulty:
            yield from (f"datasets.{name}.{fault}" for fault in source_of(name, settings).faults())


def _unwieldy(config: Any) -> bool:
    """Whether a config, its aliases written out, is larger or deeper than that of any study."""
    waiting, entries = [(config, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        entries += 1
        if entries > MOST_ENTRIES or depth > DEEPEST:
            return True
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting += [(part, depth + 1) for part in parts]
    return False


def _unquoted(config: Any, above: tuple[str, ...]) -> Iterator[str]:
    """Faults of keys that are no text: what was written is lost, as 010 is 8 and `no` is false."""
    parts = config.items() if isinstance(config, Mapping) else enumerate(config) if isinstance(config, list) else ()
    for key, value in parts:
        if above and isinstance(config, Mapping) and not isinstance(key, str):
            yield f"{'.'.join(above)}.{key}: YAML reads this name as {_kind(key)}, not as text; put the name in quotes"
        yield from _unquoted(value, (*above, str(key)))


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", list: "a list"}
    return kinds.get(type(value), "a date" if isinstance(value, date) else type(value).__name__)


def complete(config: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Fill in, in place, what a config leaves out, copies of networks among it, as every stage of a study sees it.

    Returns:
        Faults of the config, one line each, as of `check_config`; where there are any, it is of no use.
    """
    if faults := check_config(config, schema):
        return faults
    expand_homes(config)
    readouts_are_default = "readouts" not in config
    fill_defaults(config, schema)
    if readouts_are_default:  # without those of networks that this study does not have
        config["readouts"] = readouts_for(config["networks"], config["readouts"])
    if faults := find_absent(config):
        return faults
    config["networks"] = with_copies(config["networks"], config["seed"])
    return find_misnamed(config)


def expand_homes(config: Mapping[str, Any]) -> None:
    """Write out, in place, the `~` that paths of files begin with."""
    for _, settings, key in _paths(config):
        if str(settings[key]).startswith("~"):
            settings[key] = os.path.expanduser(settings[key])


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The entries that name files, of datasets and networks: where, their settings, the key."""
    yield from _dataset_paths(config)
    for name, settings in config.get("networks", {}).items():
        yield from ((f"networks.{name}.{key}", settings, key) for key in NETWORK_PATH_KEYS if key in settings)


def _dataset_paths(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Those of datasets."""
    for name, settings in config["datasets"].items():
        for key, rule in dataset_schema(kind_of(name, settings))["properties"].items():
            if rule.get("format") == "path" and key in settings:
                yield f"datasets.{name}.{key}", settings, key


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
    elif error.validator == "dependentRequired":
        for key, others in cast(dict[str, list[str]], error.validator_value).items():
            if key in given and (missing := [other for other in others if other not in given]):
                yield f"{place}.{key}: goes with {', '.join(missing)}; add it, or leave {key} out"
    elif error.validator == "type" and rule.get("type") == "string" and isinstance(given, bool | float | int | date):
        remedy = f"{_remedy(rule, 'give a text')}, in quotes since YAML reads it as {_kind(given)}"
        yield f"{place}: {given} does not do; {remedy}"
    elif unquoted := [part for part in error.context or () if _is_unquoted(part)]:
        for part in unquoted:
            yield from _lines(part)
    else:
        problem = f"{given!r} does not do" if _remedy(rule, "") else error.message
        yield f"{place}: {printable(problem)}; {_remedy(rule, 'correct it')}"


def _remedy(rule: Mapping[str, Any], otherwise: str) -> str:
    """What the user should give."""
    return str(
        rule.get("remedy", "give a path" if rule.get("format") == "path" else rule.get("description", otherwise))
    )


def _is_unquoted(error: ValidationError) -> bool:
    """Whether an alternative of a value's failed by one item of a list, which YAML did not read as text."""
    wants_text = error.validator == "type" and cast(dict[str, Any], error.schema).get("type") == "string"
    return wants_text and len(error.path) > 0 and not isinstance(error.instance, Mapping | list)


def fill_defaults(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Set, in place, every key that the schema has a default for and the config leaves out, at every depth."""
    _fill(config, with_kinds(schema, config))


def _fill(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    for key, rule in schema.get("properties", {}).items():
        if "default" in rule and key not in config:
            config[key] = _copied(rule["default"])
    for key, value in config.items():
        rule = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if isinstance(value, dict) and isinstance(rule, Mapping):
            _fill(value, rule)


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def names_of_copies(name: str, settings: Mapping[str, Any]) -> list[str]:
    """Names of the random copies that a network asks for: `NAME_seed1`, `NAME_seed2` and so on."""
    return [f"{name}_seed{i}" for i in range(1, settings.get("copies", 0) + 1)]


def with_copies(networks: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The networks of a config, each followed by the random copies that it asks for, as networks of their own.

    Args:
        networks: name to settings.
        seed: the study's; copy i has a network's own seed, or else this, plus i.
    """
    found: dict[str, Any] = {}
    for name, settings in networks.items():
        # Without `copies`, so that to ask for more of them runs no network again.
        found[name] = {key: value for key, value in settings.items() if key != "copies"}
        shared = {key: value for key, value in found[name].items() if key not in ("sha256", "keep")}
        for i, copy in enumerate(names_of_copies(name, settings), start=1):
            found[copy] = shared | {"weights": "random", "seed": settings.get("seed", seed) + i}
    return found


def readouts_for(networks: Mapping[str, Any], readouts: Mapping[str, Any]) -> dict[str, Any]:
    """Of the default readouts those that a study of these networks can have: all that they name are there."""
    return {name: readout for name, readout in readouts.items() if set(readout.get("networks", [])) <= set(networks)}


def find_absent(config: Mapping[str, Any]) -> list[str]:
    """Faults of paths and weights: files that are not there, weights that nobody has, names given twice."""
    networks = config["networks"]
    absent = [
        f"{where}: no such file or folder {settings[key]!r}; correct the path"
        for where, settings, key in _dataset_paths(config)
        if not Path(settings[key]).exists()
    ]
    absent += [
        f"{where}: braces in {settings[key]!r}, which Snakemake fills in; rename the file or folder"
        for where, settings, key in _paths(config)
        if {"{", "}"} & set(settings[key])
    ]
    for name, settings in networks.items():
        architecture, where = settings["architecture"], f"networks.{name}"
        if fault := weights_fault(architecture, settings["weights"], settings.get("sha256")):
            absent.append(f"{where}.weights: {fault}")
        file = architecture.rpartition(":")[0]
        if file.endswith(".py") and not Path(file).is_file():
            absent.append(f"{where}.architecture: no such file {file!r}; correct the path")
        folder = settings.get("python_path")
        if folder is not None and ":" not in architecture:
            absent.append(f"{where}.python_path: goes with code of your own; leave it out")
        elif folder is not None and not Path(folder).expanduser().is_dir():
            absent.append(f"{where}.python_path: no such folder {folder!r}; correct the path")
        for copy in names_of_copies(name, settings):
            if copy in networks:
                absent.append(f"{where}.copies: {copy} is another network's name; rename that")
    return absent


def find_misnamed(config: Mapping[str, Any]) -> list[str]:
    """Faults of what names a network: readouts and trained encoders of a config with defaults filled in."""
    networks = config["networks"]
    faults = [f"networks.{CATEGORY}: the RDMs of labels go by this name; rename it"] if CATEGORY in networks else []
    faults += [
        f"readouts.{name}.networks: no network {network!r}; {nearest(network, networks)}"
        for name, readout in config["readouts"].items()
        for network in readout.get("networks", [])
        if network not in networks
    ]
    return faults + [
        f"trained.{name}{fault}"
        for name, entry in config["trained"].items()
        for fault in [*_misnamed(name, entry, networks), *_absent(entry, config["datasets"])]
    ]


def _absent(entry: Mapping[str, Any], datasets: Mapping[str, Any]) -> Iterator[str]:
    """Datasets that an entry under `trained` names and the study does not have."""
    for dataset in entry.get("datasets", []):
        if dataset not in datasets:
            yield f".datasets: no dataset {dataset!r}; {nearest(dataset, datasets)}"


def _misnamed(name: str, entry: Mapping[str, Any], networks: Mapping[str, Any]) -> Iterator[str]:
    """Faults of an entry under `trained` that the schema cannot tell, without the entry's name."""
    network, cnn = entry["network"], entry.get("cnn", {})
    if name in networks:
        yield ": a network has this name too; rename one"
    if network not in ("cnn", "hybrid", *networks):
        yield f".network: no network {network!r}; {nearest(network, ['cnn', 'hybrid', *networks])}"
    elif network in networks and networks[network]["architecture"] == "labels":
        yield f".network: {network} sees no images; name another"
    for key, owner in (("cnn", "cnn"), ("weights", "hybrid")):
        if key in entry and network != owner:
            yield f".{key}: goes with network: {owner}; leave it out"
    if "channels" in cnn and len(cnn["channels"]) != cnn.get("layers", 2):
        yield f".cnn.channels: {len(cnn['channels'])} for {cnn.get('layers', 2)} layers; give one a layer"
    over = entry.get("search", {}).get("over", {})
    if "layers" in over and (network != "cnn" or "channels" in cnn):
        yield ".search.over.layers: goes with network: cnn, without channels; leave it out"
        return
    for key, values in over.items():
        own = cnn.get("layers", 2) if key == "layers" else entry.get(key)
        ranged = len(values) == 2 and not isinstance(values[0], str)
        if own is None or not (min(values) <= own <= max(values) if ranged else own in values):
            yield f".search.over.{key}: without the entry's own {own}, the first to be tried; give both"

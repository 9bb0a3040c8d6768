"""Generate the reference page of all config keys, and the schema for editors, from the dataclasses of the keys."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from ventral.data.kinds import kinds
from ventral.networks.settings import NetworkEntry
from ventral.readouts import catalogue
from ventral.readouts.contract import Readout
from ventral.study.phrases import phrase
from ventral.study.schema import Schema, dataset_schema, readout_schema, schema_for_editors, schema_of
from ventral.study.settings import DatasetEntry, StudySettings
from ventral.training.settings import TrainedEntry

INTRODUCTION = """\
# Every key of a config

<!-- Written by `python -m ventral schema` from the dataclasses that declare the keys. -->

A config is a YAML file. `datasets` is the only key that it must have. A key that you leave out has its default; if it
has no default, it changes nothing. [config.yaml](../config.yaml) is the default study.

YAML takes some words for other values. Put names such as `no`, `on` or `0101` in quotes, and write small numbers with
a point, such as `1.0e-3`.
"""
DATASETS = """\
The recordings. Each entry is a name with its keys. The kind of an entry says which keys it takes. Several entries may
have the same kind. [data.md](data.md) says what each kind reads.

```yaml
datasets:
  majaj: {source: published}
  bo: {kind: xiao, source: dandi, sessions: {subject: Bo}}
  mine: {images: images.zip, responses: responses.npy, region: IT}
```
"""
NETWORKS = """\
The networks that run on the images. Each entry is a name with its keys. [models.md](models.md) explains the choices.
Without `networks`, a study has those of config.yaml.

```yaml
networks:
  resnet50: {architecture: resnet50, weights: pretrained}
  mine: {architecture: "nets.py:build", weights: mine.pth, layers: ["layer*", avgpool]}
```
"""
READOUTS = """\
The readouts, which predict rates from the features of every layer. Each entry is a name with its keys. The kind of an
entry says which keys it takes. [models.md](models.md) explains the choices. Without `readouts`, a study has those of
config.yaml that fit its networks.

```yaml
readouts:
  ridge_loo: {alpha: loo}
  pls25: {pls: 25, networks: [resnet50]}
```
"""
TRAINED = """\
The networks that are trained on the neurons. Each entry is a name with its keys. [models.md](models.md) explains the
choices. Without `trained`, a study has none.

```yaml
trained:
  tuned: {network: resnet50, layer: avgpool, trainable: [layer4*], backbone_learning_rate: 1.0e-4}
  searched: {network: cnn, search: {trials: 50, over: {layers: [1, 2, 3], learning_rate: [1.0e-4, 1.0e-2]}}}
```
"""


def generated() -> dict[str, str]:
    """Make the text of every generated file, by its path from the root of the project."""
    return {"workflow/schemas/config.schema.yaml": schema_for_editors(), "docs/config.md": reference()}


def reference() -> str:
    """Make the reference page, in Markdown."""
    sections = ["## The whole study\n", *tables("", schema_of(StudySettings))]
    sections += ["## `datasets`\n", DATASETS, *_kinds("datasets", kinds(), dataset_schema, DatasetEntry)]
    sections += ["## `networks`\n", NETWORKS, *tables("networks.NAME", schema_of(NetworkEntry))]
    sections += ["## `readouts`\n", READOUTS, *_kinds("readouts", catalogue.kinds(), readout_schema, Readout)]
    sections += ["## `trained`\n", TRAINED, *tables("trained.NAME", schema_of(TrainedEntry))]
    return "\n".join([INTRODUCTION, *sections])


def _kinds(part: str, kinds: Sequence[str], schema_of_kind: Callable[[str], Schema], common: type) -> Iterator[str]:
    """Yield the keys that all entries of a part share, then those of each kind."""
    shared = schema_of(common)["properties"]
    for kind in kinds:
        rule = schema_of_kind(kind)
        if kind == kinds[0]:
            yield from tables(f"{part}.NAME", {"properties": {key: rule["properties"][key] for key in shared}})
        yield f"### Kind `{kind}`\n\n{rule['description']}\n"
        own = {key: value for key, value in rule["properties"].items() if key not in shared}
        yield from tables(f"{part}.NAME", {**rule, "properties": own})


def tables(place: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of the keys at a place of the config, then the tables of keys that are mappings themselves."""
    if rule["properties"]:
        rows = [_row(key, part, key in rule.get("required", ())) for key, part in rule["properties"].items()]
        yield "\n".join(["| key | value | default | example | meaning |", "|---|---|---|---|---|", *rows, ""])
    for key, part in rule["properties"].items():
        for inner in _mappings(part):
            where = f"{place}.{key}" if place else key
            yield f"#### `{where}`\n"
            yield from tables(where, inner)


def _mappings(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Select the values of a key that are mappings with fixed keys."""
    return [part for part in rule.get("anyOf", [rule]) if part.get("properties")]


def _row(key: str, rule: Mapping[str, Any], required: bool) -> str:
    nested = rule.get("type") == "object"
    default = "required" if required else "" if nested or "default" not in rule else f"`{_yaml(rule['default'])}`"
    example = "" if nested or example_of(rule) is None else f"`{_yaml(example_of(rule))}`"
    cells = [f"`{key}`", "keys, see below" if nested else phrase(rule), default, example, rule["description"]]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def example_of(rule: Mapping[str, Any]) -> Any:
    """Choose an example of a key: the declared one, or else a value other than the default, or else the default.

    None if the key has no example, no default and no list of values.
    """
    others = [True, False] if rule.get("type") == "boolean" else rule.get("enum", [])
    others = [value for value in others if value != rule.get("default")]
    return [*rule.get("examples", []), *others, rule.get("default")][0]


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()

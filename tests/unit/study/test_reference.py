"""Generated files agree with the dataclasses of config keys: schema for editors, page of keys, defaults."""

import copy
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from ventral.data.kinds import kinds
from ventral.networks.settings import NetworkEntry
from ventral.readouts import catalogue
from ventral.report.catalogue import catalogue_page
from ventral.study.faults import check_config
from ventral.study.reference import example_of, generated, reference
from ventral.study.schema import build, dataset_schema, fill_defaults, readout_schema, schema_of
from ventral.study.settings import Split, StudySettings
from ventral.training.settings import TrainedEntry

ROOT = Path(__file__).parents[3]
SCHEMAS = {
    "study": schema_of(StudySettings),
    "networks": schema_of(NetworkEntry),
    "trained": schema_of(TrainedEntry),
    **{kind: dataset_schema(kind) for kind in kinds()},
    **{kind: readout_schema(kind) for kind in catalogue.kinds()},
}
STUDIES = [ROOT / "config.yaml", *(ROOT / "config" / f"{name}.yaml" for name in ("published", "small", "v4"))]


def leaves(rule, where):
    """Every key that is no mapping of further keys: its place and its schema."""
    for key, part in rule["properties"].items():
        inner = [other for other in part.get("anyOf", [part]) if other.get("properties")]
        for other in inner:
            yield from leaves(other, f"{where}.{key}")
        if part.get("type") != "object":
            yield f"{where}.{key}", part


LEAVES = dict(leaf for part, rule in SCHEMAS.items() for leaf in leaves(rule, part))


GENERATED = generated() | {"docs/catalogue.md": catalogue_page()}


@pytest.mark.parametrize("path", GENERATED)
def test_what_is_committed_is_what_the_dataclasses_give(path):
    assert (ROOT / path).read_text() == GENERATED[path], "run python -m ventral schema"


def test_the_default_study_has_the_defaults():
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    del study["trained"]  # its encoders name networks that another study may not have
    bare = {"datasets": copy.deepcopy(study["datasets"])}
    fill_defaults(study)
    fill_defaults(bare)
    assert bare == study


@pytest.mark.parametrize("place", LEAVES)
def test_every_key_has_a_meaning_and_an_example_that_is_allowed(place):
    rule = LEAVES[place]
    assert rule["description"] and f"`{place.rpartition('.')[2]}`" in reference()
    assert Draft202012Validator(rule).is_valid(example_of(rule))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_editors_find_the_studies_of_the_project_sound(path):
    validator = Draft202012Validator(yaml.safe_load(generated()["workflow/schemas/config.schema.yaml"]))
    assert not list(validator.iter_errors(yaml.safe_load(path.read_text())))


@pytest.mark.parametrize(
    "part, entry",
    [
        ("datasets", {"majaj": {"source": "dandi"}}),
        ("datasets", {"majaj": {"kind": "xiao", "source": "published"}}),
        ("datasets", {"mine": {"kind": "xiao", "images": "a", "responses": "b"}}),
        ("datasets", {"mine": {"source": "simulated"}}),
        ("datasets", {"mine": {"kind": "majja", "source": "simulated"}}),
        ("readouts", {"a": {"pls": 3, "alpha": 1}}),
        ("readouts", {"a": {"kind": "mlp", "alpha": 1}}),
        ("readouts", {"a": {}}),
        ("networks", {"a": {}}),
    ],
)
def test_editors_and_the_study_find_the_same_entries_faulty(part, entry):
    validator = Draft202012Validator(yaml.safe_load(generated()["workflow/schemas/config.schema.yaml"]))
    config = {"datasets": {"majaj": {"source": "simulated"}}} | {part: entry}
    assert check_config(config) and not validator.is_valid(config)


def test_checked_settings_become_an_object():
    entry = build(TrainedEntry, {"network": "cnn", "cnn": {"channels": [4, 8]}, "trainable": ["block1"]})
    assert entry.cnn.channels == (4, 8) and entry.cnn.kernel == 5 and entry.trainable == ("block1",)
    assert build(StudySettings, {"split": {"val": 0.3}}).split == Split(val=0.3, test=0.2)

"""Faults of a config, one line each, by the schema of the workflow."""

import copy
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ventral.study.config import complete, find_misnamed, names_of_copies, readouts_for, with_copies
from ventral.study.faults import check_config
from ventral.study.schema import fill_defaults, schema

ROOT = Path(__file__).parents[3]
GOOD = {
    "datasets": {
        "majaj": {"source": "simulated", "simulation": {"n_images": 128}},
        "mine": {"images": "images.zip", "responses": "rates.npy"},
    },
    "networks": {"pixels": {"architecture": "pixels"}},
    "readouts": {"ols": {"alpha": 0}},
}
PIXELS = {"architecture": "pixels", "weights": "random", "layers": "auto", "precision": "float32"}


def changed(path: str, value: object) -> dict:
    """The good config with the entry at a dotted path set to `value`, or taken out where it is `...`."""
    config = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    inside = config
    for key in parents:
        inside = inside.setdefault(key, {})
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return config


@pytest.mark.parametrize("file", ["config.yaml", "config/small.yaml", "config/v4.yaml"])
def test_the_studies_of_the_project_are_sound(file):
    assert check_config(yaml.safe_load((ROOT / file).read_text())) == []


def test_a_sound_config_has_no_faults():
    assert check_config(GOOD) == []


@pytest.mark.parametrize(
    "path, remedy",
    [
        ("sede", "did you mean seed?"),
        ("split.tset", "did you mean test?"),
        ("resources.mem", "did you mean mem_mb?"),
        ("datasets.majaj.asembly", "did you mean assembly?"),
        ("datasets.majaj.simulation.n_image", "did you mean n_images?"),
        ("datasets.mine.image", "did you mean images?"),
        ("datasets.kriegeskorte92.path", "known are: kind"),
        ("networks.pixels.weight", "did you mean weights?"),
        ("readouts.ols.component", "did you mean components?"),
        ("readouts.ols.zzzz", "known are: alpha, components, rank_cut, kind, networks, per"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(path, remedy):
    kinds = {"datasets.majaj": "majaj", "datasets.mine": "files", "datasets.kriegeskorte92": "kriegeskorte92"}
    kind = (kinds | {"readouts.ols": "ridge"}).get(path.rpartition(".")[0])
    assert check_config(changed(path, 1)) == [f"{path}: unknown key{f' of kind {kind}' if kind else ''}; {remedy}"]


@pytest.mark.parametrize(
    "path, value, fault",
    [
        ("seed", "x", "seed: 'x' is not allowed; give a whole number from 0"),
        ("seed", -1, "seed: -1 is not allowed; give a whole number from 0"),
        ("device", "gpu", "device: 'gpu' is not allowed; give one of auto, cpu, cuda"),
        ("bootstrap", 10, "bootstrap: 10 is not allowed; give a whole number from 100"),
        ("split.val", 0.9, "split.val: 0.9 is not allowed; give a number above 0 and up to 0.4"),
        (
            "networks.pixels.image_size",
            1.5,
            "networks.pixels.image_size: 1.5 is not allowed; give a whole number from 8",
        ),
        ("networks.pixels.layers", "all", "networks.pixels.layers: 'all' is not allowed; give auto, or a list"),
        ("readouts.ols.alpha", -1, "readouts.ols.alpha: -1 is not allowed; give loo, cv or a number from 0"),
        (
            "datasets.majaj.source",
            "web",
            "datasets.majaj.source: 'web' is not allowed; give one of simulated, files, published",
        ),
        ("datasets.mine.images", 3, "datasets.mine.images: 3 is not allowed; give a path"),
        (
            "datasets.mine.layout",
            ["neuron"],
            "datasets.mine.layout.0: 'neuron' is not allowed; give one of stimulus, neuroid, repeat",
        ),
        (
            "datasets.xiao",
            {"source": "simulated", "crop_degrees": 0},
            "datasets.xiao.crop_degrees: 0 is not allowed; give a number from 0.1 to 60",
        ),
        (
            "datasets.xiao",
            {"source": "simulated", "fixations_per_session": "all"},
            "datasets.xiao.fixations_per_session: 'all' is not allowed; give a whole number from 12",
        ),
        ("datasets", {}, "datasets: {} is not allowed; give one entry or more"),
        ("networks", None, "networks: an empty value is not allowed; give one entry or more"),
        ("datasets.my-own", {"images": "a", "responses": "b"}, "datasets: 'my-own' is not allowed; use letters"),
    ],
)
def test_a_wrong_value_is_one_line(path, value, fault):
    faults = check_config(changed(path, value))
    assert len(faults) == 1
    assert faults[0].startswith(fault)
    assert "\n" not in faults[0]


@pytest.mark.parametrize(
    "path, value, fault",
    [
        ("datasets", ..., "top level: missing datasets; add it"),
        ("networks.pixels.architecture", ..., "networks.pixels: missing architecture; add it"),
        ("datasets.mine.responses", ..., "datasets.mine: missing responses; add it"),
        (
            "datasets.majaj",
            {"source": "files"},
            "datasets.majaj.source: files needs assembly, stimuli, images; add the path of each",
        ),
        (
            "datasets.majaj",
            {"source": "course_file"},
            "datasets.majaj.source: course_file needs course_file; add its path",
        ),
        (
            "datasets.majaj",
            {"source": "course_file", "course_file": "a", "stimuli": "b"},
            "datasets.majaj.stimuli: needs assembly too; add assembly, or leave stimuli out",
        ),
        (
            "datasets.xiao",
            {"source": "files", "sessions": ["An220105"]},
            "datasets.xiao.source: files needs path, tables; add the path of each",
        ),
        (
            "datasets.xiao",
            {"source": "files", "path": "a", "tables": "b"},
            "datasets.xiao.sessions: source: files needs a list of sessions; give session names such as An220105",
        ),
        (
            "datasets.xiao",
            {"source": "dandi", "sessions": {}},
            "datasets.xiao.sessions: has no condition; give region, subject or min_units",
        ),
    ],
)
def test_what_is_missing_is_named(path, value, fault):
    assert check_config(changed(path, value)) == [fault]


def test_a_name_that_is_no_published_set_is_own_recordings():
    faults = check_config(changed("datasets.majja", {"source": "simulated"}))
    assert faults == [
        "datasets.majja.source: unknown key of kind files; "
        "known are: images, responses, sha256, layout, image_size, region, subject, units, kind",
        "datasets.majja: missing images, responses; add them",
    ]


def test_an_entry_has_the_keys_of_its_kind_whatever_its_name():
    datasets = {
        "hvm": {"kind": "majaj", "source": "simulated"},
        "majaj": {"kind": "majaj", "source": "published"},
        "xiao": {"kind": "files", "images": "images.zip", "responses": "rates.npy"},
        "xiao_v4": {"kind": "xiao", "source": "dandi", "sessions": {"region": "V4"}},
        "xiao_it": {"kind": "xiao", "source": "dandi", "sessions": {"region": ["AIT", "CIT"]}},
    }
    config = copy.deepcopy(GOOD | {"datasets": datasets})
    assert check_config(config) == []
    fill_defaults(config)
    assert config["datasets"]["hvm"]["simulation"]["n_sites"] == 48
    assert config["datasets"]["xiao"]["region"] == "all" and "window_ms" not in config["datasets"]["xiao"]
    assert config["datasets"]["xiao_it"]["window_ms"] == 200


def test_a_readout_has_the_keys_of_its_kind():
    readouts = {
        "a": {"kind": "pls", "pls": 3},
        "b": {"pls": 3, "networks": ["pixels"], "per": "subject"},
        "c": {"mlp": [8], "components": 10, "rank_cut": 0},
        "d": {"alpha": "cv"},
    }
    assert check_config(GOOD | {"readouts": readouts}) == []
    faults = check_config(GOOD | {"readouts": {"a": {"kind": "mlp", "pls": 3}}})
    assert faults == [
        "readouts.a.pls: unknown key of kind mlp; known are: mlp, components, rank_cut, kind, networks, per",
        "readouts.a: missing mlp; add it",
    ]


@pytest.mark.parametrize(
    "path, known",
    [("datasets.mine", "cowley_v4, files, kriegeskorte92, majaj, xiao"), ("readouts.ols", "mlp, pls, ridge")],
)
@pytest.mark.parametrize("kind", ["ridges", 3, None, ["files"]])
def test_an_unknown_kind_is_one_line(path, known, kind):
    shown = "an empty value" if kind is None else repr(kind)
    said = f"{path}.kind: {shown} is not allowed; give one of {known}"
    assert check_config(changed(f"{path}.kind", kind)) == [said]


def test_a_number_that_yaml_reads_as_text_is_told_as_such():
    (fault,) = check_config(changed("trained.net", {"network": "cnn", "learning_rate": yaml.safe_load("1e-3")}))
    assert fault == (
        "trained.net.learning_rate: '1e-3' is not allowed; give a number above 0; "
        "YAML reads this one as text: write it without quotes, as 0.001 or 1.0e-3"
    )


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf")])
@pytest.mark.parametrize("path", ["readouts.ols.alpha", "networks.pixels.std", "trained.net.clip", "seed"])
def test_odd_numbers_end_in_no_traceback(path, value):
    config = changed("trained.net", {"network": "cnn"})
    *parents, last = path.split(".")
    inside = config
    for key in parents:
        inside = inside[key]
    inside[last] = [value] * 3 if last == "std" else value
    assert all("; " in line and "\n" not in line for line in check_config(config))


def test_faults_come_together_in_one_order():
    config = changed("sede", 1) | {"readouts": {"ols": {}}}
    expected = ["readouts.ols: missing alpha; add it", "sede: unknown key; did you mean seed?"]
    assert check_config(config) == expected
    assert check_config(dict(reversed(config.items()))) == expected


def test_keys_that_yaml_makes_no_text_of_are_named():
    assert check_config(GOOD | {3: 1, True: 2, "zz": 0})[0].startswith("3: unknown key; known are")


@pytest.mark.parametrize(
    "text, name, kind",
    [
        ("datasets: {20220105: {images: a, responses: b}}", "datasets.20220105", "a number"),
        ("datasets: {2022-01-05: {images: a, responses: b}}", "datasets.2022-01-05", "a date"),
        ("datasets: {0x1F: {images: a, responses: b}}", "datasets.31", "a number"),
        ("networks: {1.5: {architecture: pixels}}", "networks.1.5", "a number"),
        ("networks: {null: {architecture: pixels}}", "networks.None", "nothing"),
        ("readouts: {no: {alpha: loo}}", "readouts.False", "true or false"),
        ("trained: {on: {network: cnn}}", "trained.True", "true or false"),
        (
            "trained: {cnn: {network: cnn, search: {over: {yes: [1, 2]}}}}",
            "trained.cnn.search.over.True",
            "true or false",
        ),
    ],
)
def test_names_that_yaml_reads_as_something_else_are_to_be_quoted(text, name, kind):
    config = copy.deepcopy(GOOD) | yaml.safe_load(text)
    said = f"{name}: YAML reads this name as {kind}, not as text; put the name in quotes"
    assert complete(config) == [said]


@pytest.mark.parametrize(
    "path, value, words",
    [
        ("datasets.mine.region", False, "False is not allowed; give the name of the recorded region, in quotes since"),
        (
            "datasets.mine.subject",
            date(2022, 1, 5),
            "2022-01-05 is not allowed; give the name of the animal, in quotes",
        ),
        ("networks.pixels.weights", 1, "in quotes since YAML reads it as a number"),
        (
            "networks.pixels.layers",
            [1],
            "networks.pixels.layers.0: 1 is not allowed; give a text, in quotes since YAML",
        ),
        (
            "datasets.xiao",
            {"source": "dandi", "sessions": [20220105]},
            "datasets.xiao.sessions.0: 20220105 is not allowed",
        ),
    ],
)
def test_values_that_yaml_reads_as_something_else_are_to_be_quoted(path, value, words):
    (fault,) = check_config(changed(path, value))
    assert fault.startswith(path) and words in fault


def test_homes_are_written_out_and_braces_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "images").mkdir()
    for name in ("r.npy", "net.py", "w.pt", "{r}.npy"):
        (tmp_path / name).touch()
    config = {
        "datasets": {"mine": {"images": "~/images", "responses": "~/r.npy"}},
        "networks": {"own": {"architecture": "~/net.py:make", "weights": "~/w.pt"}},
        "readouts": {"ols": {"alpha": 0}},
    }
    assert complete(config) == []
    assert config["datasets"]["mine"]["responses"] == str(tmp_path / "r.npy")
    assert config["networks"]["own"]["architecture"] == f"{tmp_path}/net.py:make"
    config["datasets"]["mine"]["responses"] = "~/{r}.npy"
    (fault,) = complete(config)
    assert fault.startswith("datasets.mine.responses: ") and " has braces, " in fault
    assert fault.endswith("; rename the file or folder")


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*schema({})["properties"], "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_config_gives_single_lines(value):
    config = value if isinstance(value, dict) else {"datasets": value}
    for line in check_config(config):
        assert "\n" not in line
        assert "; " in line


def test_defaults_are_filled_in_at_every_depth_and_nothing_given_is_changed():
    config = copy.deepcopy(GOOD)
    fill_defaults(config)
    assert (config["seed"], config["device"], config["bootstrap"], config["min_reliability"]) == (0, "auto", 1000, 0.1)
    assert config["split"] == {"val": 0.1, "test": 0.2}
    assert config["resources"] == {"mem_mb": 4000, "threads": 1}
    assert config["datasets"]["majaj"] == {
        "source": "simulated",
        "simulation": {"n_images": 128, "image_size": 64, "n_sites": 48, "repetitions": 20},
    }
    assert config["datasets"]["mine"] == {
        "images": "images.zip",
        "responses": "rates.npy",
        "layout": ["stimulus", "neuroid"],
        "region": "all",
        "subject": "unknown",
        "units": "Hz",
    }
    assert config["networks"]["pixels"] == PIXELS
    assert config["readouts"] == {"ols": {"alpha": 0}}
    assert check_config(config) == []


def test_defaults_of_one_entry_are_not_those_of_another():
    config, other = ({"split": {"val": 0.3}}, {})
    for one in (config, other):
        fill_defaults(one)
    config["resources"]["mem_mb"] = 1
    assert config["split"] == {"val": 0.3, "test": 0.2}
    assert other["resources"] == {"mem_mb": 4000, "threads": 1}
    assert schema({})["properties"]["resources"]["default"] == {}


def test_recordings_alone_are_a_study():
    config = {"datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}}}
    assert check_config(config) == []
    fill_defaults(config)
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert set(config["networks"]) == set(study["networks"]) and config["readouts"] == study["readouts"]
    assert config["networks"]["pixels"] == PIXELS


def test_copies_are_random_networks_with_seeds_of_their_own():
    networks = {
        "trained": {"architecture": "resnet18", "weights": "pretrained", "copies": 2, "keep": ["layer1"]},
        "random": {"architecture": "resnet18", "weights": "random", "seed": 7, "copies": 1},
        "pixels": {"architecture": "pixels", "weights": "random"},
    }
    found = with_copies(networks, seed=3)
    assert list(found) == ["trained", "trained_seed1", "trained_seed2", "random", "random_seed1", "pixels"]
    assert found["trained"] == {"architecture": "resnet18", "weights": "pretrained", "keep": ["layer1"]}
    assert found["trained_seed2"] == {"architecture": "resnet18", "weights": "random", "seed": 5}
    assert found["random_seed1"]["seed"] == 8
    assert found["pixels"] == networks["pixels"]
    assert names_of_copies("pixels", networks["pixels"]) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"architecture": "labels", "with_category": "object_name"},
        {"architecture": "file.py:make", "weights": "https://example.org/w.pth", "sha256": "0" * 64},
        {"architecture": "timm/vit_tiny_patch16_224", "layers": ["blocks.*"], "keep": ["norm"], "copies": 3, "seed": 1},
        {"architecture": "m:f", "mean": [0, 0, 0], "std": [1, 1, 1], "precision": "bfloat16", "channels_last": True},
    ],
)
def test_entries_of_networks(entry):
    assert check_config(GOOD | {"networks": {"net": entry}}) == []


@pytest.mark.parametrize(
    "key, value", [("copies", 0), ("std", [1, 1, 0]), ("mean", [0.5]), ("precision", "float16"), ("keep", "all")]
)
def test_faulty_entries_of_networks_are_named(key, value):
    (fault,) = check_config(changed(f"networks.pixels.{key}", value))[:1]
    assert fault.startswith(f"networks.pixels.{key}")


def test_trained_encoders_of_unknown_datasets_are_named():
    config = {
        "datasets": {"majaj": {"source": "simulated"}},
        "trained": {"c": {"network": "cnn", "datasets": ["magaj"]}},
    }
    fill_defaults(config)
    assert find_misnamed(config) == ["trained.c.datasets: no dataset 'magaj'; did you mean majaj?"]


def test_no_network_takes_the_name_of_the_rdms_of_labels():
    config = {"datasets": {"majaj": {"source": "simulated"}}, "networks": {"category": {"architecture": "pixels"}}}
    config["readouts"] = {"ols": {"alpha": 0}}
    fill_defaults(config)
    assert find_misnamed(config) == ["networks.category: the RDMs of labels have this name; rename it"]


def test_default_readouts_of_other_networks_are_left_out():
    config = {"datasets": {"majaj": {"source": "simulated"}}, "networks": {"pixels": {"architecture": "pixels"}}}
    fill_defaults(config)
    assert find_misnamed(config)
    config["readouts"] = readouts_for(config["networks"], config["readouts"])
    assert find_misnamed(config) == [] and list(config["readouts"]) == ["ridge_loo"]


@pytest.mark.parametrize("scale", ["equal", "as_is"])
def test_a_scale_of_labels_goes_with_labels(scale):
    entry = {"architecture": "pixels", "with_category": "object_name", "category_scale": scale}
    assert check_config(GOOD | {"networks": {"net": entry}}) == []
    del entry["with_category"]
    (fault,) = check_config(GOOD | {"networks": {"net": entry}})
    assert (
        fault == "networks.net.category_scale: needs with_category too; add with_category, or leave category_scale out"
    )


def test_no_neuroid_is_too_unreliable_for_a_study_that_says_so():
    assert check_config(GOOD | {"min_reliability": yaml.safe_load("-.inf")}) == []
    (fault,) = check_config(GOOD | {"min_reliability": 1})
    assert fault == "min_reliability: 1 is not allowed; give a reliability below 1"

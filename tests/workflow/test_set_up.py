"""The files that install and describe the project agree: lock, environments, defaults, rules, scripts."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ventral.study.doctor import joined
from ventral.study.faults import check_config
from ventral.study.schema import schema

REPO = Path(__file__).parents[2]
LOCK = (REPO / "requirements.lock").read_text().splitlines()
BY_CONDA_NAME = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}


def locked():
    """Version of every package of the lock."""
    pins = [line for line in LOCK if line.strip() and not line.lstrip().startswith("#")]
    return {canonicalize_name(name): version for name, version in (pin.split("==") for pin in pins)}


def environment(path):
    """Version of every package that an environment pins; Python and pip are not in the lock."""
    given = yaml.safe_load(path.read_text())["dependencies"]
    pip = next(entry["pip"] for entry in given if isinstance(entry, dict))
    pins = [entry for entry in given if isinstance(entry, str) and not re.match(r"(python|pip)\b", entry)] + pip
    versions = dict(re.fullmatch(r"(\S+) *==(\S+)", pin).groups() for pin in pins)
    return {canonicalize_name(BY_CONDA_NAME.get(name, name)): version for name, version in versions.items()}


def rules():
    """Text of every rule of the stages, by name; of one in a loop, whose name is in its body, as if it stood alone."""
    texts = [path.read_text() for path in sorted((REPO / "workflow" / "rules").glob("*.smk"))]
    found = [re.findall(r"^rule (\w+):\n((?:[ \t]+.*\n|\n)+)", text, re.MULTILINE) for text in texts]
    looped = [re.findall(r"^    rule:\n((?:[ \t]{8}.*\n|\n)+)", text, re.MULTILINE) for text in texts]
    bodies = [re.sub(r"^    ", "", body, flags=re.MULTILINE) for of_file in looped for body in of_file]
    named = {re.search(r'name:\s+"(\w+)"', body).group(1): body for body in bodies}
    return named | {name: body for of_file in found for name, body in of_file}


def test_lock_satisfies_the_project():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    versions = locked()
    for text in project["dependencies"] + project["optional-dependencies"]["dev"]:
        needed = Requirement(text)
        assert needed.specifier.contains(versions[canonicalize_name(needed.name)]), text


def test_lock_names_no_address_and_no_build():
    assert LOCK
    assert not [line for line in LOCK if re.search(r"://|\+|@|^ *-|--", line)]


@pytest.mark.parametrize("path", sorted((REPO / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_environments_pin_what_the_lock_pins(path):
    versions = environment(path)
    assert {"torch", "numpy", "matplotlib", "h5netcdf"} <= set(versions)
    assert versions == {name: locked()[name] for name in versions}


def defaults(config, rules, where=""):
    """Key, value and default of everything that both config and schema give."""
    for key, rule in rules.get("properties", {}).items():
        if key in config and "properties" in rule:
            yield from defaults(config[key], rule, f"{where}{key}.")
        elif key in config and "default" in rule:
            yield f"{where}{key}", config[key], rule["default"]


def test_default_study_spells_out_the_defaults():
    study = yaml.safe_load((REPO / "config.yaml").read_text())
    found = {key: (value, default) for key, value, default in defaults(study, schema(study))}
    assert {"seed", "bootstrap", "split.test", "resources.mem_mb", "datasets.majaj.simulation.n_images"} <= set(found)
    assert found.pop("trained")[1] == {}  # its encoders name networks that another study may not have
    assert not {key: pair for key, pair in found.items() if pair[0] != pair[1]}


@pytest.mark.parametrize(
    "path", [Path("config.yaml"), *sorted(p.relative_to(REPO) for p in REPO.glob("config/*.yaml"))], ids=str
)
def test_configs_are_sound(path):
    config = yaml.safe_load((REPO / path).read_text())
    if path.name == "rehearsal.yaml":  # which stands behind another
        config = joined(yaml.safe_load((REPO / "config" / "published.yaml").read_text()), config)
    assert check_config(config) == []


def test_lint(snakemake, tmp_path):
    done = snakemake(tmp_path, "--lint", "--configfile", REPO / "config.yaml")
    assert done.returncode == 0, done.stdout


def test_every_script_has_its_rule():
    assert set(rules()) == {path.stem for path in (REPO / "scripts").glob("*.py")}


@pytest.mark.parametrize("name", rules())
def test_rule_is_complete(name):
    body = rules()[name]
    assert re.match(r' +"""[A-Z].+\."""\n', body), "docstring"
    for part in ("output", "log", "benchmark", "conda", "threads", "resources", "script"):
        assert re.search(rf"^    {part}:", body, re.MULTILINE), part
    for part in ("mem_mb", "runtime"):  # more at each attempt
        assert re.search(rf"^        {part}=(enough\(|figure_memory,)", body, re.MULTILINE), part
    assert f'"../../scripts/{name}.py"' in body

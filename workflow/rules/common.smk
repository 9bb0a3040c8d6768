"""The study as every stage sees it: its config checked, its datasets sorted by what they hold, paths and code."""

import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

HOME = Path(workflow.basedir)
# Scripts run in processes of their own, on other machines too; all find the library by this.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(HOME), os.getenv("PYTHONPATH")])))
sys.path[:0] = [str(HOME), str(HOME / "workflow")]

from imports import imported_files
from ventral.config import check_config, fill_defaults
from ventral.errors import InputError

CONFIG_FILE = str((workflow.configfiles or ["config"])[-1])
SCHEMA = yaml.safe_load((HOME / "workflow" / "schemas" / "config.schema.yaml").read_text())


def refuse(faults):
    """End before any job starts, with one line a fault."""
    if faults:
        raise WorkflowError("\n".join(f"{CONFIG_FILE}: {fault}" for fault in faults))


refuse(check_config(config, SCHEMA))
fill_defaults(config, SCHEMA)

DATASETS = config["datasets"]
PUBLISHED = {"majaj", "xiao", "kriegeskorte92"}
OWN = [name for name in DATASETS if name not in PUBLISHED]
WITH_RATES = [name for name in DATASETS if name != "kriegeskorte92"]
XIAO_HAS_IMAGES = "xiao" in DATASETS and (DATASETS["xiao"]["source"] != "files" or "stimuli" in DATASETS["xiao"])
WITH_IMAGES = [name for name in DATASETS if name != "xiao" or XIAO_HAS_IMAGES]
WITH_ENCODERS = [name for name in WITH_RATES if name in WITH_IMAGES]

PATH_KEYS = ("images", "responses", "assembly", "stimuli", "course_file", "path", "tables")
refuse(
    [
        f"datasets.{name}.{key}: no such file or folder {settings[key]!r}; correct the path"
        for name, settings in DATASETS.items()
        for key in PATH_KEYS
        if key in settings and not Path(settings[key]).exists()
    ]
    + [
        f"networks.{name}.weights: no such file {settings['weights']!r}; correct the path, or give random or pretrained"
        for name, settings in config["networks"].items()
        if settings["weights"] not in ("random", "pretrained") and not Path(settings["weights"]).is_file()
    ]
)


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    network="[A-Za-z0-9_]+",
    readout="[A-Za-z0-9_.-]+",
    protocol="holdout|brainscore|kfold",
    session="[A-Za-z0-9_]+",


def code_of(script):
    """The library files that a script imports: an edit of one of them reruns the rule, an edit elsewhere does not."""
    files = imported_files(HOME / "scripts" / f"{script}.py", HOME)
    return sorted(os.path.relpath(file) for file in files)


def contents(path):
    """A file, or the files of a folder: what a rule depends on when the user names either."""
    path = Path(path)
    return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else str(path)


def weights_file(wildcards):
    """The file of weights that the user names for a network, so that another file reruns it."""
    weights = config["networks"][wildcards.network]["weights"]
    return [] if weights in ("random", "pretrained") else weights

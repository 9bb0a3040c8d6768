"""Shared by all rules: the checked config, the library files that a script needs, and resources of jobs."""

import os
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# `workflow.basedir` would be wrong if another Snakefile uses this workflow as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if not (HOME / "ventral").is_dir():
    raise WorkflowError(
        f"{HOME}: not a folder that holds the library ventral; clone the repository and name its Snakefile"
    )
# Scripts run in processes of their own, perhaps on other machines. They find the library by this path.
PYTHON_PATH = os.pathsep.join(filter(None, [str(HOME), os.getenv("PYTHONPATH")]))
os.environ.update(PYTHONPATH=PYTHON_PATH)
sys.path[:0] = [str(HOME), str(HOME / "workflow")]

from ventral.files.atomic import check_writable
from ventral.files.errors import InputError
from ventral.files.listing import list_files
from ventral.study import paths
from ventral.study.config import complete
from ventral.study.imports import imported_files

CONFIG_FILE = str((workflow.configfiles or ["config"])[-1])


def refuse(faults):
    """If there are faults, stop before any job starts, with one line for each."""
    if faults:
        raise WorkflowError("\n".join(f"{CONFIG_FILE}: {fault}" for fault in faults))


try:
    for folder in (".", "results", "resources"):
        check_writable(folder)
except InputError as fault:
    raise WorkflowError(str(fault))

refuse(complete(config))

# Jobs that read and check responses run before all networks, so that faults of responses show first. Networks do not
# depend on responses, so the order comes from `priority` and from the resource `turn`: the profiles grant this many
# turns, of which a job that reads takes all, and a job that runs a network takes one. `ancient` inputs would not do:
# where Snakemake makes such an input again, it overlooks all other changes of the jobs that have it.
TURN = 1000

# Environment of jobs that run networks.
NETWORK_ENV = str(HOME / "envs" / ("cpu.yaml" if config["device"] == "cpu" else "gpu.yaml"))


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    network="[A-Za-z0-9_]+",
    readout="[A-Za-z0-9_.-]+",
    protocol="holdout|brainscore|kfold",
    session="[A-Za-z0-9_]+",


def gpus(wildcards):
    """Count the GPUs of a job that runs a network. Without a GPU it is 0, so that jobs run side by side."""
    is_likely = not workflow.local_exec or shutil.which("nvidia-smi")
    return 1 if config["device"] == "cuda" or (config["device"] == "auto" and is_likely) else 0


def code_of(script, *parts):
    """List the library files that a script imports. An edit of one of them reruns its jobs; other edits do not.

    Args:
        script: its name.
        parts: files of the library that the script finds by name, such as `readouts/ridge.py`.
    """
    parts = [HOME / "ventral" / part for part in parts]
    files = set(parts).union(*(imported_files(file, HOME) for file in [HOME / "scripts" / f"{script}.py", *parts]))
    return sorted(os.path.relpath(file) for file in files)


def enough(base, per_mb=0, of=None):
    """Compute a resource of a job: `base`, plus `per_mb` for each MB of its inputs, times the number of the attempt.

    A job that runs out of memory or time starts again if the profile says so (docs/cluster.md). A file that does not
    exist yet counts as empty. For jobs of a group, whose inputs do not exist before, `of` names a file that does.
    """

    def amount(wildcards, input, attempt):
        files = [Path(file) for file in ([of(wildcards)] if of else input if per_mb else [])]
        files += [folder / name for folder in files if folder.is_dir() for name in list_files(folder)]
        return attempt * int(base + per_mb * sum(file.stat().st_size for file in files if file.is_file()) / 1e6)

    return amount

"""What all rules share: the checked config, and functions for their code, resources and files from outside."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Not `workflow.basedir`, the folder of the main Snakefile, which may be another one that has this workflow as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if not (HOME / "ventral").is_dir():
    raise WorkflowError(
        f"{HOME}: not a folder that holds the library ventral; clone the repository and name its Snakefile"
    )
# Scripts run in processes of their own, on other machines too; all find the library by this.
PYTHON_PATH = os.pathsep.join(filter(None, [str(HOME), os.getenv("PYTHONPATH")]))
os.environ.update(PYTHONPATH=PYTHON_PATH)
sys.path[:0] = [str(HOME), str(HOME / "workflow")]

from ventral.files.atomic import check_writable
from ventral.files.contents import Contents
from ventral.files.errors import InputError
from ventral.files.listing import list_files
from ventral.study import paths
from ventral.study.config import complete
from ventral.study.imports import imported_files

CONFIG_FILE = str((workflow.configfiles or ["config"])[-1])
CONTENTS = Contents()


def refuse(faults):
    """End before any job starts, with one line a fault."""
    if faults:
        raise WorkflowError("\n".join(f"{CONFIG_FILE}: {fault}" for fault in faults))


try:
    for folder in (".", "results", "resources"):
        check_writable(folder)
except InputError as fault:
    raise WorkflowError(str(fault))

refuse(complete(config))

# Rules that read and check responses come first (`priority`), and no network starts beside them: the profiles grant so
# many turns at a time, all of which such a rule takes, and a network one. So faults of responses are told before any
# network runs, and yet networks do not depend on responses. Not by `ancient` inputs: where one is made anew, Snakemake
# overlooks all else that changed for the jobs that have it.
TURN = 1000

# Of jobs that run networks.
NETWORK_ENV = str(HOME / "envs" / ("cpu.yaml" if config["device"] == "cpu" else "gpu.yaml"))


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    network="[A-Za-z0-9_]+",
    readout="[A-Za-z0-9_.-]+",
    protocol="holdout|brainscore|kfold",
    session="[A-Za-z0-9_]+",


def gpus(wildcards):
    """GPUs of a job that runs a network: none where there is none to wait for, so that such jobs run side by side."""
    is_likely = not workflow.local_exec or shutil.which("nvidia-smi")
    return 1 if config["device"] == "cuda" or (config["device"] == "auto" and is_likely) else 0


def code_of(script, *parts):
    """The library files that a script imports. An edit of one of them runs the jobs again, an edit elsewhere does not.

    Args:
        script: its name.
        parts: files of the library that the script finds by name, such as `readouts/ridge.py`.
    """
    parts = [HOME / "ventral" / part for part in parts]
    files = set(parts).union(*(imported_files(file, HOME) for file in [HOME / "scripts" / f"{script}.py", *parts]))
    return sorted(os.path.relpath(file) for file in files)


def enough(base, per_mb=0, of=None):
    """A resource of a job: so much, and so much a MB of its inputs (or of the file `of`); as much again at each attempt.

    A job that runs out of memory or time is submitted again where the profile says so (docs/cluster.md). Files that are
    yet to be made count as empty: what a job of a group needs is told from `of`, which is there before the group is.
    """

    def amount(wildcards, input, attempt):
        files = [Path(file) for file in ([of(wildcards)] if of else input if per_mb else [])]
        files += [folder / name for folder in files if folder.is_dir() for name in list_files(folder)]
        return attempt * int(base + per_mb * sum(file.stat().st_size for file in files if file.is_file()) / 1e6)

    return amount


@cache
def is_made(path):
    """Whether the study makes a file itself, and makes it again whenever it has to."""
    return any(rule.is_producer(path) for rule in workflow.rules)


def given(path):
    """An input that may come from outside: the date of a folder says nothing then, `content_of` says what it holds."""
    return ancient(path) if Path(path).is_dir() and not is_made(path) else path


def content_of(*sources):
    """A parameter that tells what files and folders from outside hold: a rule runs again where that changed.

    Snakemake compares the content of inputs only where their date is newer than that of the outputs, which that of a
    file out of an archive, or copied with its date, is not. What the study itself makes is left to Snakemake.

    Args:
        sources: paths, lists of them, or functions of wildcards that return either.
    """

    # Without `input`, by which Snakemake takes a parameter for one that follows from others, and compares it no more.
    def content(wildcards):
        found = [source(wildcards) if callable(source) else source for source in sources]
        files = [path for item in found for path in ([item] if isinstance(item, str) else item)]
        return CONTENTS.of(path for path in files if path and not is_made(path))

    return content

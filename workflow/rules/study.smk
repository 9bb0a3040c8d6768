"""The study: its datasets, networks, readouts, encoders, and what these leave (`ventral/study/plan.py`)."""

from ventral.study.plan import Study
from ventral.study.recordings import sources_of

try:
    STUDY = Study(config, sources_of(config), [Path(), *map(Path, PYTHON_PATH.split(os.pathsep))])
    refuse(STUDY.faults())
except InputError as fault:  # of sessions in local files
    raise WorkflowError(str(fault))


def of_kind(kind, **facts):
    """The datasets of a kind, and of it those whose sources have these facts, by name."""
    return {
        name: source
        for name, source in STUDY.datasets.items()
        if source.kind == kind and all(getattr(source, fact) == value for fact, value in facts.items())
    }


def either(names):
    """A pattern that matches these names alone."""
    return "|".join(names) or "(?!)"


def weights_file(wildcards):
    """Input function: the file of a network's weights, if any."""
    return STUDY.weights_file(wildcards.network) or []


def own_code(wildcards):
    """Input function: the user's own files that make a network, if any."""
    return STUDY.own_code(wildcards.network)

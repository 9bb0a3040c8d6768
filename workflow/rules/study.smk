"""The study: its datasets, networks, readouts, encoders, and what these leave (`ventral/study/plan.py`)."""

from ventral.study.plan import Study
from ventral.study.recordings import sources_of

try:
    STUDY = Study(config, sources_of(config), [Path(), *map(Path, PYTHON_PATH.split(os.pathsep))])
    refuse(STUDY.faults())
except InputError as fault:  # of sessions in local files
    raise WorkflowError(str(fault))

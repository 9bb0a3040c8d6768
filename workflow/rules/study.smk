"""The study: its datasets, networks, readouts, encoders and results (`ventral/study/plan.py`)."""

from ventral.study.plan import Study
from ventral.study.recordings import sources_of

try:
    STUDY = Study(config, sources_of(config), [Path(), *map(Path, PYTHON_PATH.split(os.pathsep))])
    for source in STUDY.datasets.values():
        source.prepare()
    refuse(STUDY.faults())
except InputError as fault:  # raised for sessions in local files, and for downloads
    raise WorkflowError(str(fault))

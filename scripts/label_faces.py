"""List which stimuli show a face, and divide the stimuli into the sets of the face detection task."""

from ventral.data.responses import read_responses
from ventral.data.xiao.labels import list_regions
from ventral.faces.task import face_task
from ventral.files.console import logged
from ventral.files.csv import write_csv

with logged(snakemake.log[0]):
    task = face_task(read_responses(snakemake.input.responses), list_regions(snakemake.params.rois))
    write_csv(task, snakemake.output.faces)

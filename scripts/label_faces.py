"""Say which stimuli show a face, and which of them the task of telling faces is learnt on and judged on."""

from ventral.data.responses import read_responses
from ventral.data.xiao.labels import list_regions
from ventral.faces.task import face_task
from ventral.files.atomic import writing
from ventral.files.console import logged

with logged(snakemake.log[0]):
    task = face_task(read_responses(snakemake.input.responses), list_regions(snakemake.params.rois))
    with writing(snakemake.output.faces) as temporary:
        task.to_csv(temporary, index=False)

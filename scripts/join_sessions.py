"""Join the neuroids of all chosen sessions, and label and split the stimuli."""

from ventral.data.responses import read_responses, write_responses
from ventral.data.xiao.labels import list_regions, similar_groups
from ventral.data.xiao.responses import join_sessions
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sessions = [read_responses(path) for path in files.sessions]
    groups = similar_groups(files.similar)
    write_responses(
        join_sessions(sessions, list_regions(params.rois), groups, params.split, params.seed),
        snakemake.output.responses,
    )

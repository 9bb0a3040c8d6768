"""Set the neuroids of the chosen sessions side by side, and label the stimuli."""

from ventral.console import logged
from ventral.data.responses import check_splits, read_responses, write_responses
from ventral.data.xiao import join_sessions
from ventral.data.xiao_labels import list_regions, similar_groups

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sessions = [read_responses(path) for path in files.sessions]
    groups = similar_groups(files.similar)
    responses = join_sessions(sessions, list_regions(params.rois), groups, params.split, params.seed)
    check_splits(responses, params.protocols, params.seed, "sessions")
    write_responses(responses, snakemake.output.responses)

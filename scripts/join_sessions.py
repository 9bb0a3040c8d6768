"""Set the neuroids of the chosen sessions side by side."""

from ventral.console import logged
from ventral.data.responses import read_responses, write_responses
from ventral.data.xiao import join_sessions

with logged(snakemake.log[0]):
    sessions = [read_responses(path) for path in snakemake.input.sessions]
    write_responses(join_sessions(sessions, snakemake.params.split, snakemake.params.seed), snakemake.output.responses)

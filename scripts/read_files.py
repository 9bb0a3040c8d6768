"""Read somebody's own responses."""

from ventral.data.images import read_groups
from ventral.data.own.recordings import read_recordings
from ventral.data.responses import write_responses
from ventral.files.console import logged

with logged(snakemake.log[0]):
    params = snakemake.params
    settings = {"name": snakemake.wildcards.dataset, **params.settings}
    files = settings["images"], snakemake.input.responses
    responses = read_recordings(*files, settings, params.split, params.seed, read_groups(snakemake.input.packed))
    write_responses(responses, snakemake.output.responses)

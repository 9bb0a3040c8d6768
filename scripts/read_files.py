"""Read somebody's own responses."""

from ventral.console import logged
from ventral.data.files import read_recordings
from ventral.data.responses import write_responses

with logged(snakemake.log[0]):
    params = snakemake.params
    settings = {"name": snakemake.wildcards.dataset, **params.settings}
    responses = read_recordings(settings["images"], snakemake.input.responses, settings, params.split, params.seed)
    write_responses(responses, snakemake.output.responses)

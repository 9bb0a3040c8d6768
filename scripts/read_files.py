"""Read somebody's own responses."""

from ventral.console import logged
from ventral.data.files import read_recordings
from ventral.data.images import read_groups
from ventral.data.responses import check_splits, write_responses

with logged(snakemake.log[0]):
    params = snakemake.params
    settings = {"name": snakemake.wildcards.dataset, **params.settings}
    files = settings["images"], snakemake.input.responses
    responses = read_recordings(*files, settings, params.split, params.seed, read_groups(snakemake.input.packed))
    check_splits(responses, params.protocols, params.seed, snakemake.input.responses)
    write_responses(responses, snakemake.output.responses)

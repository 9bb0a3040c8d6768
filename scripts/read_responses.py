"""Read the responses of a dataset: means over presentations, reliabilities, and labels and splits of stimuli."""

from ventral.data.kinds import find_kind
from ventral.data.responses import write_responses
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = dict(snakemake.input.items()), snakemake.params
    responses = find_kind(params.kind).read_responses(files, **params.settings)
    write_responses(responses, snakemake.output.responses)

"""Average the repetitions in the publisher's assembly."""

from ventral.data.majaj.responses import read_majaj_responses
from ventral.data.responses import write_responses
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    responses = read_majaj_responses(files.assembly, files.stimuli, params.split, params.seed)
    write_responses(responses, snakemake.output.responses)

"""Average the repetitions in the publisher's assembly."""

from ventral.console import logged
from ventral.data.majaj import read_majaj_responses
from ventral.data.responses import check_splits, write_responses

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    responses = read_majaj_responses(files.assembly, files.stimuli, params.split, params.seed)
    check_splits(responses, params.protocols, params.seed, files.assembly)
    write_responses(responses, snakemake.output.responses)

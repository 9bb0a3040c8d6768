"""Read the RDMs of monkey and human IT."""

from ventral.data.kriegeskorte import read_kriegeskorte

from ventral.data.responses import write_responses
from ventral.files.console import logged

with logged(snakemake.log[0]):
    _, rdms = read_kriegeskorte(snakemake.input.mat)
    write_responses(rdms, snakemake.output.responses)

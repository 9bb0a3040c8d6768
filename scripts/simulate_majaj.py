"""Write a simulated recording in the publisher's files, and the truth about it."""

from ventral.data.majaj.simulation import simulate
from ventral.files.console import logged

with logged(snakemake.log[0]):
    simulate(
        snakemake.output.assembly,
        snakemake.output.stimuli,
        snakemake.output.images,
        snakemake.output.truth,
        snakemake.output.course,
        **snakemake.params.simulation,
        seed=snakemake.params.seed,
    )

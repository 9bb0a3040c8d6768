"""Write a simulated recording in the publisher's files, and the truth about it."""

from ventral.console import logged
from ventral.data.simulate import simulate

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

"""Simulate recordings with known tuning, in the format of the publisher's files, and write the tuning too."""

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

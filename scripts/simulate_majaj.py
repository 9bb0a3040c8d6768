"""Write a simulated recording in the publisher's files, and the truth about it."""

from ventral.console import logged
from ventral.data.simulate import simulate

with logged(snakemake.log[0]):
    simulate(
        snakemake.output.assembly,
        snakemake.output.stimuli,
        snakemake.output.images,
        snakemake.output.truth,
        n_images=snakemake.params.n_images,
        image_size=snakemake.params.image_size,
        n_sites=snakemake.params.n_sites,
        repetitions=snakemake.params.repetitions,
        seed=snakemake.params.seed,
    )

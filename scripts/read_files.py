"""Read somebody's own images and responses."""

from ventral.console import logged
from ventral.data.files import read_recordings
from ventral.data.images import write_images
from ventral.data.responses import write_responses

with logged(snakemake.log[0]):
    images, responses = read_recordings(
        snakemake.input.images,
        snakemake.input.responses,
        {"name": snakemake.wildcards.dataset, **snakemake.params.settings},
        snakemake.params.split,
        snakemake.params.seed,
    )
    write_images(snakemake.output.images, images, responses["stimulus_id"].values)
    write_responses(responses, snakemake.output.responses)

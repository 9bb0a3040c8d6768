"""Read the publisher's assembly, csv and zip into images and responses."""

from ventral.console import logged
from ventral.data.images import write_images
from ventral.data.majaj import read_majaj
from ventral.data.responses import write_responses

with logged(snakemake.log[0]):
    images, responses = read_majaj(
        snakemake.input.assembly,
        snakemake.input.stimuli,
        snakemake.input.images,
        snakemake.params.split,
        snakemake.params.seed,
    )
    labels = {name: responses[name].values for name in ("object_name", "category_name")}
    write_images(snakemake.output.images, images, responses["stimulus_id"].values, labels)
    write_responses(responses, snakemake.output.responses)

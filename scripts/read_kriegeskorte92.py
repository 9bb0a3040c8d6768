"""Read the RDMs of monkey and human IT, and the 92 photographs."""

from ventral.console import logged
from ventral.data.images import write_images
from ventral.data.kriegeskorte import read_kriegeskorte
from ventral.data.responses import write_responses

with logged(snakemake.log[0]):
    images, rdms = read_kriegeskorte(snakemake.input.mat)
    labels = {"category_name": rdms["category_name"].values}
    write_images(snakemake.output.images, images, rdms["stimulus_id"].values, labels)
    write_responses(rdms, snakemake.output.responses)

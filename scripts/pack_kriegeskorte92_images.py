"""Pack the 92 photographs."""

from ventral.data.kriegeskorte import read_kriegeskorte

from ventral.data.images import write_images
from ventral.files.console import logged

with logged(snakemake.log[0]):
    images, rdms = read_kriegeskorte(snakemake.input.mat)
    labels = {"category_name": rdms["category_name"].values}
    write_images(snakemake.output.images, images, rdms["stimulus_id"].values, labels)

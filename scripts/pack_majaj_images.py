"""Pack the images that were shown, in order of image id."""

from ventral.data.alike import tell_alike
from ventral.data.images import write_images
from ventral.data.majaj.files import read_majaj_images
from ventral.files.console import logged

with logged(snakemake.log[0]):
    images, table = read_majaj_images(snakemake.input.assembly, snakemake.input.stimuli, snakemake.input.images)
    labels = {name: list(table[name]) for name in ("object_name", "category_name")}
    tell_alike(images, list(table.index), snakemake.input.images)
    write_images(snakemake.output.images, images, list(table.index), labels)

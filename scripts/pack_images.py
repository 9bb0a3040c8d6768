"""Pack the images of somebody's own recordings, in natural order of their names."""

from ventral.data.alike import tell_alike
from ventral.data.images import open_images, read_images, stimulus_ids, write_images
from ventral.files.console import logged

with logged(snakemake.log[0]):
    source = snakemake.params.source
    names, read = open_images(source)
    images = read_images(source, names, read, side=snakemake.params.image_size)
    stimulus_id = stimulus_ids(names)
    groups = {"stimulus_group": tell_alike(images, stimulus_id, source).tolist()}
    write_images(snakemake.output.images, images, stimulus_id, groups)

"""Draw labelled images of objects, for the check whether networks are trained."""

import numpy as np

from ventral.data.images import write_images
from ventral.data.majaj.simulation import draw_images, draw_scenes
from ventral.files.console import logged, progress

SEED = 0  # the same images in every study

with logged(snakemake.log[0]):
    n, size = snakemake.params.n_images, snakemake.params.image_size
    scenes = draw_scenes(n, size, np.random.default_rng(SEED))
    images = [image for image, _ in progress(draw_images(scenes, SEED), "images drawn", total=n)]
    labels = {name: scenes[name].to_list() for name in ("category_name", "object_name")}
    write_images(snakemake.output.images, np.stack(images), [f"object{i}" for i in range(n)], labels)

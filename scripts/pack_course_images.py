"""Pack the images of the course file, in its order."""

from ventral.data.alike import tell_alike
from ventral.data.images import write_images
from ventral.data.majaj.course_files import read_course_images
from ventral.files.console import logged

with logged(snakemake.log[0]):
    images, labels = read_course_images(snakemake.input.course)
    shown = {name: list(labels[name]) for name in ("object_name", "category_name")}
    tell_alike(images, list(labels["stimulus_id"]), snakemake.input.course)
    write_images(snakemake.output.images, images, list(labels["stimulus_id"]), shown)

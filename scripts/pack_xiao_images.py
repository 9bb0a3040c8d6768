"""Pack the stimuli that the chosen sessions showed, fitted into squares, and list those without an image."""

import pandas as pd

from ventral.data.alike import tell_alike
from ventral.data.images import find_stimuli, open_images, read_images, write_images
from ventral.files.console import logged
from ventral.files.csv import write_csv

with logged(snakemake.log[0]):
    tables = [pd.read_csv(path, usecols=["stimulus_id"], dtype=str) for path in snakemake.input.fixations]
    shown = sorted(set(pd.concat(tables)["stimulus_id"]))
    source = snakemake.input.stimuli
    names, read = open_images(source)
    found, missing = find_stimuli(names, shown, source)
    images = read_images(source, list(found.values()), read, side=snakemake.params.image_size)
    tell_alike(images, list(found), source)
    write_images(snakemake.output.images, images, list(found))
    write_csv(pd.DataFrame({"stimulus_id": missing}), snakemake.output.missing)

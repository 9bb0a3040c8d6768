"""Crop the images to the receptive fields of a session at each chosen fixation, and list stimuli without an image."""

import pandas as pd

from ventral.data.images import write_images
from ventral.data.xiao.crops import crop_fixations, field_centre, place_crops
from ventral.data.xiao.files import read_image_file
from ventral.data.xiao.fixations import choose_fixations, read_fixations, used_fixations
from ventral.files.console import logged
from ventral.files.csv import write_csv

with logged(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    places = []
    for session, table in zip(params.sessions, files.fixations, strict=True):
        used = used_fixations(read_fixations(table), params.fixations)
        chosen = choose_fixations(used, params.fixations_per_session, params.seed)
        places.append(place_crops(chosen, field_centre(session, files.unit_rf)))
    size_dva = {name: read_image_file(file).size_dva for name, file in zip(params.sessions, files.images, strict=True)}
    crops = crop_fixations(pd.concat(places), size_dva, params.crop_degrees, params.image_size, files.stimuli)
    write_images(output.images, crops.images, list(crops.table["stimulus_id"]))
    write_csv(crops.table, output.crops, digits=None)
    write_csv(pd.DataFrame({"stimulus_id": crops.missing}), output.missing)

"""Cut out of the stimuli what lay in a session's receptive fields at each chosen fixation; list stimuli that lack."""

import sys

import numpy as np
import pandas as pd

from ventral.data.images import find_stimuli, open_images, write_images
from ventral.data.xiao.crops import crop_fixations, field_centre, place_crops
from ventral.data.xiao.files import read_image_file
from ventral.data.xiao.fixations import choose_fixations, read_fixations, used_fixations
from ventral.files.atomic import writing
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    placed, sizes = [], {}
    for session, table, image_file in zip(params.sessions, files.fixations, files.images, strict=True):
        centre = field_centre(session, files.unit_rf)
        if centre is None:
            print(f"{session}: no receptive fields in {files.unit_rf}, crops are at the point of gaze", file=sys.stderr)
        used = used_fixations(read_fixations(table), params.fixations)
        chosen = choose_fixations(used, params.fixations_per_session, params.seed)
        placed.append(place_crops(chosen, centre))
        sizes[session] = read_image_file(image_file).size_dva
    crops = pd.concat(placed).sort_values("stimulus_id", ignore_index=True)
    names, read = open_images(files.stimuli)
    found, missing = find_stimuli(names, sorted(set(crops["image_id"])), files.stimuli)
    crops = crops[crops["image_id"].isin(found)].reset_index(drop=True)
    with_files = crops.assign(file=crops["image_id"].map(found))
    side = params.image_size
    pixels = np.empty((len(crops), side, side, 3), dtype=np.uint8)
    for session, here in with_files.groupby("session"):
        for rows, patches in crop_fixations(here, sizes[session], params.crop_degrees, side, files.stimuli, read):
            pixels[rows] = patches
    write_images(snakemake.output.images, pixels, list(crops["stimulus_id"]))
    for path, table in (
        (snakemake.output.crops, crops),
        (snakemake.output.missing, pd.DataFrame({"stimulus_id": missing})),
    ):
        with writing(path) as temporary:
            table.to_csv(temporary, index=False)

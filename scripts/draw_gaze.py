"""Draw the fixations on the most looked-at image of every session."""

import numpy as np
import pandas as pd

from ventral.data.images import find_stimuli, open_images, read_image
from ventral.data.xiao.files import read_image_file
from ventral.figures.style import draw, draw_gaze
from ventral.files.console import logged
from ventral.files.errors import InputError


def image_of(stimulus: str, folder: str) -> np.ndarray | None:
    if not folder:  # no stimuli are at hand
        return None
    names, read = open_images(folder)
    try:
        found, _ = find_stimuli(names, [stimulus], folder)
    except InputError:  # this one stimulus is not in the archive
        return None
    return read_image(folder, found[stimulus], read)


with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    panels = []
    for session, table, image_file in zip(params.sessions, files.fixations, files.images, strict=True):
        fixations = pd.read_csv(table).query("selected")
        stimulus = fixations["stimulus_id"].value_counts().sort_index().idxmax()
        here = fixations[fixations["stimulus_id"] == stimulus]
        panels.append((session, here, image_of(stimulus, files.stimuli), read_image_file(image_file).size_dva))
    draw(lambda: draw_gaze(panels, snakemake.wildcards.dataset, params.source), snakemake.output)

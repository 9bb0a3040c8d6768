"""Draw the response around the onset of fixations and of images, by region."""

import pandas as pd

from ventral.data.responses import read_responses
from ventral.figures.style import draw, draw_psth
from ventral.files.console import logged

with logged(snakemake.log[0]):
    params = snakemake.params
    psths = dict(zip(params.sessions, map(read_responses, snakemake.input.psths), strict=True))
    units = pd.read_csv(snakemake.input.units, dtype={"unit": str})
    draw(lambda: draw_psth(psths, units, snakemake.wildcards.dataset, params.source, params.seed), snakemake.output)

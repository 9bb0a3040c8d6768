"""Draw the learning curves of all trained encoders of a dataset."""

from pathlib import Path

import pandas as pd

from ventral.data.responses import read_responses
from ventral.figures.style import draw
from ventral.figures.training import draw_training
from ventral.files.console import logged

with logged(snakemake.log[0]):
    curves = {Path(path).stem: pd.read_csv(path) for path in snakemake.input.curves}
    source = read_responses(snakemake.input.responses).attrs["source"]
    draw(lambda: draw_training(curves, snakemake.wildcards.dataset, source), snakemake.output)

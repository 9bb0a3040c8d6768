"""Draw the learning curves of all trained encoders of a dataset."""

from pathlib import Path

import pandas as pd

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import draw
from ventral.training_figures import draw_training

with logged(snakemake.log[0]):
    curves = {Path(path).stem: pd.read_csv(path) for path in snakemake.input.curves}
    source = read_responses(snakemake.input.responses).attrs["source"]
    draw(lambda: draw_training(curves, snakemake.wildcards.dataset, source), snakemake.output)

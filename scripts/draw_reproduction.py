"""Draw each number of the literature beside ours."""

import pandas as pd

from ventral.console import logged
from ventral.figures import save
from ventral.reproduction_figure import draw_reproduction

with logged(snakemake.log[0]):
    save(draw_reproduction(pd.read_csv(snakemake.input.table)), snakemake.output)

"""Draw each number of the literature beside ours."""

from ventral.console import logged
from ventral.figures import draw
from ventral.reproduction_figure import draw_reproduction
from ventral.tables import read_table

with logged(snakemake.log[0]):
    draw(lambda: draw_reproduction(read_table(snakemake.input.table)), snakemake.output)

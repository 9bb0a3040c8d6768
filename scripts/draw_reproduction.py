"""Draw each number of the literature beside ours."""

from ventral.figures.reproduction import draw_reproduction
from ventral.figures.style import draw
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    draw(lambda: draw_reproduction(read_table(snakemake.input.table)), snakemake.output)

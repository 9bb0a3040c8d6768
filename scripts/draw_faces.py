"""Draw how well every network that learnt faces tells them, and what it takes for one."""

from ventral.figures.faces import draw_faces
from ventral.figures.style import draw
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    draw(lambda: draw_faces(read_table(snakemake.input.table)), snakemake.output)

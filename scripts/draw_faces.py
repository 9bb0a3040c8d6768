"""Draw how well every network that learnt faces tells them, and what it takes for one."""

from ventral.console import logged
from ventral.faces_figure import draw_faces
from ventral.figures import draw
from ventral.tables import read_table

with logged(snakemake.log[0]):
    draw(lambda: draw_faces(read_table(snakemake.input.table)), snakemake.output)

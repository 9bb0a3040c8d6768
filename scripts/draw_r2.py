"""Draw R2 of HMO's readouts over neuroids."""

from ventral.figures.r2 import draw_r2
from ventral.figures.style import draw
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    tables = (read_table(path) for path in (snakemake.input.scores, snakemake.input.summary))
    scores, summary = (table[table["dataset"] == dataset] for table in tables)
    drawn = params.encoders, dataset, params.bootstrap, params.seed, params.min_reliability
    draw(lambda: draw_r2(scores, summary, *drawn), snakemake.output)

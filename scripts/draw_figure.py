"""Draw one figure of the study."""

from ventral.figures.catalogue import figure_kind
from ventral.figures.style import draw
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = dict(snakemake.input.items()), snakemake.params
    del files["code"]
    draw(figure_kind(params.kind), files | params.settings, params.dataset, list(snakemake.output))

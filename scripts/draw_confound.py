"""Draw what sessions with images of their own do to a pooled comparison of RDMs, simulated."""

from ventral.figures.confound import draw_confound
from ventral.figures.style import draw
from ventral.files.console import logged
from ventral.similarity.confound import confound_panels

with logged(snakemake.log[0]):
    panels = confound_panels(snakemake.params.seed, snakemake.params.bootstrap)
    draw(lambda: draw_confound(panels), snakemake.output)

"""Draw what sessions with images of their own do to a pooled comparison of RDMs, simulated."""

from ventral.confound_figure import draw_confound
from ventral.console import logged
from ventral.figures import draw
from ventral.rsa.confound import confound_panels

with logged(snakemake.log[0]):
    panels = confound_panels(snakemake.params.seed, snakemake.params.bootstrap)
    draw(lambda: draw_confound(panels), snakemake.output)

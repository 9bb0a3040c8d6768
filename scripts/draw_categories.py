"""Draw the response by object category."""

from ventral.data.responses import read_responses
from ventral.figures.style import draw, draw_categories
from ventral.files.console import logged

with logged(snakemake.log[0]):
    responses = read_responses(snakemake.input.responses)
    given = snakemake.wildcards.dataset, snakemake.params.bootstrap, snakemake.params.seed
    draw(lambda: draw_categories(responses, *given), snakemake.output)

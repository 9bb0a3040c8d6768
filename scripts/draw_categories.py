"""Draw the response by object category."""

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import draw_categories, save

with logged(snakemake.log[0]):
    responses = read_responses(snakemake.input.responses)
    params = snakemake.params
    save(draw_categories(responses, snakemake.wildcards.dataset, params.bootstrap, params.seed), snakemake.output)

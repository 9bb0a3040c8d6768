"""Draw explained variance and r across layers."""

from ventral.data.responses import read_responses
from ventral.figures.style import draw, draw_layers, mean_ceilings
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    layers = read_table(snakemake.input.layers)
    layers = layers[layers["network"].isin(params.networks)]  # trained encoders have one layer each
    ceilings = mean_ceilings(read_responses(snakemake.input.responses), params.min_reliability)
    draw(
        lambda: draw_layers(
            layers[(layers["dataset"] == dataset) & (layers["protocol"] == "holdout")], dataset, ceilings
        ),
        snakemake.output,
    )

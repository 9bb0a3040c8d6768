"""Draw explained variance and r across layers."""

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import draw_layers, save
from ventral.scoring import region_ceilings
from ventral.tables import read_table

with logged(snakemake.log[0]):
    dataset = snakemake.wildcards.dataset
    layers = read_table(snakemake.input.layers)
    layers = layers[layers["network"].isin(snakemake.params.networks)]  # trained encoders have one layer each
    responses = read_responses(snakemake.input.responses)
    ceilings = region_ceilings(responses, "val")
    save(
        draw_layers(layers[(layers["dataset"] == dataset) & (layers["protocol"] == "holdout")], dataset, ceilings),
        snakemake.output,
    )

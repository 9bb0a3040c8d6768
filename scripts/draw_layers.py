"""Draw explained variance and r across layers."""

import numpy as np

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import draw_layers, save
from ventral.tables import read_table

with logged(snakemake.log[0]):
    dataset = snakemake.wildcards.dataset
    layers = read_table(snakemake.input.layers)
    layers = layers[layers["network"].isin(snakemake.params.networks)]  # trained encoders have one layer each
    responses = read_responses(snakemake.input.responses)
    reliability, region = responses["reliability"].values, responses["region"].values
    ceilings = {}
    for name in np.unique(region):
        known = np.clip(reliability[(region == name) & np.isfinite(reliability)], 0, 1)
        ceilings[str(name)] = {
            "explained_variance": known.mean() if known.size else np.nan,
            "pearson_r": np.sqrt(known).mean() if known.size else np.nan,
        }
    save(
        draw_layers(layers[(layers["dataset"] == dataset) & (layers["protocol"] == "holdout")], dataset, ceilings),
        snakemake.output,
    )

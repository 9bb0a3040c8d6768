"""Draw every layer of every network against every region: encoding, RSA and CKA."""

import numpy as np

from ventral.data.responses import read_responses
from ventral.figures.levels import draw_levels, encoding_map, similarity_maps
from ventral.figures.style import draw, mean_ceilings
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    layers, rsa = (read_table(path) for path in (snakemake.input.layers, snakemake.input.rsa))
    layers = layers[(layers["dataset"] == dataset) & layers["network"].isin(params.networks)]
    responses = read_responses(snakemake.input.responses)
    means = mean_ceilings(responses, params.min_reliability)
    ceilings = {region: ceiling["pearson_r"] for region, ceiling in means.items()}
    maps = [encoding_map(layers, ceilings), *similarity_maps(rsa[rsa["dataset"] == dataset])]
    counted = responses["region"].values[~(responses["reliability"].values < params.min_reliability)]
    n_neuroids = dict(zip(*np.unique(counted, return_counts=True), strict=True))
    draw(lambda: draw_levels(maps, dataset, responses.attrs["source"], n_neuroids), snakemake.output)

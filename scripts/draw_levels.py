"""Draw every layer of every network against every region: encoding, RSA and CKA."""

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import save
from ventral.heatmaps import draw_levels, encoding_map, similarity_maps
from ventral.scoring import region_ceilings
from ventral.tables import read_table

with logged(snakemake.log[0]):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    layers, rsa = (read_table(path) for path in (snakemake.input.layers, snakemake.input.rsa))
    layers = layers[(layers["dataset"] == dataset) & layers["network"].isin(params.networks)]
    responses = read_responses(snakemake.input.responses)
    ceilings = {region: ceiling["pearson_r"] for region, ceiling in region_ceilings(responses, "val").items()}
    maps = [encoding_map(layers, ceilings), *similarity_maps(rsa[rsa["dataset"] == dataset])]
    n_neuroids = responses["region"].to_series().value_counts().to_dict()
    save(draw_levels(maps, dataset, responses.attrs["source"], n_neuroids), snakemake.output)

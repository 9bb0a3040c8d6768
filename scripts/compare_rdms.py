"""Make the RDMs of every region and of every layer, and compare them."""

import sys
from pathlib import Path

from ventral.data.responses import read_responses
from ventral.files.console import logged, progress
from ventral.gram.file import match_stimuli, read_gram, read_layers
from ventral.similarity.file import write_similarity
from ventral.similarity.regions import left_out, region_rdms

with logged(snakemake.log[0]):
    responses = read_responses(snakemake.input.responses)
    layers = []
    for path in snakemake.input.grams:
        layers += [(path, layer) for layer in read_layers(path)]
    if layers:  # all networks ran over the same images
        stimuli, images = match_stimuli(layers[0][0], responses["stimulus_id"].values)
        responses = responses.isel(stimulus=stimuli)
    models = (
        (Path(path).stem, layer, read_gram(path, layer, images)) for path, layer in progress(layers, "layers compared")
    )
    lacking = left_out(responses)
    for region, why in lacking.items():
        print(f"{snakemake.input.responses}: {region}: no RDM: {why}", file=sys.stderr)
    write_similarity(
        snakemake.output.similarity,
        responses,
        region_rdms(responses),
        models,
        snakemake.params.bootstrap,
        snakemake.params.seed,
        snakemake.threads,
        lacking,
    )

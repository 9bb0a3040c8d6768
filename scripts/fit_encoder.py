"""Fit one readout of every layer of one network to every neuroid, for every split of one protocol."""

from ventral.console import logged, progress
from ventral.data.responses import draw_splits, read_responses, write_responses
from ventral.encoders import ReadoutPlan, fit_protocol
from ventral.gram_file import match_stimuli, read_gram, read_layers, read_weights

with logged(snakemake.log[0]):
    wildcards, grams = snakemake.wildcards, snakemake.input.grams
    responses = read_responses(snakemake.input.responses)
    stimuli, images = match_stimuli(grams, responses["stimulus_id"].values)
    responses = responses.isel(stimulus=stimuli)
    names = read_layers(grams)
    predictions = fit_protocol(
        ((name, read_gram(grams, name, images)) for name in progress(names, "layers fitted")),
        responses,
        ReadoutPlan(**snakemake.params.readout, seed=snakemake.params.seed),
        draw_splits(responses, wildcards.protocol, snakemake.params.seed),
    )
    predictions.attrs = {"network": wildcards.network, "readout": wildcards.readout, "protocol": wildcards.protocol}
    predictions.attrs["weights"] = read_weights(grams)
    write_responses(predictions, snakemake.output.predictions)

"""Fit one readout of every layer of one network to every neuroid, and choose the layer of each region on train."""

from ventral.console import logged, progress
from ventral.data.responses import read_responses, write_responses
from ventral.encoders import ReadoutPlan, fit_encoder
from ventral.gram_file import match_stimuli, read_gram, read_layers

with logged(snakemake.log[0]):
    responses = read_responses(snakemake.input.responses)
    grams = snakemake.input.grams
    stimuli, images = match_stimuli(grams, responses["stimulus_id"].values)
    names = read_layers(grams)
    layers = ((name, read_gram(grams, name, images)) for name in progress(names, "layers fitted"))
    plan = ReadoutPlan(**snakemake.params.readout)
    predictions = fit_encoder(layers, responses.isel(stimulus=stimuli), plan)
    predictions.attrs = {"network": snakemake.wildcards.network, "readout": snakemake.wildcards.readout}
    write_responses(predictions, snakemake.output.predictions)

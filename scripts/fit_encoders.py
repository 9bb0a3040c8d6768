"""Fit readouts of every layer of a network to every neuroid, for every split of a protocol."""

from ventral.data.responses import draw_splits, read_responses, write_responses
from ventral.encoders.fit import fit_readouts
from ventral.files.console import logged, progress
from ventral.gram.file import match_stimuli, read_gram, read_layers, read_weights
from ventral.readouts.catalogue import readout_of

with logged(snakemake.log[0]):
    wildcards, grams, params = snakemake.wildcards, snakemake.input.grams, snakemake.params
    responses = read_responses(snakemake.input.responses)
    stimuli, images = match_stimuli(grams, responses["stimulus_id"].values)
    responses = responses.isel(stimulus=stimuli)
    names = read_layers(grams)
    fitted = fit_readouts(
        ((name, read_gram(grams, name, images)) for name in progress(names, "layers fitted")),
        responses,
        {readout: readout_of(entry) for readout, entry in params.readouts.items()},
        draw_splits(responses, wildcards.protocol, params.seed),
        params.min_reliability,
        params.seed,
    )
    for path, (readout, predictions) in zip(snakemake.output.predictions, fitted.items(), strict=True):
        predictions.attrs |= {"network": wildcards.network, "readout": readout, "protocol": wildcards.protocol}
        predictions.attrs["weights"] = read_weights(grams)
        write_responses(predictions, path)

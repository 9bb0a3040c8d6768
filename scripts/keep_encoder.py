"""Keep one linear encoder in a folder: the weights of its network, and of its readouts as weights of units."""

import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch

from ventral.data.responses import draw_splits, read_responses
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.fit import ReadoutPlan
from ventral.encoders.keep.dual import fit_dual
from ventral.encoders.keep.primal import (
    BATCH,
    Subset,
    apply_primal,
    check_deviation,
    check_linear,
    keep_linear,
    primal_weights,
)
from ventral.encoders.keep.writing import check_state, describe
from ventral.files.atomic import reading
from ventral.files.console import logged
from ventral.gram.file import match_stimuli, read_gram
from ventral.networks.activations import batches, choose_device
from ventral.networks.hmo import read_hmo_card
from ventral.networks.zoo import build_network

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    wildcards, given, params = snakemake.wildcards, snakemake.input, snakemake.params
    name, settings, device = f"{wildcards.network}-{wildcards.readout}", params.network, choose_device(params.device)
    check_linear(name, settings, params.readout)
    responses, predictions = read_responses(given.responses), read_responses(given.predictions)
    stimuli, images = match_stimuli(given.grams, responses["stimulus_id"].values)
    responses = responses.isel(stimulus=stimuli)
    split = draw_splits(responses, wildcards.protocol, params.seed)[0]
    chosen, plan = predictions["chosen_layer"].isel(repeat=0).values, ReadoutPlan(**params.readout)
    duals = {
        layer: fit_dual(read_gram(given.grams, layer, images), responses, split, plan, chosen == layer)
        for layer in dict.fromkeys(chosen.tolist())
    }
    weights, seed = getattr(given, "weights", None) or None, settings.get("seed", params.seed)
    network = build_network(wildcards.network, settings, weights_file=weights, seed=seed)
    check_state(network.model.state_dict(), Path(snakemake.output.card).parent)
    network, precision = replace(network, layers=tuple(duals)), settings.get("precision", "float32")
    image_of = dict(zip(responses["stimulus_id"].values, images, strict=True))
    held_out = np.array([image_of[stimulus] for stimulus in predictions["stimulus_id"].values])
    rows, of_stimulus = np.unique(held_out, return_inverse=True)
    with reading(given.images), h5py.File(given.images) as file:
        shown = file["images"]
        primals = primal_weights(
            network,
            shown,
            images,
            duals,
            device=device,
            precision=precision,
            channels_last=settings.get("channels_last", False),
        )
        loaded = batches(Subset(shown, rows), network, BATCH, device)
        rates = apply_primal(network, primals, loaded, len(rows), precision)[of_stimulus]
        side = shown.shape[1]
    deviation = np.abs(rates - chosen_predictions(predictions)) / np.nanstd(responses["rate"].values, axis=0)
    print(f"{name}: predictions of held-out stimuli as in the study to {np.nanmax(deviation):.1e} sd", file=sys.stderr)
    check_deviation(name, float(np.nanmax(deviation)), precision)
    card = {"name": name, "dataset": wildcards.dataset, "readout": dict(params.readout), "seed": params.seed}
    card |= describe(responses, predictions, side) | {"deviation_in_sd": float(np.nanmax(deviation))}
    if settings["architecture"] == "hmo":
        settings = settings | {"card": read_hmo_card(Path(weights).with_name("card.json"))}
    keep_linear(Path(snakemake.output.card).parent, network, primals, settings, card)

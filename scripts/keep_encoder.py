"""Keep a linear encoder in a folder: the weights of its network, and its readouts as weights of the units of layers."""

from functools import partial
from pathlib import Path

import h5py
import torch

from ventral.data.responses import draw_splits, read_responses
from ventral.encoders.keep.dual import fit_duals
from ventral.encoders.keep.linear import StudyData, check_linear, keep_from_study
from ventral.files.atomic import reading
from ventral.files.console import logged
from ventral.gram.file import match_stimuli, read_gram
from ventral.networks.activations import choose_device
from ventral.networks.hmo import read_hmo_card
from ventral.networks.zoo import build_network
from ventral.readouts.catalogue import readout_of

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    wildcards, given, params = snakemake.wildcards, snakemake.input, snakemake.params
    name, settings, readout = f"{wildcards.network}-{wildcards.readout}", params.network, readout_of(params.readout)
    check_linear(name, settings, readout)
    responses, predictions = read_responses(given.responses), read_responses(given.predictions)
    stimuli, rows = match_stimuli(given.grams, responses["stimulus_id"].values)
    responses = responses.isel(stimulus=stimuli)
    split = draw_splits(responses, wildcards.protocol, params.seed)[0]
    chosen = predictions["chosen_layer"].isel(repeat=0).values
    duals = fit_duals(partial(read_gram, given.grams, images=rows), responses, split, readout, chosen, params.seed)
    weights, seed = getattr(given, "weights", None) or None, settings.get("seed", params.seed)
    network = build_network(wildcards.network, settings, weights_file=weights, seed=seed)
    if settings["architecture"] == "hmo":
        settings = settings | {"card": read_hmo_card(Path(weights).with_name("card.json"))}
    card = {"name": name, "dataset": wildcards.dataset, "readout": dict(params.readout), "seed": params.seed}
    with reading(given.images), h5py.File(given.images) as file:
        data = StudyData(file["images"], rows, responses, predictions)
        folder, device = Path(snakemake.output.card).parent, choose_device(params.device)
        keep_from_study(folder, network, duals, data, settings=settings, card=card, device=device)

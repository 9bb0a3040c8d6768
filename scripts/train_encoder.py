"""Train one network on the neurons of a dataset, for every split of one protocol; predict what is held out."""

import shutil
from pathlib import Path

import h5py
import torch

from ventral.data.responses import draw_splits, read_responses, write_responses
from ventral.encoders.keep.trained import keep_trained
from ventral.encoders.keep.writing import describe
from ventral.encoders.trained import Job, count_categories, fit_trained, make_recipe
from ventral.files.atomic import writing
from ventral.files.console import logged
from ventral.gram.file import match_stimuli
from ventral.networks.activations import choose_device

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    entry, seed = params.entry, (params.network or {}).get("seed", params.seed)
    weights_files = snakemake.input.get("weights", [])
    weights_files = [weights_files] if isinstance(weights_files, str) else list(weights_files)
    responses = read_responses(snakemake.input.responses)
    stimuli, rows = match_stimuli(snakemake.input.images, responses["stimulus_id"].values)
    responses = responses.isel(stimulus=stimuli)
    folder = Path(params.checkpoints)
    with h5py.File(snakemake.input.images) as file:
        images, side = file["images"], file["images"].shape[1]
        recipe, weights = make_recipe(
            entry,
            params.network,
            side,
            responses.sizes["neuroid"],
            n_categories=count_categories(responses, entry),
            weights_files=weights_files,
            seed=seed,
        )
        device, memory_mb = choose_device(params.device), snakemake.config["resources"]["mem_mb"] // 2
        job = Job(wildcards.encoder, entry, recipe, weights, weights_files, seed, folder, device, memory_mb)
        splits = draw_splits(responses, wildcards.protocol, params.seed)
        predictions, curves, trained = fit_trained(job, images, rows, responses, splits)
    network, _, readout = wildcards.encoder.rpartition("-")
    predictions.attrs |= {"network": network, "readout": readout, "protocol": wildcards.protocol}
    with writing(output.curves) as temporary:
        curves.to_csv(temporary, index=False, float_format="%.6g")
    write_responses(predictions, output.predictions)
    card = {"dataset": wildcards.dataset, "name": wildcards.encoder, "entry": dict(trained.entry), "seed": seed}
    card |= {"precision": entry["precision"], **describe(responses, predictions, side)}
    keep_trained(Path(output.card).parent, trained.members, trained.recipe, card)
    shutil.rmtree(folder)

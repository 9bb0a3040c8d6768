"""Train a network on the neurons of a dataset, for every split of a protocol, and predict the held-out stimuli."""

import shutil
from pathlib import Path

import h5py
import torch

from ventral.data.responses import read_responses, write_responses
from ventral.encoders.train import train_encoder
from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.gram.file import match_stimuli
from ventral.networks.activations import choose_device

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    wildcards, files, params, output = snakemake.wildcards, snakemake.input, snakemake.params, snakemake.output
    weights = files.get("weights", [])
    responses = read_responses(files.responses)
    stimuli, rows = match_stimuli(files.images, responses["stimulus_id"].values)
    with h5py.File(files.images) as file:
        trained = train_encoder(
            wildcards.encoder,
            params.entry,
            params.network,
            file["images"],
            rows,
            responses.isel(stimulus=stimuli),
            dataset=wildcards.dataset,
            protocol=wildcards.protocol,
            weights_files=[weights] if isinstance(weights, str) else list(weights),
            seed=params.seed,
            checkpoints=params.checkpoints,
            device=choose_device(params.device),
            memory_mb=snakemake.config["resources"]["mem_mb"] // 2,
        )
    write_csv(trained.curves, output.curves)
    write_responses(trained.predictions, output.predictions)
    trained.keep(Path(output.card).parent)
    shutil.rmtree(params.checkpoints)

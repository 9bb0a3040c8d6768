"""Train a network to detect faces, and score it on the same sets as HMO."""

import h5py
import torch

from ventral.data.images import read_stimulus_ids
from ventral.faces.rivals import train_rival
from ventral.faces.task import task_of
from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.networks.activations import choose_device
from ventral.networks.weights import write_state

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, params, output = snakemake.wildcards.network, snakemake.params, snakemake.output
    task = task_of(read_stimulus_ids(snakemake.input.images), snakemake.input.faces)
    with h5py.File(snakemake.input.images) as file:
        images = file["images"][:]
    rival = train_rival(
        name,
        params.network,
        images,
        task,
        image_size=params.image_size,
        epochs=params.epochs,
        seed=params.seed,
        device=choose_device(params.device),
    )
    write_state(rival.model, output.state)
    write_csv(rival.scores, output.scores)
    write_csv(rival.losses, output.losses)

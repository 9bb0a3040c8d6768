"""Train a network to tell faces from what is none; judge it as HMO is judged."""

import h5py
import pandas as pd
import torch

from ventral.data.images import read_stimulus_ids
from ventral.faces.hmo import to_input
from ventral.faces.task import SETS, task_of
from ventral.faces.training import FROM_SCRATCH, face_log_odds, train_on_faces
from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.networks.activations import choose_device
from ventral.networks.weights import write_state
from ventral.networks.zoo import build_network
from ventral.scores.classification import beside_baselines, score_sets

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, params, output = snakemake.wildcards.network, snakemake.params, snakemake.output
    task = task_of(read_stimulus_ids(snakemake.input.images), snakemake.input.faces)
    with h5py.File(snakemake.input.images) as file:
        images, pixels = file["images"][:], to_input(file["images"], params.image_size).numpy()
    seed, device = params.network.get("seed", params.seed), choose_device(params.device)
    settings = params.network | {"weights": "random", "layers": ["output"]}
    network = build_network(name, settings, weights_file=None, seed=seed)
    classifier, losses = train_on_faces(
        network,
        images[task.train],
        task.face[task.train],
        epochs=FROM_SCRATCH * params.epochs,
        seed=seed,
        device=device,
    )
    called = face_log_odds(classifier, network, images, device) > 0
    called = beside_baselines(name, called, pixels, task.face, task.train)
    scores = score_sets(called, task.face, task.set, task.category, SETS)
    write_state(network.model, output.state)
    write_csv(pd.DataFrame(scores), output.scores)
    write_csv(pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": losses}), output.losses)

"""Draw, choose and train an HMO to tell faces from what is none; judge it beside a classifier of pixels."""

import h5py
import pandas as pd
import torch

from ventral.data.images import read_stimulus_ids
from ventral.faces.hmo import log_odds, to_input, train_hmo
from ventral.faces.task import SETS, first_of_group, task_of
from ventral.files.atomic import writing
from ventral.files.console import logged
from ventral.networks.activations import choose_device
from ventral.networks.hmo import write_hmo
from ventral.scores.classification import beside_baselines, score_sets

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    params, output = snakemake.params, snakemake.output
    task = task_of(read_stimulus_ids(snakemake.input.images), snakemake.input.faces)
    with h5py.File(snakemake.input.images) as file:
        images = to_input(file["images"], params.image_size)
    device, train = choose_device(params.device), task.train
    trained = train_hmo(
        images[torch.from_numpy(train)],
        task.face[train],
        distinct=first_of_group(task.group[train]),
        modules=params.modules,
        selection=params.selection,
        chosen=params.chosen,
        epochs=params.epochs,
        train_filters=params.train_filters,
        seed=params.seed,
        device=device,
    )
    called = log_odds(trained.model, images.to(device)) > 0
    called = beside_baselines("hmo", called, images.numpy(), task.face, train)
    scores = score_sets(called, task.face, task.set, task.category, SETS)
    write_hmo(trained.model, trained.card, output.state, output.card)
    for path, rows in {output.candidates: trained.candidates, output.scores: scores}.items():
        with writing(path) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)

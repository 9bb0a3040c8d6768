"""Draw, choose and train the modules of HMO to detect faces, and score it beside a classifier of pixels."""

import h5py
import pandas as pd
import torch

from ventral.data.images import read_stimulus_ids
from ventral.faces.hmo import train_on_task
from ventral.faces.task import task_of
from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.networks.activations import choose_device
from ventral.networks.hmo import write_hmo

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    params, output = snakemake.params, snakemake.output
    task = task_of(read_stimulus_ids(snakemake.input.images), snakemake.input.faces)
    with h5py.File(snakemake.input.images) as file:
        trained, scores = train_on_task(
            file["images"],
            task,
            image_size=params.image_size,
            device=choose_device(params.device),
            modules=params.modules,
            selection=params.selection,
            chosen=params.chosen,
            epochs=params.epochs,
            train_filters=params.train_filters,
            seed=params.seed,
        )
    write_hmo(trained.model, trained.card, output.state, output.card)
    write_csv(pd.DataFrame(trained.candidates), output.candidates, digits=None)
    write_csv(scores, output.scores, digits=None)

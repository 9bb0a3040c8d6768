"""Draw, choose and train an HMO to tell faces from what is none; judge it beside a classifier of pixels."""

import h5py
import numpy as np
import pandas as pd
import torch

from ventral.atomic import writing
from ventral.classification import classify_pixels, score_sets
from ventral.console import logged
from ventral.data.faces import HIGH_VARIATION, first_of_group, read_face_task
from ventral.data.images import read_stimulus_ids
from ventral.networks.hmo import write_hmo
from ventral.networks.hmo_training import log_odds, to_input, train_hmo

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    params, output = snakemake.params, snakemake.output
    device = "cuda" if params.device != "cpu" and torch.cuda.is_available() else "cpu"
    task = read_face_task(snakemake.input.faces).set_index("stimulus_id")
    task = task.reindex(read_stimulus_ids(snakemake.input.images)).fillna({"set": "none"})
    with h5py.File(snakemake.input.images) as file:
        images = to_input(file["images"], params.image_size)
    sets, categories = (task[name].to_numpy(dtype=str) for name in ("set", "category"))
    train = sets == "train"
    face = (task["label"] == "face").to_numpy()
    trained = train_hmo(
        images[torch.from_numpy(train)],
        face[train],
        distinct=first_of_group(task.loc[train, "group"].to_numpy(dtype=str)),
        modules=params.modules,
        selection=params.selection,
        chosen=params.chosen,
        epochs=params.epochs,
        train_filters=params.train_filters,
        seed=params.seed,
        device=device,
    )
    called = {
        "hmo": log_odds(trained.model, images.to(device)) > 0,
        "pixels": classify_pixels(images[torch.from_numpy(train)].numpy(), face[train], images.numpy()),
        "majority": np.full(len(face), face[train].mean() >= 0.5),
    }
    names = ("train", "val", "test", HIGH_VARIATION)
    scores = score_sets(called, face, sets, categories, names, params.bootstrap, params.seed)
    write_hmo(trained.model, trained.card, output.state, output.card)
    for path, rows in {output.candidates: trained.candidates, output.scores: scores}.items():
        with writing(path) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)

"""Run a network once on the images of a dataset, and write one Gram matrix for each layer."""

import h5py
import torch

from ventral.data.images import read_labels, read_stimulus_ids
from ventral.files.console import logged
from ventral.networks.activations import choose_device
from ventral.networks.extraction import extract_to_file

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    path, params = snakemake.input.images, snakemake.params
    stimulus_id, labels = read_stimulus_ids(path), read_labels(path)
    with h5py.File(path) as file:
        extract_to_file(
            snakemake.output.grams,
            snakemake.wildcards.network,
            params.network,
            file["images"],
            stimulus_id,
            labels,
            weights_file=getattr(snakemake.input, "weights", None) or None,
            seed=params.seed,
            memory_mb=snakemake.config["resources"]["mem_mb"],
            scratch=snakemake.resources.tmpdir,
            device=choose_device(params.device),
        )

"""Run a network once over the images of a dataset; leave one Gram matrix a layer."""

import h5py
import torch

from ventral.console import logged
from ventral.data.images import read_stimulus_ids
from ventral.gram_file import hash_images, write_grams
from ventral.networks.activations import choose_device, extract_grams
from ventral.networks.zoo import build_network

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    network = build_network(
        snakemake.wildcards.network,
        params.network["architecture"],
        weights=params.network["weights"],
        layers=params.network["layers"],
        image_size=params.network.get("image_size"),
        seed=params.seed,
    )
    ids = read_stimulus_ids(snakemake.input.images)
    with h5py.File(snakemake.input.images) as file:
        images = file["images"]
        made_from = {
            "network": network.name,
            "weights_sha256": network.weights_sha256,
            "images_sha256": hash_images(images),
            "image_size": network.image_size or "as they are",
            "mean": network.mean,
            "std": network.std,
        }
        grams = extract_grams(
            network,
            images,
            memory_mb=snakemake.resources.mem_mb,
            scratch=snakemake.resources.tmpdir,
            device=choose_device(params.device),
        )
        write_grams(snakemake.output.grams, grams, ids, made_from)

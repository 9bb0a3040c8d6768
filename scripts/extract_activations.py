"""Run a network once over the images of a dataset; leave one Gram matrix a layer."""

from functools import partial

import h5py
import torch

from ventral.data.images import read_labels, read_stimulus_ids
from ventral.files.console import logged
from ventral.gram.file import hash_images, keep_activations, write_gram, writing_grams
from ventral.gram.matrix import gram_of, join_labels, one_hot
from ventral.networks.activations import choose_device, extract_grams
from ventral.networks.zoo import build_network

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, params, settings = snakemake.wildcards.network, snakemake.params, snakemake.params.network
    stimulus_id = read_stimulus_ids(snakemake.input.images)
    labels = {label: gram_of(one_hot(of)) for label, of in read_labels(snakemake.input.images).items()}
    category, scale = settings.get("with_category"), settings.get("category_scale", "equal")
    with h5py.File(snakemake.input.images) as file, writing_grams(snakemake.output.grams, stimulus_id) as output:
        if settings["architecture"] == "labels":
            made_from, grams = {"weights": "none"}, labels.items()
        else:
            seed = settings.get("seed", params.seed)
            weights_file = getattr(snakemake.input, "weights", None) or None
            network = build_network(name, settings, weights_file=weights_file, seed=seed)
            precision = settings.get("precision", "float32")
            made_from = {
                "weights": network.weights,
                "weights_sha256": network.weights_sha256,
                "seed": seed,
                "precision": precision,
                "images_sha256": hash_images(file["images"]),
                "image_size": network.image_size or "as they are",
                "interpolation": network.interpolation,
                "mean": network.mean,
                "std": network.std,
            }
            grams = extract_grams(
                network,
                file["images"],
                memory_mb=snakemake.config["resources"]["mem_mb"],
                scratch=snakemake.resources.tmpdir,
                device=choose_device(params.device),
                precision=precision,
                channels_last=settings.get("channels_last", False),
                keep=settings.get("keep", ()),
                kept_in=partial(keep_activations, output),
            )
        joined = {"with_category": category, "category_scale": scale} if category else {"with_category": "no"}
        output.attrs.update(made_from | joined | {"network": name})
        for layer, gram in grams:
            write_gram(output, layer, join_labels(gram, labels[category], scale) if category else gram)

"""Compare how well a network and its random copy tell categories of objects apart: is it trained, as it claims?"""

import sys
from dataclasses import asdict, replace

import h5py
import pandas as pd
import torch

from ventral.encoders.check import LATE, compare_with_random
from ventral.files.atomic import reading, writing
from ventral.files.console import logged
from ventral.networks.activations import choose_device, extract_grams
from ventral.networks.zoo import Network, build_network

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, params = snakemake.wildcards.network, snakemake.params
    settings = {**params.network, "layers": "auto"}
    seed = settings.get("seed", params.seed)
    file = getattr(snakemake.input, "weights", None) or None
    with reading(snakemake.input.images), h5py.File(snakemake.input.images) as objects:
        images, categories = objects["images"][:], objects["category_name"].asstr()[:].astype(str)

    def late_layers(network: Network):
        """Names and Gram matrices of a network's last layers."""
        return extract_grams(
            replace(network, layers=network.layers[-LATE:]),
            images,
            memory_mb=snakemake.config["resources"]["mem_mb"],
            scratch=snakemake.resources.tmpdir,
            device=choose_device(params.device),
        )

    network = build_network(name, settings, weights_file=file, seed=seed)
    copy = build_network(name, {**settings, "weights": "random"}, weights_file=None, seed=seed)
    check = compare_with_random(late_layers(network), late_layers(copy), categories)
    row = {"network": name, "weights": network.weights, **asdict(check)}
    with writing(snakemake.output.check) as temporary:
        pd.DataFrame([row]).to_csv(temporary, index=False, lineterminator="\n")
    print(
        f"{name}: {check.accuracy:.2f} of {len(images)} images right, its random copy {check.accuracy_random:.2f}: "
        f"{check.verdict}",
        file=sys.stderr,
    )

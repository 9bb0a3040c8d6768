"""Check whether a network classifies objects better than its copy with random weights, so that it is trained."""

import sys

import h5py
import pandas as pd
import torch

from ventral.encoders.claim import check_claim
from ventral.files.atomic import reading
from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.networks.activations import choose_device

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, params = snakemake.wildcards.network, snakemake.params
    with reading(snakemake.input.images), h5py.File(snakemake.input.images) as objects:
        images, categories = objects["images"][:], objects["category_name"].asstr()[:].astype(str)
    check, row = check_claim(
        name,
        params.network,
        images,
        categories,
        weights_file=getattr(snakemake.input, "weights", None) or None,
        seed=params.seed,
        memory_mb=snakemake.config["resources"]["mem_mb"],
        scratch=snakemake.resources.tmpdir,
        device=choose_device(params.device),
    )
    write_csv(pd.DataFrame([row]), snakemake.output.check, digits=None)
    print(
        f"{name}: {check.accuracy:.2f} of {len(images)} images right, its random copy {check.accuracy_random:.2f}: "
        f"{check.verdict}",
        file=sys.stderr,
    )

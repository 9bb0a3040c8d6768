"""How fast the library is on a GPU, beside the least that the same work could take."""

import os
import time
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import eigh
from torch.nn import functional

from benchmarks.extraction import forward_seconds
from benchmarks.gpu.findings import Bar, Figure, Findings
from benchmarks.gpu.materials import MEMORY_MB, Size, draw_images, random_network, responses_to, synchronise
from ventral.encoders.fit import fit_readouts
from ventral.encoders.trained import Job, build_trained, make_recipe
from ventral.gram.matrix import WIDTH, gram_of, gram_of_blocks
from ventral.networks.activations import extract_grams
from ventral.readouts.catalogue import readout_of
from ventral.training.engine import train
from ventral.training.plan import Examples, Plan
from ventral.training.trainable import Encoder

PUBLISHED = {
    "ridge_loo": {"alpha": "loo"},
    "pca1000-ols": {"alpha": 0, "components": 1000},
    "pls25": {"pls": 25},
}
SPLITS, TIMED = 11, 1  # of the published study; of these, how many are timed
WARM_UP = 3  # steps of the bare loop of training before its clock starts
MATRICES = 5  # of n x n float64 that a Gram matrix takes while it is made, on the GPU and beside it


def seconds_of(begin: float, device: torch.device) -> float:
    """Seconds since `begin`, after the GPU has done what it was asked for."""
    synchronise(device)
    return time.perf_counter() - begin


def extraction(size: Size, device: torch.device, architecture: str, most_seconds: float | None) -> Findings:
    """Images/s from images in memory to Gram matrices of all `auto` layers, against the bare forward pass.

    Args:
        size: of the work.
        device: where.
        architecture: of the network.
        most_seconds: bar of the whole extraction; None for no bars.
    """
    network, images = random_network(architecture, size.side), draw_images(size.extracted, size.side)
    before = forward_seconds(network, images, device)
    begin = time.perf_counter()
    layers = extract_grams(network, images, memory_mb=MEMORY_MB, scratch=None, device=device)
    units = sum(gram.n_units for _, gram in layers)
    ours = seconds_of(begin, device)
    bare = (before + forward_seconds(network, images, device)) / 2
    barred = most_seconds is not None
    return Findings(
        [
            Figure("images/s, bare forward pass", len(images) / bare),
            Figure("images/s", len(images) / ours),
            Figure(
                "images/s, of the bare forward pass",
                bare / ours,
                bar=Bar(at_least=0.8, of_speed=True) if barred else None,
            ),
            Figure("seconds", ours, "s", Bar(at_most=most_seconds, of_speed=True) if barred else None),
            Figure("units of all layers", units),
        ]
    )


def extraction_resnet(size: Size, device: torch.device) -> Findings:
    """Extraction of ResNet-50."""
    return extraction(size, device, size.resnet, 15)


def extraction_convnext(size: Size, device: torch.device) -> Findings:
    """Extraction of ConvNeXt-Base."""
    return extraction(size, device, size.convnext, None)


def fits(size: Size, device: torch.device) -> Findings:
    """Seconds of three published readouts of one layer, all splits; the section's process has one core."""
    n = size.fitted * 5 // 4
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, size.units)) * np.arange(1, size.units + 1) ** -0.5
    responses = responses_to(features[:, : size.units // 10], size.neuroids, size.fitted)
    layer = ("layer", gram_of(features.astype(np.float32)))
    readouts = {name: readout_of(entry) for name, entry in PUBLISHED.items()}
    splits = np.stack([rng.permutation(responses["split"].values) for _ in range(TIMED)])
    begin = time.perf_counter()
    fit_readouts([layer], responses, readouts, splits)
    seconds = SPLITS / TIMED * (time.perf_counter() - begin)
    figures = [Figure(f"{SPLITS} splits on one core", seconds, "s")]
    note = "the library fits on the CPU only"
    if device.type == "cuda":
        # The same code on the same core, so there is nothing to time again.
        figures.append(Figure("times as fast as one core", 1.0, "", Bar(at_least=8, of_speed=True)))
        figures.append(
            Figure("eigenvectors on the GPU, times as fast as one core", eigenvectors(layer[1].inner, device))
        )
        note += "; what a GPU would gain on its eigenvectors is in the table"
    return Findings(figures, note)


def eigenvectors(inner: np.ndarray, device: torch.device) -> float:
    """How many times as fast as this core a GPU decomposes (n, n) inner products, in float64."""
    begin = time.perf_counter()
    eigh(inner, driver="evd", check_finite=False)
    core = time.perf_counter() - begin
    matrix = torch.from_numpy(inner).to(device)
    torch.linalg.eigh(matrix[:100, :100])  # starts the library
    synchronise(device)
    begin = time.perf_counter()
    torch.linalg.eigh(matrix)
    return core / seconds_of(begin, device)


def training(size: Size, device: torch.device) -> Findings:
    """Images/s of fine-tuning ResNet-50, against a bare loop on one synthetic batch. Neither has TF32."""
    settings = {"architecture": size.resnet, "weights": "random", "layers": "auto", "image_size": size.side}
    entry = {"network": size.resnet, "head": "linear"}
    recipe, said = make_recipe(entry, settings, size.side, size.neuroids)
    job = Job(size.resnet, entry, recipe, said, [], 0, Path(), device, MEMORY_MB)
    images = draw_images(size.trained, size.side)
    rates = np.random.default_rng(2).normal(size=(len(images), size.neuroids))
    examples = Examples(job.inputs(images, np.arange(len(images))), rates)
    plan = Plan(epochs=size.epochs, batch=size.batch, backbone_learning_rate=1e-4, patience=None)
    ends: list[float] = []
    found = train(
        build_trained(recipe, 0), examples, plan, device=device, report=lambda row: ends.append(time.perf_counter())
    )
    ours = (~found.held_out).sum() * (len(ends) - 1) / (ends[-1] - ends[0])  # the first epoch warms up
    bare = bare_images_per_second(build_trained(recipe, 0), size, device)
    return Findings(
        [
            Figure("images/s, bare loop", bare),
            Figure("images/s", float(ours)),
            Figure("images/s, of the bare loop", float(ours / bare), "", Bar(at_least=0.85, of_speed=True)),
        ]
    )


def bare_images_per_second(encoder: Encoder, size: Size, device: torch.device) -> float:
    """Images/s of steps of training on one batch that lies on the device."""
    encoder.freeze(("*",))
    encoder.to(device, memory_format=torch.channels_last).train()
    images = torch.randn(size.batch, 3, size.side, size.side, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    target = torch.randn(size.batch, size.neuroids, device=device)
    optimizer = torch.optim.AdamW(encoder.parameters(), 1e-4)
    begin = 0.0
    for i in range(WARM_UP + size.steps):
        if i == WARM_UP:
            synchronise(device)
            begin = time.perf_counter()
        optimizer.zero_grad()
        functional.mse_loss(encoder(images)[0], target).backward()
        optimizer.step()
    return size.steps * size.batch / seconds_of(begin, device)


def many_images(size: Size, device: torch.device) -> Findings:
    """Seconds of the Gram matrix of one layer of very many images, in float32, whatever is the most that fits."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    if device.type == "cuda":
        free = min(free, torch.cuda.mem_get_info(device)[0])
    n = min(size.most_images, int((free / (MATRICES * 8)) ** 0.5))
    n_units = (n // WIDTH + 2) * WIDTH  # more than images, so that products are in float32
    generator = torch.Generator(device).manual_seed(0)
    blocks = (torch.randn(n, WIDTH, device=device, generator=generator) for _ in range(n_units // WIDTH))
    begin = time.perf_counter()
    gram = gram_of_blocks(blocks, n, n_units)
    seconds = seconds_of(begin, device)
    figures = [
        Figure("images", n),
        Figure("units", gram.n_units),
        Figure("seconds", seconds, "s"),
        Figure(f"seconds of {WIDTH} units", seconds / (n_units // WIDTH), "s"),
    ]
    return Findings(figures, "the library has no sketch: this is the whole Gram matrix")

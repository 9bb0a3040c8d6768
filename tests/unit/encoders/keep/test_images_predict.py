"""`predict` on the image files of a study uses the same pixels as the study, for any dataset and any encoder."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image
from torch import nn

from ventral.data.images import open_images, read_images
from ventral.data.majaj.files import read_pictures
from ventral.data.pixels import fitting
from ventral.data.xiao.crops import CENTRE, cut_crops
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.fit import fit_protocol
from ventral.encoders.keep.dual import fit_dual
from ventral.encoders.keep.linear import keep_linear
from ventral.encoders.keep.primal import primal_weights
from ventral.encoders.keep.reading import predict_images
from ventral.encoders.keep.trained import keep_trained
from ventral.encoders.trained import build_trained, make_recipe, preparation
from ventral.gram.matrix import gram_of
from ventral.networks.activations import prepare
from ventral.networks.zoo import build_network
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import Ridge
from ventral.training.engine import predict
from ventral.training.loader import Inputs

N, TRAIN = 30, 20
CPU = torch.device("cpu")


def picture(i: int, width: int, height: int) -> Image.Image:
    colours = np.random.default_rng(i).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((width, height), Image.Resampling.BICUBIC)


def saved(size, suffixes=("png",), turned=False):
    """Thirty images in `images`, and their names."""
    Path("images").mkdir()
    names = [f"{i}.{suffixes[i % len(suffixes)]}" for i in range(N)]
    for i, name in enumerate(names):
        exif = Image.Exif()
        exif[0x0112] = 1 + i % 8 if turned else 1
        picture(i, *size(i)).save(Path("images", name), exif=exif)
    return [Path("images", name) for name in names]


def own(size, side=None, **options):
    files = saved(size, **options)
    names, read = open_images("images")
    return read_images("images", names, read, side), files


def majaj():
    files = saved(lambda i: (24, 24))
    with zipfile.ZipFile("images.zip", "w") as archive:
        for file in files:
            archive.write(file, f"folder/{file.name}")
    table = pd.DataFrame({"image_file_name": [file.name for file in files]}, index=[f"id{i}" for i in range(N)])
    return read_pictures("images.zip", table), files


def crops():
    saved(lambda i: (60, 45))
    names, read = open_images("images")
    places = pd.DataFrame({"file": names} | {name: np.linspace(-3, 3, N) for name in CENTRE})
    stack = np.empty((N, 22, 22, 3), np.uint8)
    for rows, patches in cut_crops(places, np.array([8.0, 6.0]), 3.0, 22, "images", read):
        stack[rows] = patches
    Path("crops").mkdir()
    for i, crop in enumerate(stack):
        Image.fromarray(crop).save(Path("crops", f"{i}.png"))
    return stack, [Path("crops", f"{i}.png") for i in range(N)]


DATASETS = {
    "squares as they are": lambda: own(lambda i: (24, 24)),
    "squares, fitted": lambda: own(lambda i: (24, 24), 20),
    "wide ones as they are": lambda: own(lambda i: (24, 15)),
    "tall ones, fitted": lambda: own(lambda i: (15, 40), 20),
    "any size, fitted": lambda: own(lambda i: (20 + i, 50 - i), 20),
    "any format": lambda: own(lambda i: (24, 24), suffixes=("png", "jpg", "bmp", "tif", "gif", "webp")),
    "turned by the camera": lambda: own(lambda i: (30, 20), 20, suffixes=("jpg", "png", "tif"), turned=True),
    "majaj": majaj,
    "free viewing": lambda: own(lambda i: (60 - i, 45), 32),
    "crops": crops,
}
NETWORKS = {
    "as they are": {"architecture": "pixels", "weights": "random", "layers": "auto"},
    "resized": {"architecture": "pixels", "weights": "random", "layers": "auto", "image_size": 17},
}
READOUTS = {"ridge": Ridge("loo"), "pca": Ridge(1.0, components=5), "pls": Pls(3)}


@pytest.fixture(params=DATASETS)
def dataset(request, tmp_path, monkeypatch):
    """(n, side, side, 3) images as the study packs them, and the files they came from."""
    monkeypatch.chdir(tmp_path)
    images, files = DATASETS[request.param]()
    assert images.shape[1] == images.shape[2]
    return images, files


def sd_apart(predicted, expected, rates):
    """The largest difference of (n, neuroid) predictions, in standard deviations of a neuroid's rates."""
    return (np.abs(predicted - expected) / rates.std(axis=0)).max()


@pytest.mark.parametrize("network", NETWORKS)
def test_linear_encoders(dataset, network):
    images, files = dataset
    side, settings = images.shape[1], NETWORKS[network]
    built = build_network("pixels", settings, weights_file=None, seed=0)
    features = prepare(torch.from_numpy(images), built).flatten(1).double().numpy()
    weights = np.random.default_rng(0).normal(size=(features.shape[1], 3))
    responses = xr.Dataset(
        {"rate": (("stimulus", "neuroid"), features @ weights)},
        {
            "stimulus_id": ("stimulus", [file.name for file in files]),
            "split": ("stimulus", np.repeat(["train", "test"], [TRAIN, N - TRAIN])),
            "neuroid_id": ("neuroid", list("abc")),
            "region": ("neuroid", ["V4"] * 3),
        },
    )
    gram, split = gram_of(features), responses["split"].values
    for name, readout in READOUTS.items():
        expected = chosen_predictions(fit_protocol([("pixels", gram)], responses, readout, split[None]))
        duals = {"pixels": fit_dual(gram, responses, split, readout, np.ones(3, bool))}
        primals = primal_weights(built, images, np.arange(N), duals, device=CPU)
        keep_linear(name, built, primals, settings, {"neuroid_id": list("abc"), "fitting": fitting(side)})
        assert sd_apart(predict_images(name, files[TRAIN:])[1], expected, responses["rate"].values) < 1e-4


@pytest.mark.parametrize("head", ["linear", "mlp"])
@pytest.mark.parametrize("size", [None, 16])
def test_trained_encoders(dataset, head, size):
    images, files = dataset
    side = images.shape[1]
    entry = {"network": "cnn", "head": head, "cnn": {"layers": 2, "channels": [4, 4], "kernel": 3}}
    entry |= ({"image_size": size} if size else {}) | ({"hidden": [6]} if head == "mlp" else {})
    recipe, _ = make_recipe(entry, None, side, 3)
    member = build_trained(recipe, seed=0)
    for weights in member.head.parameters():
        nn.init.normal_(weights)
    member.eval()
    expected = predict(member, Inputs(images, prepare=preparation(json.loads(json.dumps(recipe)))))
    keep_trained("kept", [member], recipe, {"neuroid_id": list("abc"), "fitting": fitting(side)})
    assert sd_apart(predict_images("kept", files)[1], expected, expected) < 1e-4

"""Weights of units from weights of images: for a single neuroid, and for readouts that use the smallest components."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.fit import fit_protocol
from ventral.encoders.keep.dual import fit_dual
from ventral.encoders.keep.primal import apply_primal, primal_weights
from ventral.networks.activations import batches, extract_grams
from ventral.networks.zoo import Network
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import Ridge

CPU = torch.device("cpu")
N, SIDE = 45, 16
SPLIT = np.repeat(["train", "val", "test"], [33, 4, 8])


class Rows(nn.Module):
    """Rows of an image one after another: rounded in another way in another batch."""

    def __init__(self):
        super().__init__()
        self.rows = nn.GRU(3, 6, batch_first=True)
        self.last = nn.Identity()

    def forward(self, images):
        return self.last(self.rows(images.mean(3).transpose(1, 2))[0])


def network_of(model):
    return Network("net", model.eval(), ("last",), SIDE, (0, 0, 0), (1, 1, 1))


def convolutions():
    parts = {"first": nn.Conv2d(3, 8, 3, stride=4), "second": nn.Conv2d(8, 6, 1), "last": nn.Flatten()}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    return model


def study(n_neuroids):
    """Images that differ little, as (n, side, side, 3), and rates to them in no order with what they show."""
    rng = np.random.default_rng(0)
    images = rng.integers(100, 140, (N, SIDE, SIDE, 3), dtype=np.uint8)
    coords = {
        "stimulus_id": ("stimulus", [f"{i}.png" for i in range(N)]),
        "split": ("stimulus", rng.permutation(SPLIT)),
        "neuroid_id": ("neuroid", [f"n{i}" for i in range(n_neuroids)]),
        "region": ("neuroid", ["IT"] * n_neuroids),
    }
    return images, xr.Dataset({"rate": (("stimulus", "neuroid"), rng.normal(10, 3, (N, n_neuroids)))}, coords)


def deviation(model, n_neuroids, readout, channels_last=False):
    """How far weights of units are from weights of images, at most, in sd of a neuroid's rates."""
    torch.manual_seed(0)
    (images, responses), network = study(n_neuroids), network_of(model())
    options = {"device": CPU, "channels_last": channels_last}
    grams = dict(extract_grams(network, images, memory_mb=500, scratch=None, **options))
    split = responses["split"].values
    predictions = fit_protocol(grams.items(), responses, readout, split[None])
    dual = fit_dual(grams["last"], responses, split, readout, np.ones(n_neuroids, bool))
    primals = primal_weights(network, images, np.arange(N), {"last": dual}, **options)
    rates = apply_primal(replace(network, layers=("last",)), primals, batches(images, network, 32, CPU), N)
    differs = rates[split != "train"] - chosen_predictions(predictions)
    return (np.abs(differs) / responses["rate"].values.std(axis=0)).max()


@pytest.mark.parametrize("readout", [Ridge("loo"), Pls(2)], ids=["ridge", "pls"])
@pytest.mark.parametrize("n_neuroids", [1, 2])
def test_a_neuroid_alone_is_predicted_as_several_are(n_neuroids, readout):
    assert deviation(convolutions, n_neuroids, readout) < 1e-5


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("model", [Rows, convolutions])
def test_readouts_with_next_to_no_penalty_are_those_of_the_study(model, channels_last):
    assert deviation(model, 3, Ridge(1e-6), channels_last) < 1e-4

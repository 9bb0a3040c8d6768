"""Networks whose features of an image change from pass to pass are refused by name; all others are accepted."""

import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ventral.files.errors import InputError
from ventral.networks.activations import extract_grams, try_network
from ventral.networks.steady import check_anew
from ventral.networks.weights import seeded
from ventral.networks.zoo import Network, build_network

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 12, 12, 3), dtype=np.uint8)


class After(nn.Module):
    """A convolution, and a step after it."""

    def __init__(self, step) -> None:
        super().__init__()
        with seeded(0):
            self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.step, self.passes = step, 0

    def forward(self, x):
        self.passes += 1
        return self.step(self, self.conv(x))


def shuffled(_net, x):
    return x[:, torch.randperm(x.shape[1])]


STEPS = {
    "dropout": (lambda net, x: functional.dropout(x, 0.1), "from pass to pass"),
    "channel dropout": (lambda net, x: functional.dropout2d(x, 0.5), "from pass to pass"),
    "weak noise": (lambda net, x: x + 0.01 * torch.randn_like(x), "from pass to pass"),
    "noise of numpy": (lambda net, x: x + float(np.random.randn()), "from pass to pass"),  # noqa: NPY002
    "a random order": (shuffled, "from pass to pass"),
    "a counter": (lambda net, x: x * net.passes, "from pass to pass"),
    "the batch's mean": (lambda net, x: x - x.mean(0, keepdim=True), "with the other images of its batch"),
    "the batch's largest": (lambda net, x: x / x.abs().max(), "with the other images of its batch"),
    "attention among images": (lambda net, x: x.flatten(1).softmax(0), "with the other images of its batch"),
    "the place in the batch": (
        lambda net, x: x * torch.arange(1, len(x) + 1)[:, None, None, None],
        "with the other images of its batch",
    ),
}


@pytest.mark.parametrize("step, how", STEPS.values(), ids=STEPS)
def test_features_that_change_are_refused_at_the_first_pass(step, how, capsys):
    network = Network("mine", After(step).eval(), ("conv", "output"), None, (0, 0, 0), (1, 1, 1))
    with pytest.raises(InputError, match=rf"config: networks\.mine: features of an image .* {how} \(layer output\); "):
        next(extract_grams(network, IMAGES, memory_mb=100, scratch=None, device=CPU))
    network = Network("mine", After(step).eval(), ("conv",), None, (0, 0, 0), (1, 1, 1))
    assert len(list(extract_grams(network, IMAGES, memory_mb=100, scratch=None, device=CPU))) == 1  # before the step


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "step",
    [
        lambda net, x: functional.dropout(x, 0.5, training=net.training),
        lambda net, x: functional.instance_norm(x),
        lambda net, x: x * 1e-20,
        lambda net, x: x * 0,
        lambda net, x: x + 1e4,  # rounding as large as what tells images apart is no noise
        lambda net, x: x / 0,
    ],
)
@pytest.mark.parametrize("n", [1, 2, 9])
def test_networks_that_are_steady_are_left_alone(step, precision, n):
    network = Network("mine", After(step).eval(), ("output",), None, (0, 0, 0), (1, 1, 1))
    try_network(network, IMAGES[:n], CPU, precision)


def test_any_number_of_blank_images_is_no_fault():
    network = Network("mine", nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), ("1",), None, (0, 0, 0), (1, 1, 1))
    try_network(network, np.zeros((5, 8, 8, 3), np.uint8), CPU)


NETS = """
import random
import numpy as np
import torch
from torch import nn

class Drawn(nn.Module):
    def __init__(self, keep):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        keep(self)
    def forward(self, x):
        return self.conv(x) * self.gain

def attribute():
    return Drawn(lambda net: setattr(net, "gain", torch.rand(4, 1, 1)))
def of_numpy():
    return Drawn(lambda net: setattr(net, "gain", float(np.random.rand())))
def of_python():
    return Drawn(lambda net: setattr(net, "gain", random.random()))
def passing_buffer():
    return Drawn(lambda net: net.register_buffer("gain", torch.rand(4, 1, 1), persistent=False))
def buffer():
    return Drawn(lambda net: net.register_buffer("gain", torch.rand(4, 1, 1)))
def fixed():
    return Drawn(lambda net: setattr(net, "gain", torch.rand(4, 1, 1, generator=torch.Generator().manual_seed(3))))
def width():
    return nn.Conv2d(3, random.randrange(4, 4000), 3)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "drawn_nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    settings = {"weights": "random", "layers": ["output"], "image_size": 12}
    yield lambda name, seed=0: build_network(
        "mine", settings | {"architecture": f"drawn_nets.py:{name}"}, weights_file=None, seed=seed
    )
    sys.modules.pop("own_drawn_nets", None)


@pytest.mark.parametrize("name", ["attribute", "of_numpy", "of_python", "passing_buffer"])
def test_a_seed_outside_the_state_dict_is_refused(own, name):
    with pytest.raises(InputError, match=r"networks\.mine: features depend on a seed that is not in its state dict"):
        try_network(own(name), IMAGES, CPU)


def test_a_seed_that_makes_another_network_is_refused(own):
    with pytest.raises(InputError, match=r"networks\.mine: another seed makes another network, which its state dict"):
        try_network(own("width"), IMAGES, CPU)


@pytest.mark.parametrize("name", ["buffer", "fixed"])
def test_what_is_in_the_state_dict_or_the_same_each_time_is_no_fault(own, name):
    try_network(own(name), IMAGES, CPU)


def test_a_seed_holds_for_numpy_and_python_too(own):
    assert own("of_numpy").model.gain == own("of_numpy").model.gain != own("of_numpy", 1).model.gain
    assert own("of_python").model.gain == own("of_python").model.gain != own("of_python", 1).model.gain


def test_a_network_made_anew_is_given_the_state_of_the_first(own):
    network = own("buffer")
    again = network.anew()
    assert not torch.equal(again.gain, network.model.gain)
    batch = torch.rand(3, 3, 12, 12)
    with torch.no_grad():
        check_anew(network, try_network(network, IMAGES, CPU), batch, again, "float32")
    assert torch.equal(again.gain, network.model.gain)

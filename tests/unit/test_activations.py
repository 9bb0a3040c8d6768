"""Recorded activations against those computed by hand, and networks that cannot be recorded."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ventral.errors import InputError
from ventral.gram import gram_of
from ventral.gram_file import hash_images, match_stimuli, read_gram, read_layers, write_grams
from ventral.networks import activations as module
from ventral.networks.activations import activations, choose_device, extract_grams, prepare
from ventral.networks.operators import name_missing_operators
from ventral.networks.weights import seeded
from ventral.networks.zoo import ARCHITECTURES, Network, Pixels, build_network

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)


class Small(nn.Module):
    """Two convolutions, each followed by what could spoil a recording: an in-place ReLU, an in-place residual."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4 * 64, 5)
        self.idle = nn.Linear(1, 1)

    def forward(self, x):
        kept = self.relu(self.first(x))
        out = self.second(kept)
        out += kept
        return self.head(out.flatten(1))


class Given(nn.Module):
    """A layer `part` used as `use` says."""

    def __init__(self, part: nn.Module, use) -> None:
        super().__init__()
        self.part, self.use = part, use

    def forward(self, x):
        return self.use(self.part, x)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def network_of(model: nn.Module, *layers: str, image_size: int | None = None, mean=(0, 0, 0), std=(1, 1, 1)):
    return Network("mine", model.eval(), layers, image_size, mean, std, "")


@pytest.fixture
def small():
    with seeded(0):
        return Small().eval()


def by_hand(model: Small, images=IMAGES) -> dict[str, np.ndarray]:
    with torch.no_grad():
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        first = model.first(x)
        second = model.second(torch.relu(first))
        layers = {"first": first, "relu": torch.relu(first), "second": second}
        layers["head"] = model.head((second + torch.relu(first)).flatten(1))
    return {name: value.flatten(1).numpy() for name, value in layers.items()}


def test_all_layers_of_one_pass_are_as_computed_by_hand(small):
    """Also before an in-place ReLU and an in-place residual sum."""
    found = activations(network_of(small, "first", "relu", "second", "head"), IMAGES, CPU)
    expected = by_hand(small)
    assert list(found) == ["first", "relu", "second", "head"]
    for name, rows in found.items():
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected[name], atol=1e-6)
    assert (found["first"] < 0).any()
    assert not small.first._forward_hooks  # nothing stays behind


@pytest.mark.parametrize(
    "model, layer, words",
    [
        (Given(nn.Identity(), lambda part, x: part(part(x))), "part", "part runs more than once an image"),
        (Given(Pair(), lambda part, x: part(x)[0]), "part", "part gives no single tensor"),
        (Small(), "idle", "idle does not run for an image"),
    ],
)
def test_layers_that_cannot_be_recorded_are_named(model, layer, words):
    with pytest.raises(InputError, match=rf"config: networks\.mine\.layers: {words}; choose another"):
        activations(network_of(model, layer), IMAGES[:2], CPU)
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize("batch", [1, 2, 4, 11])
@pytest.mark.parametrize("memory_mb", [1, 1000])
def test_grams_do_not_depend_on_batch_or_memory(small, tmp_path, monkeypatch, batch, memory_mb, capsys):
    monkeypatch.setattr(module, "BATCH", batch)
    monkeypatch.setattr(module, "SHARE", 2**13)  # blocks of 2 units with 1 MB
    network = network_of(small, "first", "head")
    found = dict(extract_grams(network, IMAGES, memory_mb=memory_mb, scratch=tmp_path, device=CPU))
    for name, gram in found.items():
        expected = gram_of(by_hand(small)[name])
        scale = np.trace(expected.inner) / len(IMAGES)
        np.testing.assert_allclose(gram.inner, expected.inner, atol=1e-5 * scale)
        np.testing.assert_allclose(gram.unit_sum, expected.unit_sum, atol=1e-4 * scale**0.5)
        np.testing.assert_allclose(gram.mean, expected.mean, rtol=1e-5, atol=1e-7)
        assert gram.n_units == expected.n_units
        assert not gram.dead
    assert list(found) == ["first", "head"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_activations_that_are_not_finite_are_refused(small, value, capsys):
    with torch.no_grad():
        small.head.bias[2] = value
    grams = extract_grams(network_of(small, "first", "head"), IMAGES, memory_mb=100, scratch=None, device=CPU)
    with pytest.raises(InputError, match=r"config: networks\.mine: head is not finite; check its weights"):
        list(grams)


def test_a_full_disk_is_said(small, monkeypatch, tmp_path, capsys):
    def full(*_):
        raise OSError(module.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.Spool, "write", full)
    with pytest.raises(InputError, match=r"disk full, 0\.0 GB needed for a while; set TMPDIR"):
        list(extract_grams(network_of(small, "first"), IMAGES, memory_mb=1, scratch=tmp_path, device=CPU))


def test_grams_are_written_and_read(small, tmp_path, capsys):
    network = network_of(small, "head", "first", "second")
    grams = dict(extract_grams(network, IMAGES, memory_mb=100, scratch=None, device=CPU))
    ids = np.array([f"im{i}" for i in range(len(IMAGES))])
    write_grams(tmp_path / "g.h5", grams.items(), ids, {"network": "mine", "images_sha256": hash_images(IMAGES)})
    assert read_layers(tmp_path / "g.h5") == ["head", "first", "second"]
    for layer, gram in grams.items():
        found = read_gram(tmp_path / "g.h5", layer)
        np.testing.assert_allclose(found.inner, gram.inner, rtol=1e-6, atol=1e-6 * np.trace(gram.inner))
        np.testing.assert_array_equal(found.mean_product, gram.mean_product)
        assert (found.mean_norm2, found.mean, found.n_units) == (gram.mean_norm2, gram.mean, gram.n_units)
    stimuli, images = match_stimuli(tmp_path / "g.h5", np.array(["unseen", *ids[::-2]]))
    np.testing.assert_array_equal(ids[images], ids[::-2])
    assert stimuli.tolist() == list(range(1, 1 + len(images)))
    assert f"1 of {len(stimuli) + 1} stimuli have no image" in capsys.readouterr().err
    some = read_gram(tmp_path / "g.h5", "first", images)
    np.testing.assert_array_equal(some.inner, read_gram(tmp_path / "g.h5", "first").inner[np.ix_(images, images)])
    with pytest.raises(InputError, match="its images are of other stimuli; delete the file"):
        match_stimuli(tmp_path / "g.h5", np.array(["other", "im0"]))
    assert hash_images(IMAGES) != hash_images(IMAGES[::-1])


def test_images_are_normalised_and_not_resized_where_the_size_is_right():
    mean, std = (0.5, 0.25, 0.0), (0.5, 2.0, 1.0)
    expected = (IMAGES / 255 - mean) / std
    for size in (8, None):
        found = prepare(IMAGES, network_of(Pixels(), "pixels", image_size=size, mean=mean, std=std))
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [4, 16, 24])
def test_resizing_keeps_the_mean_and_antialiases(size):
    smooth = np.kron(IMAGES[:, ::4, ::4], np.ones((1, 4, 4, 1))).astype(np.uint8)
    found = prepare(smooth, network_of(Pixels(), "pixels", image_size=size))
    assert found.shape == (11, 3, size, size)
    np.testing.assert_allclose(found.mean(dim=(2, 3)).numpy(), smooth.mean(axis=(1, 2)) / 255, atol=0.02)
    stripes = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    grey = prepare(stripes, network_of(Pixels(), "pixels", image_size=16))
    np.testing.assert_allclose(grey[:, :, 1:-1].numpy(), 0.5, atol=0.05)


def test_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("cpu") == choose_device("auto") == CPU
    with pytest.raises(InputError, match="config: device: no GPU that torch can use; set it to auto"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cuda") == choose_device("auto") == torch.device("cuda")
    assert choose_device("cpu") == CPU


def test_torchvision_can_be_imported():
    name_missing_operators()
    name_missing_operators()
    from torchvision.models import resnet50

    assert callable(resnet50)


# Units of each layer at 64 pixels: channels of the papers' tables times the area left by the strides.
UNITS = {
    "pixels": {"pixels": 3 * 64**2},
    "resnet50": {
        **{"conv1": 64 * 32**2, "layer1": 256 * 16**2, "layer2": 512 * 8**2},
        **{"layer3": 1024 * 4**2, "layer4": 2048 * 2**2, "avgpool": 2048},
    },
    "efficientnet_lite0": {
        **{"_blocks.0": 16 * 32**2, "_blocks.2": 24 * 16**2, "_blocks.4": 40 * 8**2, "_blocks.7": 80 * 4**2},
        **{"_blocks.10": 112 * 4**2, "_blocks.14": 192 * 2**2, "_blocks.15": 320 * 2**2, "_avg_pooling": 1280},
    },
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_layers_of_every_architecture(architecture):
    network = build_network("n", architecture, weights="random", layers="auto", image_size=64, seed=0)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    found = activations(network, image, CPU)
    assert {layer: rows.shape[1] for layer, rows in found.items()} == UNITS[architecture]
    assert not network.model.training
    assert all(np.isfinite(rows).all() for rows in found.values())


def test_trained_weights_are_others_than_random_ones():
    options = {"layers": ["_avg_pooling"], "image_size": None}
    networks = [
        build_network("n", "efficientnet_lite0", weights=weights, seed=seed, **options)
        for weights, seed in (("pretrained", 0), ("pretrained", 1), ("random", 0), ("random", 1))
    ]
    assert networks[0].weights_sha256 == networks[1].weights_sha256
    assert len({network.weights_sha256 for network in networks}) == 3
    assert networks[0].image_size == 224
    ramp = np.broadcast_to(np.arange(224, dtype=np.uint8)[:, None, None], (1, 224, 224, 3)).copy()
    found = activations(networks[0], ramp, CPU)["_avg_pooling"]
    logits = networks[0].model(prepare(ramp, networks[0]))
    weight, bias = networks[0].model._fc.weight, networks[0].model._fc.bias
    again = functional.linear(torch.from_numpy(found), weight, bias)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "change, fragments",
    [
        ({"architecture": "resnet5"}, ["networks.n.architecture: no 'resnet5'", "did you mean resnet50?"]),
        ({"architecture": "resnet50", "weights": "pretrained"}, ["networks.n.weights", "no installed package carries"]),
        ({"layers": ["pixel"]}, ["networks.n.layers: no layer 'pixel'", "its layers are pixels"]),
        ({"weights": "absent.pt"}, ["absent.pt", "no such file"]),
    ],
)
def test_entries_that_cannot_be_built(change, fragments):
    entry = {"architecture": "pixels", "weights": "random", "layers": "auto", "image_size": None, "seed": 0}
    with pytest.raises(InputError) as error:
        build_network("n", **(entry | change))
    assert all(part in str(error.value) for part in fragments)

"""Activations and Gram matrices of whole networks against computation by hand; images as networks need them."""

import os
from functools import partial

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ventral.files.errors import InputError
from ventral.files.image_hash import hash_images
from ventral.gram.file import (
    keep_activations,
    match_stimuli,
    read_gram,
    read_layers,
    read_weights,
    write_gram,
    writing_grams,
)
from ventral.gram.matrix import gram_of
from ventral.networks import activations as module
from ventral.networks.activations import (
    batch_size,
    choose_device,
    extract_grams,
    find_layers,
    inferring,
    lay_out,
    prepare,
)
from ventral.networks.operators import name_missing_operators
from ventral.networks.own import Pixels
from ventral.networks.recording import record
from ventral.networks.weights import seeded
from ventral.networks.zoo import Network, build_network

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


def network_of(model: nn.Module, *layers: str, image_size: int | None = None, mean=(0, 0, 0), std=(1, 1, 1), **more):
    return Network("mine", model.eval(), layers, image_size, mean, std, **more)


def prepared(images: np.ndarray, network: Network) -> torch.Tensor:
    return prepare(torch.from_numpy(images), network)


def activations(network: Network, images: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with inferring(CPU, "float32"):
        records = find_layers(network, images[:1], CPU)
        record(
            network.model, records, prepared(images, network), lambda k, rows: found.update({k: rows.clone().numpy()})
        )
    return {name: found[name] for name in records.shapes}


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
    found = activations(network_of(small, "first", "relu", "second", "head"), IMAGES)
    expected = by_hand(small)
    assert list(found) == ["first", "relu", "second", "head"]
    for name, rows in found.items():
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected[name], atol=1e-6)
    assert (found["first"] < 0).any()
    assert not small.first._forward_hooks  # nothing stays behind


def assert_same(gram, expected, tolerance=1e-5):
    scale = np.trace(expected.inner) / len(expected.inner)
    np.testing.assert_allclose(gram.inner, expected.inner, atol=tolerance * scale)
    np.testing.assert_allclose(gram.unit_sum, expected.unit_sum, atol=10 * tolerance * scale**0.5)
    np.testing.assert_allclose(gram.mean_product, expected.mean_product, atol=10 * tolerance * scale)
    np.testing.assert_allclose(gram.mean_norm2, expected.mean_norm2, rtol=10 * tolerance)
    np.testing.assert_allclose(gram.mean, expected.mean, rtol=tolerance, atol=1e-7)
    assert gram.n_units == expected.n_units
    assert not gram.dead


def extracted(network, images=IMAGES, memory_mb=100, scratch=None, **options):
    return dict(extract_grams(network, images, memory_mb=memory_mb, scratch=scratch, device=CPU, **options))


@pytest.mark.parametrize("batch", [1, 2, 4, 11])
@pytest.mark.parametrize("memory_mb", [1, 1000])
@pytest.mark.parametrize("free", [0, 4 * 11 * 300, 2**30])  # what a device holds: nothing, the second layer, both
def test_grams_do_not_depend_on_batch_memory_or_store(small, tmp_path, monkeypatch, batch, memory_mb, free, capsys):
    monkeypatch.setattr(module, "BATCH", {"cpu": batch})
    monkeypatch.setattr(module, "SHARE", 2**13)  # blocks of 2 units with 1 MB
    monkeypatch.setattr(module, "free_memory", lambda _: free)
    found = extracted(network_of(small, "first", "head"), memory_mb=memory_mb, scratch=tmp_path)
    for name, gram in found.items():
        assert_same(gram, gram_of(by_hand(small)[name]))
    assert list(found) == ["first", "head"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("batch", [1, 7])
def test_grams_do_not_depend_on_the_batch_with_batch_norm(monkeypatch, batch, capsys):
    with seeded(0):
        parts = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4)
        model = nn.Sequential(*parts)
        model.train()(torch.rand(16, 3, 8, 8))  # so that its running means are those of no batch
    images = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    network = network_of(model, "1", "4")
    expected = extracted(network, images)
    monkeypatch.setattr(module, "BATCH", {"cpu": batch})
    for name, gram in extracted(network, images).items():
        assert_same(gram, expected[name])


def test_the_sums_are_the_same_to_the_last_bit_whatever_the_memory(capsys):
    images = np.random.default_rng(1).integers(0, 256, (20, 48, 48, 3), dtype=np.uint8)
    few, many = (extracted(network_of(Pixels(), "pixels"), images, memory_mb=mb)["pixels"] for mb in (8, 8000))
    np.testing.assert_array_equal(few.inner, many.inner)
    np.testing.assert_array_equal(few.mean_product, many.mean_product)


def test_bfloat16_and_channels_last_where_asked_for(small, capsys):
    network, expected = network_of(small, "first", "head"), by_hand(small)
    for name, gram in extracted(network, channels_last=True).items():
        assert_same(gram, gram_of(expected[name]))
    rough = extracted(network, precision="bfloat16")["first"]
    exact = gram_of(expected["first"])
    error = np.abs(rough.inner - exact.inner).max() / np.abs(exact.inner).max()
    assert 1e-5 < error < 2e-2


class Viewed(Small):
    """Code that takes features for contiguous."""

    def forward(self, x):
        return self.head(self.second(self.first(x)).view(len(x), -1))


@pytest.mark.parametrize("make, layout", [(Small, torch.channels_last), (Viewed, torch.contiguous_format)])
def test_a_cpu_runs_channels_last_where_the_network_does(make, layout, capsys):
    with seeded(0):
        network = network_of(make(), "first", "second", "head")
    assert lay_out(network, IMAGES[:1], CPU, None).layout == layout
    expected = extracted(network, channels_last=False)
    for name, gram in extracted(network).items():
        assert_same(gram, expected[name])


def test_batches_of_a_cpu_shrink_with_the_size_of_images():
    sizes = [batch_size(network_of(Pixels(), image_size=side), IMAGES[:1], CPU) for side in (None, 64, 112, 224, 448)]
    assert sizes == [32, 32, 15, 8, 8]


def test_kept_activations_lie_beside_the_gram_matrix(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "SHARE", 2**13)
    network = network_of(small, "first", "relu", "head")
    ids = np.array([f"im{i}" for i in range(len(IMAGES))])
    for memory_mb, free in ((1, 0), (1000, 0), (1, 2**30)):
        monkeypatch.setattr(module, "free_memory", lambda _, free=free: free)
        with writing_grams(tmp_path / "g.h5", ids) as file:
            options = {"scratch": None, "device": CPU, "keep": ["fir*", "head"]}
            kept_in = partial(keep_activations, file)
            for layer, gram in extract_grams(network, IMAGES, memory_mb=memory_mb, kept_in=kept_in, **options):
                write_gram(file, layer, gram)
        with h5py.File(tmp_path / "g.h5") as file:
            layers = file["layers"]
            assert set(layers["first"]) - set(layers["relu"]) == {"activations"}
            np.testing.assert_allclose(layers["first/activations"][:], by_hand(small)["first"], atol=1e-6)
            np.testing.assert_allclose(layers["head/activations"][:], by_hand(small)["head"], atol=1e-6)
            assert layers["first/activations"].dtype == np.float32
            assert layers["first/activations"].attrs["shape"].tolist() == [4, 8, 8]
        assert read_layers(tmp_path / "g.h5") == ["first", "relu", "head"]
    with pytest.raises(InputError, match=r"networks\.mine\.keep: no layer 'second' is extracted; name some of first, "):
        extracted(network, keep=["second"])


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
    with writing_grams(tmp_path / "g.h5", ids) as file:
        file.attrs.update(network="mine", weights="random", images_sha256=hash_images(IMAGES))
        for layer, gram in grams.items():
            write_gram(file, layer, gram)
    assert read_weights(tmp_path / "g.h5") == "random"
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
        found = prepared(IMAGES, network_of(Pixels(), "pixels", image_size=size, mean=mean, std=std))
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [4, 16, 24])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resizing_keeps_the_mean_and_antialiases(size, interpolation):
    smooth = np.kron(IMAGES[:, ::4, ::4], np.ones((1, 4, 4, 1))).astype(np.uint8)
    found = prepared(smooth, network_of(Pixels(), "pixels", image_size=size, interpolation=interpolation))
    assert found.shape == (11, 3, size, size)
    np.testing.assert_allclose(found.mean(dim=(2, 3)).numpy(), smooth.mean(axis=(1, 2)) / 255, atol=0.02)
    stripes = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    grey = prepared(stripes, network_of(Pixels(), "pixels", image_size=16, interpolation=interpolation))
    np.testing.assert_allclose(grey[:, :, 1:-1].numpy(), 0.5, atol=0.05)


def test_the_device(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("cpu") == CPU and not capsys.readouterr().err
    assert choose_device("auto") == CPU
    assert capsys.readouterr().err == "device: auto: no GPU that torch can use, so the network runs on the CPU\n"
    with pytest.raises(InputError, match="config: device: no GPU that torch can use; set it to auto"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cuda") == choose_device("auto") == torch.device("cuda")
    assert not capsys.readouterr().err and os.environ["CUBLAS_WORKSPACE_CONFIG"]
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


@pytest.mark.parametrize("architecture", UNITS)
def test_the_layers_of_every_architecture(architecture):
    settings = {"architecture": architecture, "weights": "random", "layers": "auto", "image_size": 64}
    network = build_network("n", settings, weights_file=None, seed=0)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    found = activations(network, image)
    assert {layer: rows.shape[1] for layer, rows in found.items()} == UNITS[architecture]
    assert not network.model.training
    assert all(np.isfinite(rows).all() for rows in found.values())


def test_trained_weights_are_others_than_random_ones():
    options = {"architecture": "efficientnet_lite0", "layers": ["_avg_pooling"]}
    networks = [
        build_network("n", options | {"weights": weights}, weights_file=None, seed=seed)
        for weights, seed in (("pretrained", 0), ("pretrained", 1), ("random", 0), ("random", 1))
    ]
    assert networks[0].weights_sha256 == networks[1].weights_sha256
    assert len({network.weights_sha256 for network in networks}) == 3
    assert networks[0].image_size == 224
    ramp = np.broadcast_to(np.arange(224, dtype=np.uint8)[:, None, None], (1, 224, 224, 3)).copy()
    found = activations(networks[0], ramp)["_avg_pooling"]
    logits = networks[0].model(prepared(ramp, networks[0]))
    weight, bias = networks[0].model._fc.weight, networks[0].model._fc.bias
    again = functional.linear(torch.from_numpy(found), weight, bias)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "change, fragments",
    [
        ({"architecture": "resnet5"}, ["networks.n.architecture: no 'resnet5'", "did you mean resnet50?"]),
        ({"weights": "pretrained"}, ["networks.n.weights: pixels has no weights; leave weights out"]),
        ({"layers": ["pixel"]}, ["networks.n.layers: no layer 'pixel'", "its layers are pixels"]),
        ({"architecture": "cornet_z", "weights": "absent.pt"}, ["absent.pt", "no such file"]),
    ],
)
def test_entries_that_cannot_be_built(change, fragments):
    entry = {"architecture": "pixels", "weights": "random", "layers": "auto"}
    with pytest.raises(InputError) as error:
        build_network("n", entry | change, weights_file=None, seed=0)
    assert all(part in str(error.value) for part in fragments)

"""Files of Gram matrices: what they hold, and what they say about their origin."""

import h5py
import numpy as np
import pytest
import torch

from ventral.gram.file import hash_images, read_gram, read_layers, read_weights
from ventral.gram.matrix import gram_of, join_labels, one_hot
from ventral.networks.activations import extract_grams
from ventral.networks.extraction import extract_to_file, late_grams
from ventral.networks.zoo import build_network

N = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)
IDS = np.array([f"s{i}" for i in range(N)])
LABELS = {"category_name": np.array(["cars", "faces"] * (N // 2))}
CORNET = {"architecture": "cornet_z", "weights": "random", "layers": ["V1", "V4"], "image_size": 32}
OPTIONS = {"memory_mb": 200, "scratch": None, "device": torch.device("cpu")}


def extracted(path, **settings):
    extract_to_file(path, "net", CORNET | settings, IMAGES, IDS, LABELS, weights_file=None, seed=3, **OPTIONS)
    with h5py.File(path) as file:
        return {name: read_gram(path, name) for name in read_layers(path)}, dict(file.attrs)


def network(**settings):
    return build_network("net", CORNET | settings, weights_file=None, seed=3)


def test_the_file_has_the_gram_matrix_of_every_layer_and_its_origin(tmp_path):
    grams, attributes = extracted(tmp_path / "net.h5")
    for name, expected in extract_grams(network(), IMAGES, **OPTIONS):
        np.testing.assert_allclose(grams[name].inner, expected.inner, rtol=1e-6)
    assert list(grams) == ["V1", "V4"] and read_weights(tmp_path / "net.h5") == "random"
    assert attributes["weights_sha256"] == network().weights_sha256 and attributes["seed"] == 3
    assert attributes["images_sha256"] == hash_images(IMAGES) and attributes["with_category"] == "no"
    assert (attributes["network"], attributes["image_size"], attributes["precision"]) == ("net", 32, "float32")


def test_the_seed_of_the_entry_comes_first(tmp_path):
    _, attributes = extracted(tmp_path / "net.h5", seed=5)
    assert attributes["seed"] == 5 and attributes["weights_sha256"] != network().weights_sha256


def test_activations_are_kept_where_asked(tmp_path):
    extracted(tmp_path / "net.h5", keep=["V4"])
    with h5py.File(tmp_path / "net.h5") as file:
        assert "activations" in file["layers/V4"] and "activations" not in file["layers/V1"]


def test_labels_are_layers_of_their_own(tmp_path):
    grams, attributes = extracted(tmp_path / "labels.h5", architecture="labels")
    assert list(grams) == ["category_name"] and attributes["weights"] == "none"
    expected = gram_of(one_hot(LABELS["category_name"])).inner
    np.testing.assert_allclose(grams["category_name"].inner, expected, atol=1e-6)


@pytest.mark.parametrize("scale", ["equal", "as_is"])
def test_the_category_is_joined_to_every_layer(tmp_path, scale):
    plain, _ = extracted(tmp_path / "plain.h5")
    joined, attributes = extracted(tmp_path / "joined.h5", with_category="category_name", category_scale=scale)
    expected = join_labels(plain["V4"], gram_of(one_hot(LABELS["category_name"])), scale)
    np.testing.assert_allclose(joined["V4"].inner, expected.inner, rtol=1e-5, atol=1e-5)
    assert (attributes["with_category"], attributes["category_scale"]) == ("category_name", scale)


def test_late_layers_are_the_last_ones():
    ((name, gram),) = late_grams(network(), 1, IMAGES, **OPTIONS)
    assert name == "V4" and gram.inner.shape == (N, N)

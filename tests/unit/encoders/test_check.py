"""A trained network classifies objects far better than its random copy; one with random weights does not."""

import numpy as np
import pytest
import torch
from sklearn import linear_model
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from ventral.data.majaj.simulation import draw_images, draw_scenes
from ventral.encoders.check import MARGIN, compare_with_random, decode_categories
from ventral.encoders.claim import check_claim
from ventral.gram.matrix import gram_of
from ventral.gram.spectra import Decomposition
from ventral.networks.zoo import build_network
from ventral.readouts.ridge import Ridge

N, GROUPS = 120, 6


def features(strength: float, seed: int, width: int = 200) -> np.ndarray:
    """(N, width) noise, and as much of the category as asked for."""
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((GROUPS, width))
    return strength * means[np.arange(N) % GROUPS] + rng.standard_normal((N, width))


CATEGORIES = np.array([f"category{i % GROUPS}" for i in range(N)])


def layers(*strengths: float, seed: int = 0):
    return [(f"layer{i}", gram_of(features(strength, seed + i))) for i, strength in enumerate(strengths)]


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_decoding_is_that_of_ridge_left_out(strength):
    rows = features(strength, 3)
    gram = gram_of(rows)
    one_hot = (CATEGORIES[:, None] == np.unique(CATEGORIES)).astype(float)
    alpha = Ridge("loo").fit(Decomposition(gram.inner), one_hot, seed=0).alpha
    theirs = [
        cross_val_predict(linear_model.Ridge(alpha=alpha[k]), rows, one_hot[:, k], cv=LeaveOneOut())
        for k in range(GROUPS)
    ]
    right = np.argmax(theirs, axis=0) == one_hot.argmax(axis=1)
    np.testing.assert_array_equal(decode_categories(gram, CATEGORIES), right)


def test_a_trained_network_passes():
    check = compare_with_random(layers(0.1, 1.0), layers(0.1, 0.1, seed=9), CATEGORIES)
    assert check.passed and check.verdict == "better than its random copy"
    assert check.layer == "layer1" and check.n_images == N
    assert check.accuracy > 0.95 > 0.5 > check.accuracy_random
    assert check.difference == pytest.approx(check.accuracy - check.accuracy_random)
    assert MARGIN < check.low <= check.difference <= check.high


def test_another_random_network_does_not_pass():
    for seed in range(20):
        check = compare_with_random(layers(0.1, 0.1, seed=2 * seed), layers(0.1, 0.1, seed=99), CATEGORIES)
        assert not check.passed and check.verdict == "NO better than its random copy"


def test_the_copy_itself_differs_by_nothing():
    check = compare_with_random(layers(1.0, 0.5), layers(1.0, 0.5), CATEGORIES)
    assert check.difference == 0 and -MARGIN < check.low < 0 < check.high < MARGIN and not check.passed


def test_dead_layers_are_at_chance():
    dead = gram_of(np.ones((N, 5)))
    check = compare_with_random([("dead", dead)], layers(0.5), CATEGORIES)
    assert check.accuracy <= 1 / GROUPS and not check.passed


def test_real_trained_weights_pass_and_random_ones_posing_as_trained_do_not(tmp_path):
    """EfficientNet-Lite0 at a small size; the same comparison at full size reads .98 against .40."""
    scenes = draw_scenes(80, 64, np.random.default_rng(0))
    images = np.stack([image for image, _ in draw_images(scenes, 0)])
    categories = scenes["category_name"].to_numpy(dtype=str)

    entry = {"architecture": "efficientnet_lite0", "weights": "pretrained", "image_size": 96}
    options = {"memory_mb": 500, "scratch": None, "device": torch.device("cpu")}

    def checked(weights, file=None):
        settings = entry | {"weights": weights}
        return check_claim("net", settings, images, categories, weights_file=file, seed=0, **options)

    check, row = checked("pretrained")
    assert check.passed and (row["network"], row["passed"], row["layer"]) == ("net", True, check.layer)
    posing = build_network("net", entry | {"weights": "random", "layers": "auto"}, weights_file=None, seed=1)
    torch.save(posing.model.state_dict(), tmp_path / "posing.pth")
    check, row = checked(str(tmp_path / "posing.pth"), str(tmp_path / "posing.pth"))
    assert not check.passed and row["weights"] == "file"

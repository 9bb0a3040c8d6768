import numpy as np
import pytest
from scipy.stats import binomtest

from ventral.scores.classification import (
    accuracy_gain,
    beside_baselines,
    classify_pixels,
    score_sets,
    share_right,
    wilson,
)


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 10), (28, 30), (30, 30), (358, 428)])
def test_wilson_as_in_scipy(right, n):
    expected = binomtest(right, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(right, n), expected, atol=1e-12)


def test_accuracy_has_an_interval_even_where_all_is_right():
    found = share_right(np.arange(428) < 358)
    assert found["n"] == 428 and found["accuracy"] == pytest.approx(0.8364, abs=1e-4)
    assert (found["low"], found["high"]) == wilson(358, 428)
    all_right = share_right(np.ones(20, dtype=bool))
    assert 0.8 < all_right["low"] < all_right["accuracy"] == 1


def test_without_images_there_is_no_accuracy():
    none = np.zeros(0, dtype=bool)
    assert share_right(none)["n"] == 0 and np.isnan(share_right(none)["accuracy"])
    assert np.isnan(accuracy_gain(none, none)["low"])


def test_a_gain_is_paired():
    rng = np.random.default_rng(0)
    baseline = rng.random(200) < 0.5
    right = baseline.copy()
    right[np.flatnonzero(~baseline)[:30]] = True  # right wherever the baseline is, and 30 times more
    gain = accuracy_gain(right, baseline)
    assert gain["accuracy"] == pytest.approx(0.15) and 0.09 < gain["low"] < 0.15 < gain["high"] < 0.21
    none = accuracy_gain(right, right)
    assert none["accuracy"] == 0 and -0.02 < none["low"] < 0 < none["high"] < 0.02


@pytest.mark.parametrize("n", [20, 100, 400])
def test_the_interval_of_a_gain_covers_the_truth(n):
    """Two classifiers that agree on most images: of 1,000 studies, about 950 intervals hold the true gain."""
    rng = np.random.default_rng(n)
    outcomes = rng.multinomial(1, [0.7, 0.15, 0.05, 0.1], size=(1000, n))  # both right, one, the other, none
    covered = 0
    for study in outcomes:
        gain = accuracy_gain(study[:, [0, 1]].any(axis=1), study[:, [0, 2]].any(axis=1))
        assert gain["low"] < gain["accuracy"] < gain["high"]
        covered += gain["low"] <= 0.1 <= gain["high"]
    assert 920 <= covered <= 980


def test_pixels_tell_what_is_linear():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(200, 3, 4, 4))
    face = images[:, 0, :2].mean(axis=(1, 2)) > 0
    right = classify_pixels(images[:120], face[:120], images) == face
    assert right[120:].mean() > 0.75


def test_rows_of_every_set_and_category():
    truth = np.array([True, True, False, False, False])
    sets = np.array(["test", "test", "test", "odd", "none"])
    categories = np.array(["face", "monkey", "nonface", "pareidolia", "unknown"])
    called = {"hmo": np.array([True, False, False, True, True]), "majority": np.ones(5, dtype=bool)}
    rows = score_sets(called, truth, sets, categories, ["test", "odd", "empty"])
    found = {(row["set"], row["category"], row["classifier"]): row for row in rows}
    assert len(found) == len(rows) == 3 * 3 + 2 * 4
    assert found["test", "all", "hmo"]["accuracy"] == pytest.approx(2 / 3)
    assert found["test", "all", "hmo"]["called_face"] == pytest.approx(1 / 3)
    assert found["test", "all", "hmo - majority"]["accuracy"] == 0
    assert found["odd", "pareidolia", "hmo"]["accuracy"] == 0 and found["odd", "pareidolia", "hmo"]["called_face"] == 1
    assert found["empty", "all", "hmo"]["n"] == 0


def test_baselines_learn_from_train_alone():
    rng = np.random.default_rng(0)
    face, train = np.arange(40) % 4 != 0, np.arange(40) < 30
    pixels = rng.normal(size=(40, 6)) + 2 * face[:, None]
    pixels[~train] = rng.normal(size=(10, 6))
    found = beside_baselines("net", ~face, pixels, face, train)
    assert list(found) == ["net", "pixels", "majority"]
    assert found["majority"].all() and (found["net"] == ~face).all()
    np.testing.assert_array_equal(found["pixels"], classify_pixels(pixels[:30], face[:30], pixels))

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LinearRegression

from ventral.encoders.fit import fit_layer
from ventral.gram.file import read_gram, write_gram, writing_grams
from ventral.gram.matrix import (
    WIDTH,
    Gram,
    Held,
    Spool,
    centre_on,
    concatenate,
    gram_of,
    gram_of_blocks,
    in_double,
    join_labels,
    one_hot,
)
from ventral.readouts.ridge import Ridge


def reference(x: np.ndarray) -> dict[str, np.ndarray | float]:
    x = x.astype(float)
    mean = x.mean(axis=0)
    xc, m0 = x - mean, mean - mean.mean()
    return {
        "inner": xc @ xc.T,
        "unit_sum": xc.sum(axis=1),
        "mean_product": xc @ m0,
        "mean_norm2": m0 @ m0,
        "mean": mean.mean(),
        "n_units": x.shape[1],
    }


@pytest.mark.parametrize("shape", [(20, 7), (20, 300), (20, 5_000)])
@pytest.mark.parametrize("offset", [0.0, 1_000.0])
def test_gram_and_the_vectors_beside_it(shape, offset):
    x = (np.random.default_rng(0).normal(size=shape) + offset).astype(np.float32)
    ours, expected = gram_of(x), reference(x)
    # Tolerances in units of the mean diagonal, and of float32.
    scale = np.trace(expected["inner"]) / len(x)
    np.testing.assert_allclose(ours.inner, expected["inner"], atol=1e-6 * scale)
    for name in ("unit_sum", "mean_product", "mean_norm2", "mean"):
        np.testing.assert_allclose(getattr(ours, name), expected[name], atol=2e-5 * scale**0.5 * max(1, scale**0.5))
    assert ours.n_units == shape[1]


@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 7))
def test_blocks_of_any_width_give_the_same_gram(width, n_units, batch):
    n = 9
    x = np.random.default_rng(n_units).normal(size=(n, n_units)).astype(np.float32)
    with Spool(n, n_units, memory_bytes=4 * n * width) as spool:
        for start in range(0, n, batch):
            spool.write(start, x[start : start + batch])
        blocks = list(spool.blocks())
        assert max(b.shape[1] for b in blocks) <= width
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), x)
        ours = gram_of_blocks(spool.blocks(), n, n_units)
    np.testing.assert_allclose(ours.inner, gram_of(x).inner, atol=1e-5 * n_units)


def test_spool_leaves_nothing_behind(tmp_path):
    with Spool(4, 10, 1_000, tmp_path) as spool:
        spool.write(0, np.ones((4, 10), dtype=np.float32))
        assert not list(tmp_path.iterdir())


def test_spool_says_when_images_are_missing():
    with Spool(4, 10, 1_000) as spool:
        spool.write(0, np.ones((2, 10), dtype=np.float32))
        with pytest.raises(EOFError, match="shorter"):
            list(spool.blocks())


def test_centring_on_train_is_centring_the_features():
    x = np.random.default_rng(1).normal(size=(12, 30))
    train, test = np.arange(0, 12, 2), np.arange(1, 12, 2)
    inner, cross = centre_on(gram_of(x).inner, train, test)
    xc = x - x[train].mean(axis=0)
    np.testing.assert_allclose(inner, xc[train] @ xc[train].T, atol=1e-5)
    np.testing.assert_allclose(cross, xc[test] @ xc[train].T, atol=1e-5)


def test_dead_layers_are_known():
    rng = np.random.default_rng(2)
    constant = np.tile(rng.normal(size=500) * 100, (8, 1)).astype(np.float32)
    assert gram_of(constant).dead
    assert gram_of(np.zeros((8, 500), dtype=np.float32)).dead
    assert not gram_of(constant + rng.normal(size=constant.shape).astype(np.float32)).dead
    np.testing.assert_array_equal(gram_of(constant).kernel, np.zeros((len(constant), len(constant))))
    alive = gram_of(rng.normal(size=(8, 5)))
    assert alive.kernel is alive.inner


@pytest.mark.parametrize("n_units", [7, 300, 2 * WIDTH + 50])
@pytest.mark.parametrize("n", [1, 2, 9, 20])
def test_products_by_torch_are_those_of_blas(n, n_units):
    x = (np.random.default_rng(n).normal(size=(n, n_units)) + 3).astype(np.float32)
    blocks = torch.from_numpy(x.copy()).split(WIDTH - 3, dim=1)
    expected, found = gram_of(x), gram_of_blocks(iter(blocks), n, n_units)
    scale = max(np.trace(expected.inner) / n, 1)
    np.testing.assert_allclose(found.inner, expected.inner, atol=1e-6 * scale)
    np.testing.assert_array_equal(found.inner, found.inner.T)
    for name in ("unit_sum", "mean_product", "mean_norm2", "mean", "n_units"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5, atol=1e-4 * scale**0.5)


@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 7))
def test_activations_held_on_a_device_leave_it_in_blocks(width, n_units, batch):
    n = 9
    x = np.random.default_rng(n_units).normal(size=(n, n_units)).astype(np.float32)
    held = Held(n, n_units, memory_bytes=4 * n * width, device=torch.device("cpu"))
    for start in range(0, n, batch):
        held.write(start, torch.from_numpy(x[start : start + batch]))
    found = [block.clone() for block in held.blocks()]
    assert max(block.shape[1] for block in found) <= width
    np.testing.assert_array_equal(torch.cat(found, dim=1), x)
    for block in held.blocks():
        block.zero_()  # a block is the reader's own
    np.testing.assert_array_equal(held.rows, x)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(-5, 5), st.floats(-5, 5))
def test_concatenated_layers_are_those_of_concatenated_units(p, q, a, b):
    rng = np.random.default_rng(p * 31 + q)
    x, y = rng.normal(size=(8, p)) + a, rng.normal(size=(8, q)) * 3 + b
    found, expected = concatenate(gram_of(x), gram_of(y)), reference(np.hstack([x, y]))
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-4, atol=1e-3)


def test_concatenation_is_exact_in_double_precision():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 11)) + 2, one_hot(rng.choice(["cat", "dog", "cup"], 40))
    found, expected = concatenate(gram_of(x), gram_of(y)), reference(np.hstack([x, y]))
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, atol=1e-9)


def test_one_hot_labels():
    found = one_hot(np.array(["dog", "cat", "dog"]))
    assert found.tolist() == [[0, 1], [1, 0], [0, 1]]


def smooth_images(n: int, blur: float, noise: float, seed: int) -> np.ndarray:
    """(n, 3,072) float32 pixels of noise that is blurred by so many pixels, each with some noise of its own."""
    rng = np.random.default_rng(seed)
    blurred = gaussian_filter(rng.standard_normal((n, 32, 32, 3)), (0, blur, blur, 0))
    images = 0.5 + 0.2 * blurred / blurred.std() + noise * rng.standard_normal(blurred.shape)
    return np.clip(images, 0, 1).astype(np.float32).reshape(n, -1)


def mean_r2(y: np.ndarray, prediction: np.ndarray) -> float:
    return float((1 - ((y - prediction) ** 2).mean(axis=0) / y.var(axis=0)).mean())


@pytest.mark.parametrize("with_torch", [False, True])
@pytest.mark.parametrize("n, noise", [(300, 1e-4), (600, 1e-4), (600, 1e-3)])
def test_least_squares_on_few_pixels_is_that_of_the_pixels_however_small_their_eigenvalues(
    n, noise, with_torch, tmp_path
):
    x = smooth_images(n + 200, 8, noise, seed=n)
    rng, train, fresh = np.random.default_rng(n), np.arange(n), np.arange(n, n + 200)
    y = (x - x.mean(axis=0, dtype=float)) @ rng.standard_normal((x.shape[1], 5))
    y = y / y.std(axis=0) + rng.standard_normal(y.shape)
    exact = LinearRegression().fit(x[train].astype(float), y[train]).predict(x[fresh].astype(float))

    block = torch.from_numpy(x.copy()) if with_torch else x.copy()
    with writing_grams(tmp_path / "grams.h5", np.arange(n + 200).astype(str)) as file:
        write_gram(file, "pixels", gram_of_blocks(iter([block]), *x.shape))
    inner, cross = centre_on(read_gram(tmp_path / "grams.h5", "pixels").inner, train, fresh)
    values, vectors = np.linalg.eigh(inner)
    kept = values > 1e-13 * values[-1]
    dual = (vectors[:, kept] / values[kept]) @ (vectors[:, kept].T @ (y[train] - y[train].mean(axis=0)))
    assert noise > 1e-4 or mean_r2(y[fresh], exact) < -3
    assert mean_r2(y[fresh], cross @ dual + y[train].mean(axis=0)) == pytest.approx(mean_r2(y[fresh], exact), abs=1e-3)


@pytest.mark.parametrize("n, p, double", [(10, WIDTH, True), (10, WIDTH + 1, False), (WIDTH + 1, WIDTH + 1, True)])
def test_products_are_in_float64_where_that_is_cheap(n, p, double):
    assert in_double(n, p) == double


def test_a_scaled_gram_is_that_of_scaled_features():
    x = np.random.default_rng(0).normal(size=(30, 12)) + 2
    found, expected = gram_of(x).scaled(7.5), reference(7.5 * x)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, atol=1e-9)


def held_out_r2(gram: Gram, y: np.ndarray, n_train: int, alpha: str) -> float:
    split = np.where(np.arange(len(y)) < n_train, "train", "test")
    readouts = [(Ridge(alpha), np.full(y.shape[1], "IT"))]
    prediction = fit_layer(gram.inner, y, split, readouts, gram.n_units)[0]["prediction"]
    return mean_r2(y[n_train:], prediction)


@pytest.mark.parametrize("alpha", ["loo", "cv"])
def test_labels_joined_to_pixels_are_worth_what_labels_are_worth_alone(alpha):
    rng, n, n_labels, n_neuroids = np.random.default_rng(1), 700, 8, 20
    x, label = smooth_images(n, 0.7, 0.02, seed=1), rng.integers(0, n_labels, n)
    of_labels = rng.standard_normal((n_labels, n_neuroids))[label]
    of_pixels = (x - x.mean(axis=0)) @ rng.standard_normal((x.shape[1], n_neuroids))
    parts = (of_labels, 0.82), (of_pixels, 0.05), (rng.standard_normal((n, n_neuroids)), 0.13)
    y = sum(share**0.5 * part / part.std(axis=0) for part, share in parts)
    pixels, labels = gram_of(x), gram_of(one_hot(label.astype(str)))
    equal, as_is = (join_labels(pixels, labels, scale) for scale in ("equal", "as_is"))
    alone = held_out_r2(labels, y, 500, alpha)
    assert alone > 0.75
    assert held_out_r2(equal, y, 500, alpha) > alone - 0.01
    assert held_out_r2(as_is, y, 500, alpha) < alone - 0.1
    np.testing.assert_allclose(np.trace(equal.inner), 2 * np.trace(pixels.inner))


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_labels_joined_to_a_dead_layer_are_as_labels_alone(value):
    labels = gram_of(one_hot(np.arange(12).astype(str)))
    joined = join_labels(gram_of(np.full((12, 500), value, dtype=np.float32)), labels, "equal")
    assert not joined.dead
    np.testing.assert_allclose(joined.inner, labels.inner, atol=1e-6)


def test_one_label_for_all_images_adds_nothing_to_a_layer():
    layer = gram_of(np.random.default_rng(0).normal(size=(12, 50)))
    joined = join_labels(layer, gram_of(one_hot(np.full(12, "cat"))), "equal")
    np.testing.assert_allclose(joined.inner, layer.inner)

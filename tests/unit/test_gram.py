import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ventral.gram import Spool, centre_on, gram_of, gram_of_blocks


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

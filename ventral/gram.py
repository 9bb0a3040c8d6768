"""Activations of a layer -> one centred Gram matrix, in blocks of units, within a memory budget.

Everything linear about a layer (PCA, OLS, ridge, PLS, CKA, RDMs) needs the inner products of its images only: n x n
numbers, whatever the number of units p.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

Floats = NDArray[np.float64]

# Features whose variance is below this share of their mean square are constant up to float32 rounding.
DEAD = 1e-10


@dataclass(frozen=True)
class Gram:
    """Inner products of n images in the feature space of one layer, and what undoes the centring.

    With features X (n, p), column means m (p,), their mean mu, and Xc = X - m:

    Attributes:
        inner: (n, n) Xc Xc'.
        unit_sum: (n,) sum of Xc over units.
        mean_product: (n,) Xc (m - mu).
        mean_norm2: squared norm of m - mu.
        mean: mu.
        n_units: p.
    """

    inner: Floats
    unit_sum: Floats
    mean_product: Floats
    mean_norm2: float
    mean: float
    n_units: int

    @property
    def dead(self) -> bool:
        """True where the features are the same for every image."""
        mean_square = self.mean_norm2 + self.n_units * self.mean**2
        variance = float(np.trace(self.inner)) / len(self.inner)
        return variance <= DEAD * (mean_square + variance)


def gram_of_blocks(blocks: Iterable[NDArray[np.floating]], n_images: int, n_units: int) -> Gram:
    """Accumulate the Gram matrix of a layer that comes a block of units at a time.

    Products of a block are in float32 (float64 where n_units < n_images: least squares is then over-determined and
    needs small eigenvalues right), sums over blocks in float64. Blocks are centred first: the inner products of
    un-centred float32 features drown in the product of their means.

    Args:
        blocks: (n_images, width) arrays, the widths adding up to n_units. They are overwritten.
        n_images: n.
        n_units: p.
    """
    dtype = np.float64 if n_units < n_images else np.float32
    syrk = blas.dsyrk if dtype is np.float64 else blas.ssyrk
    inner = np.zeros((n_images, n_images))
    unit_sum, mean_product = np.zeros(n_images), np.zeros(n_images)
    sum_of_means = sum_of_squared_means = 0.0
    for block in blocks:
        means = block.mean(axis=0, dtype=np.float64)
        centred = np.subtract(block, means.astype(block.dtype), out=block).astype(dtype, copy=False)
        block_mean = means.mean()
        block_sum = centred.sum(axis=1, dtype=np.float64)
        # `centred.T` is in Fortran order, which spares BLAS a copy; it fills one triangle.
        inner += syrk(1.0, centred.T, trans=1, lower=1)
        unit_sum += block_sum
        mean_product += centred @ (means - block_mean).astype(dtype) + block_mean * block_sum
        sum_of_means += means.sum()
        sum_of_squared_means += means @ means
    mu = sum_of_means / n_units
    mean_product -= mu * unit_sum
    inner = np.tril(inner) + np.tril(inner, -1).T
    # Rounding the means to the features' precision left a constant in every unit; centring over images removes it.
    return Gram(
        centre(inner),
        unit_sum - unit_sum.mean(),
        mean_product - mean_product.mean(),
        max(sum_of_squared_means - n_units * mu**2, 0.0),
        mu,
        n_units,
    )


def gram_of(features: NDArray[np.floating], width: int = 4096) -> Gram:
    """Gram matrix of (n, p) features that fit in memory."""
    n_units = features.shape[1]
    blocks = (features[:, start : start + width].copy() for start in range(0, n_units, width))
    return gram_of_blocks(blocks, len(features), n_units)


def centre(inner: Floats) -> Floats:
    """Centre (n, n) inner products about the mean of all n images."""
    means = inner.mean(axis=0)
    return inner - (means + means[:, None]) + means.mean()  # in this order it stays symmetric to the last bit


def centre_on(inner: Floats, train: NDArray[np.intp], test: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Inner products about the mean of the train images.

    Args:
        inner: (n, n) inner products about any one point.
        train: (n_train,) indices of the images whose mean becomes the origin.
        test: (n_test,) indices of other images.

    Returns:
        (n_train, n_train) products of train with train and (n_test, n_train) of test with train.
    """
    means = inner[:, train].mean(axis=1)
    overall = means[train].mean()
    rows = inner[:, train] - means[:, None] - means[train] + overall
    return rows[train], rows[test]


class Spool:
    """Activations arrive images at a time and leave units at a time, by way of a file that no crash leaves behind.

    The file holds block after block of units, each with the rows of all images, so that a block is read in one go.
    """

    def __init__(self, n_images: int, n_units: int, memory_bytes: int, folder: str | Path | None = None) -> None:
        """Reserve room for (n_images, n_units) float32 in an unnamed file in `folder`.

        Args:
            n_images: n.
            n_units: p.
            memory_bytes: what a block of units, all images, may take.
            folder: where the file lies; None for the system's folder of temporary files.
        """
        self.shape = (n_images, n_units)
        self.width = max(1, min(n_units, memory_bytes // (4 * n_images)))
        self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, start: int, rows: NDArray[np.float32]) -> None:
        """Store the activations (b, n_units) of images start ... start + b - 1."""
        n_images, n_units = self.shape
        for left in range(0, n_units, self.width):
            chunk = np.ascontiguousarray(rows[:, left : left + self.width], dtype=np.float32)
            self.file.seek(4 * (left * n_images + start * chunk.shape[1]))
            remaining = chunk.data.cast("B")
            while remaining:
                remaining = remaining[self.file.write(remaining) :]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the activations of all images (n_images, width), block of units after block."""
        n_images, n_units = self.shape
        self.file.seek(0)
        for left in range(0, n_units, self.width):
            block = np.empty((n_images, min(self.width, n_units - left)), dtype=np.float32)
            remaining = block.data.cast("B")
            while remaining:
                count = self.file.readinto(remaining)
                if not count:
                    raise EOFError("the spool of activations is shorter than what was written to it")
                remaining = remaining[count:]
            yield block

"""The centred Gram matrix of a layer, from its activations in blocks of units, within a memory budget.

Everything linear about a layer (PCA, OLS, ridge, PLS, CKA, RDMs) needs only the inner products of its images: n x n
numbers, whatever the number of units p.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # whoever holds a tensor has imported torch; arrays alone do without
    import torch
    from torch import Tensor

Floats = NDArray[np.float64]

# Features whose variance is below this share of their mean square are constant up to float32 rounding.
DEAD = 1e-10
WIDTH = 4096  # units of a block, where memory allows; sums are the same to the last bit whatever the memory
PANELS = 4  # parts of the rows in which torch computes a triangle, which takes 5/8 of the full product


@dataclass(frozen=True)
class Gram:
    """Inner products of n images in the feature space of one layer, and what is needed to undo the centring.

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

    def scaled(self, factor: float) -> "Gram":
        """The Gram matrix of the same features, all multiplied by one positive number."""
        square = factor**2
        return Gram(
            self.inner * square,
            self.unit_sum * factor,
            self.mean_product * square,
            self.mean_norm2 * square,
            self.mean * factor,
            self.n_units,
        )

    @property
    def dead(self) -> bool:
        """Whether the features are the same for every image."""
        mean_square = self.mean_norm2 + self.n_units * self.mean**2
        variance = float(np.trace(self.inner)) / len(self.inner)
        return variance <= DEAD * (mean_square + variance)

    @property
    def kernel(self) -> Floats:
        """(n, n) what readouts and comparisons use: `inner`; zeros for dead features, whose `inner` is rounding."""
        return np.zeros_like(self.inner) if self.dead else self.inner


def in_double(n_images: int, n_units: int) -> bool:
    """Whether a layer's products are computed and stored in float64.

    They are where small eigenvalues may matter to least squares, which is where p <= n, and where p is so small that a
    float64 product is cheap. The products of other layers are in float32.
    """
    return n_units <= max(n_images, WIDTH)


def _add_array(block: NDArray[np.floating], double: bool, inner: Floats) -> tuple[Floats, Floats, Floats]:
    """Centre a block (overwritten) and add the lower triangle of its products to `inner`.

    Returns:
        (n,) sums of the centred block over units, (n,) its products with the means less their mean, (width,) its means.
    """
    from scipy.linalg import blas  # here, not above: it takes half a second to import

    dtype, syrk = (np.float64, blas.dsyrk) if double else (np.float32, blas.ssyrk)
    means = block.mean(axis=0, dtype=np.float64)
    if double:
        centred = block - means
    else:
        centred = np.subtract(block, means.astype(block.dtype), out=block).astype(dtype, copy=False)
    # `centred.T` is in Fortran order, which spares BLAS a copy; it fills one triangle.
    inner += syrk(1.0, centred.T, trans=1, lower=1)
    return centred.sum(axis=1, dtype=np.float64), centred @ (means - means.mean()).astype(dtype), means


def _add_tensor(block: "Tensor", double: bool, inner: "Tensor") -> tuple["Tensor", "Tensor", "Tensor"]:
    """As `_add_array`, by torch on the device of the block; it leaves some products above the diagonal too."""
    import torch

    dtype = torch.float64 if double else torch.float32
    means = block.mean(dim=0, dtype=torch.float64)
    centred = block - means if double else block.sub_(means.to(block.dtype)).to(dtype)
    n = len(centred)
    for top in range(0, n, step := -(-n // PANELS)):  # torch has no symmetric product: rows, up to the diagonal
        inner[top : top + step, : top + step] += centred[top : top + step] @ centred[: top + step].T
    return centred.sum(dim=1, dtype=torch.float64), centred @ (means - means.mean()).to(dtype), means


def _zeros(like: "NDArray[np.floating] | Tensor", *shape: int) -> Any:
    """Zeros in float64, on the host or on the device of a tensor."""
    if isinstance(like, np.ndarray):
        return np.zeros(shape)
    import torch

    return torch.zeros(shape, dtype=torch.float64, device=like.device)


def gram_of_blocks(blocks: "Iterable[NDArray[np.floating] | Tensor]", n_images: int, n_units: int) -> Gram:
    """The Gram matrix of a layer whose activations come a block of units at a time.

    Products of a block are in float32 (float64 where `in_double` says so), sums over blocks in float64. Blocks are
    centred first: next to the product of the means of float32 features, their inner products would be lost. Sums of
    tensors stay on their device until the last block is added. TF32 must be off there.

    Args:
        blocks: (n_images, width) arrays, or tensors on one device, the widths adding up to n_units. Overwritten.
        n_images: n.
        n_units: p.
    """
    double = in_double(n_images, n_units)
    sums: list[Any] = []
    for block in blocks:
        sums = sums or [_zeros(block, *shape) for shape in ((n_images, n_images), (n_images,), (n_images,), (), ())]
        inner, unit_sum, mean_product, sum_of_means, sum_of_squared_means = sums
        reduce: Any = _add_array if isinstance(block, np.ndarray) else _add_tensor
        block_sum, block_mean_product, means = reduce(block, double, inner)
        unit_sum += block_sum
        mean_product += block_mean_product + means.mean() * block_sum
        sum_of_means += means.sum()
        sum_of_squared_means += means @ means
    if not isinstance(sums[0], np.ndarray):
        sums[0].tril_()
        sums = [each.cpu().numpy() for each in sums]
    inner, unit_sum, mean_product = sums[:3]
    mu = float(sums[3]) / n_units
    mean_product -= mu * unit_sum
    inner = inner + inner.T  # the upper triangle was zero
    inner.flat[:: n_images + 1] /= 2
    # The means were rounded to the precision of the features, which left a constant in every unit; `centre` removes it.
    return Gram(
        centre(inner),
        unit_sum - unit_sum.mean(),
        mean_product - mean_product.mean(),
        max(float(sums[4]) - n_units * mu**2, 0.0),
        mu,
        n_units,
    )


def gram_of(features: NDArray[np.floating], width: int = WIDTH) -> Gram:
    """Gram matrix of (n, p) features that fit in memory."""
    n_units = features.shape[1]
    blocks = (features[:, start : start + width].copy() for start in range(0, n_units, width))
    return gram_of_blocks(blocks, len(features), n_units)


def concatenate(a: Gram, b: Gram) -> Gram:
    """The Gram matrix of the units of two layers together, of the same n images."""
    n_units = a.n_units + b.n_units
    mu = (a.n_units * a.mean + b.n_units * b.mean) / n_units
    # The means of each layer are about the mean of that layer, and have to be about mu, the mean of both.
    return Gram(
        a.inner + b.inner,
        a.unit_sum + b.unit_sum,
        a.mean_product + (a.mean - mu) * a.unit_sum + b.mean_product + (b.mean - mu) * b.unit_sum,
        a.mean_norm2 + a.n_units * (a.mean - mu) ** 2 + b.mean_norm2 + b.n_units * (b.mean - mu) ** 2,
        mu,
        n_units,
    )


def join_labels(layer: Gram, labels: Gram, scale: Literal["equal", "as_is"]) -> Gram:
    """The Gram matrix of a layer with the labels of its n images joined to its units.

    Args:
        layer: of p units.
        labels: the Gram matrix of the ones and zeros of `one_hot`.
        scale: "equal" multiplies the labels by one number, so that they vary over the images as much as the whole
            layer: the two matrices then have equal traces. "as_is" leaves them ones and zeros; beside very many units
            they hardly count in ridge. Beside a dead layer they are always left as they are.
    """
    own, theirs = float(np.trace(layer.inner)), float(np.trace(labels.inner))
    equal = scale == "equal" and theirs > 0 and not layer.dead
    return concatenate(layer, labels.scaled((own / theirs) ** 0.5) if equal else labels)


def one_hot(labels: NDArray[np.str_]) -> Floats:
    """(n, k) ones and zeros from (n,) labels, one column for each label, sorted."""
    return (labels[:, None] == np.unique(labels)).astype(np.float64)


def centre(inner: Floats) -> Floats:
    """Centre (n, n) inner products about the mean of all n images."""
    means = inner.mean(axis=0)
    centred: Floats = np.add.outer(means, means)  # in this order it stays symmetric to the last bit
    np.subtract(inner, centred, out=centred)
    centred += means.mean()
    return centred


def centre_on(inner: Floats, train: NDArray[np.intp], test: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Inner products about the mean of the train images.

    Args:
        inner: (n, n) inner products about any one point.
        train: (n_train,) indices of the images whose mean becomes the origin.
        test: (n_test,) indices of other images.

    Returns:
        (n_train, n_train) products of train with train and (n_test, n_train) of test with train.
    """
    own, cross = inner[np.ix_(train, train)], inner[np.ix_(test, train)]
    means = own.mean(axis=1)
    cross -= cross.mean(axis=1)[:, None]
    own -= means[:, None]
    for products in (own, cross):
        products -= means
        products += means.mean()
    return own, cross


def block_width(n_images: int, n_units: int, memory_bytes: int) -> int:
    """Units of a block of float32 activations; `WIDTH` where memory allows, so that sums do not depend on memory."""
    return max(1, min(n_units, WIDTH, memory_bytes // (4 * n_images)))


class Held:
    """Activations written some images at a time and read some units at a time, kept in the memory of a device."""

    def __init__(self, n_images: int, n_units: int, memory_bytes: int, device: "torch.device") -> None:
        """Reserve memory for (n_images, n_units) float32 on the device; a block of units takes `memory_bytes` more."""
        import torch

        self.rows = torch.empty((n_images, n_units), dtype=torch.float32, device=device)
        self.width = block_width(n_images, n_units, memory_bytes)

    def write(self, start: int, rows: "Tensor") -> None:
        """Store the activations (b, n_units) of images start ... start + b - 1."""
        self.rows[start : start + len(rows)] = rows

    def blocks(self) -> "Iterator[Tensor]":
        """Yield the activations of all images (n_images, width), block of units after block."""
        for left in range(0, self.rows.shape[1], self.width):
            yield self.rows[:, left : left + self.width].clone()


class Spool:
    """Activations written some images at a time and read some units at a time, kept in a file that no crash leaves.

    The file holds block after block of units, each with the rows of all images, so that a block is read at once.
    """

    def __init__(self, n_images: int, n_units: int, memory_bytes: int, folder: str | Path | None = None) -> None:
        """Open an unnamed file in `folder` for (n_images, n_units) float32.

        Args:
            n_images: n.
            n_units: p.
            memory_bytes: what a block of units of all images may take.
            folder: of the file; None for the system's folder of temporary files.
        """
        self.shape = (n_images, n_units)
        self.width = block_width(n_images, n_units, memory_bytes)
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

"""Linear centred kernel alignment (CKA) of regions and layers, from their inner products of stimuli."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ventral.gram.matrix import centre

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """Inner products of n stimuli, prepared for CKA under any weighting of the stimuli.

    Attributes:
        pairs: (n, n) float32 inner products of different stimuli; the diagonal is zero.
        own: (n,) inner product of each stimulus with itself.
        weights: (draw, n) weights of the stimuli, such as bootstrap counts.
    """

    pairs: NDArray[np.float32]
    own: Floats
    weights: NDArray[np.float32]

    @cached_property
    def sums(self) -> NDArray[np.float32]:
        """(draw, n) weighted sum of each stimulus' products with the others."""
        return self.weights @ self.pairs

    @cached_property
    def power_sums(self) -> tuple[Floats, Floats, Floats, Floats]:
        """(draw,) sums of the weights and of their squares, cubes and fourth powers."""
        w = self.weights.astype(np.float64)
        w2 = w * w
        return w.sum(axis=1), w2.sum(axis=1), _dot(w2, w), _dot(w2, w2)

    @cached_property
    def self_hsic(self) -> tuple[Floats, Floats]:
        """HSIC of the features with themselves, biased and unbiased."""
        return hsic(self, self)


def make_kernel(inner: Floats, weights: NDArray | None = None) -> Kernel:
    """Centre (n, n) inner products and scale them to a mean square of one, which no CKA sees.

    Args:
        inner: inner products about any point.
        weights: (draw, n) of the stimuli; None for one draw of ones.
    """
    centred = centre(inner)
    size = np.trace(centred) / len(centred)
    centred /= size if size > 0 else 1
    own = np.diag(centred).copy()
    np.fill_diagonal(centred, 0)
    weights = np.ones((1, len(inner))) if weights is None else weights
    return Kernel(centred.astype(np.float32), own, weights.astype(np.float32))


def hsic(a: Kernel, b: Kernel) -> tuple[Floats, Floats]:
    """Hilbert-Schmidt independence criterion of two linear kernels under each weighting of the stimuli they share.

    The biased one is sum_ij K_ij L_ij / n^2 with K and L centred (Gretton et al. 2005; Kornblith et al. 2019, equation
    3). The unbiased one (Song et al. 2012) is the U-statistic E[k_ij l_ij] - 2 E[k_ij l_iq] + E[k_ij l_qr] with means
    over pairs, triples and quadruples of different stimuli.

    In a resample, copies of one stimulus count as unrelated, with an inner product of zero in K and L. Otherwise the
    copies would match in any two spaces and lift every resample far above the estimate.

    Returns:
        (draw,) biased and (draw,) unbiased; the latter is NaN if fewer than four stimuli have weight.
    """
    w = a.weights
    w2 = w * w
    products = a.pairs * b.pairs
    of_pairs = w @ products
    pairs, pairs21, pairs22 = _dot(of_pairs, w), _dot(of_pairs, w2), _dot(w2 @ products, w2)
    sums = a.sums * b.sums
    chains, chains2 = _dot(sums, w), _dot(sums, w2)
    total_a, total_b = _dot(a.sums, w), _dot(b.sums, w)
    s1, s2, s3, s4 = a.power_sums
    with np.errstate(invalid="ignore", divide="ignore"):
        triples, quadruples = s1**3 - 3 * s1 * s2 + 2 * s3, s1**4 - 6 * s1**2 * s2 + 3 * s2**2 + 8 * s1 * s3 - 6 * s4
        unbiased = (
            pairs / (s1**2 - s2)
            - 2 * (chains - pairs21) / triples
            + (total_a * total_b - 4 * chains2 + 2 * pairs22) / quadruples
        )
    few = (w > 0).sum(axis=1) < 4
    # The biased one also counts each draw of a stimulus with itself, but not with its other copies.
    pairs = pairs + w @ (a.own * b.own)
    chains = _dot((a.sums + a.own) * (b.sums + b.own), w)
    biased = (pairs - 2 * chains / s1 + (total_a + w @ a.own) * (total_b + w @ b.own) / s1**2) / s1**2
    return biased, np.where(few, np.nan, unbiased)


def linear_cka(a: Kernel, b: Kernel) -> tuple[Floats, Floats]:
    """Linear CKA, HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), under each weighting of the stimuli.

    The biased one (Kornblith et al. 2019, equation 4) tends to one when units outnumber stimuli, whatever they code.
    The unbiased one (Nguyen et al. 2021) is about zero for unrelated features.

    Returns:
        (draw,) biased and (draw,) unbiased; 0 for dead features. The unbiased one is NaN if fewer than four stimuli
        have weight.
    """
    alike = []
    for both, of_a, of_b in zip(hsic(a, b), a.self_hsic, b.self_hsic, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where((of_a > 0) & (of_b > 0), both / np.sqrt(of_a * of_b), np.nan)
        alike.append(np.clip(value, -1, 1))
    if not a.own.any() or not b.own.any():
        alike = [np.zeros_like(value) for value in alike]
    return alike[0], alike[1]


def _dot(a: NDArray, b: NDArray) -> Floats:
    """(draw,) inner products of the rows of two (draw, n) arrays."""
    return np.einsum("ij,ij->i", a, b, dtype=np.float64)

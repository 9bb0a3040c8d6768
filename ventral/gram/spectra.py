"""Principal components of train images from their inner products, computed once for all readouts fitted on them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ventral.gram.matrix import centre_on

Floats = NDArray[np.float64]

# Directions with an eigenvalue below this share of the largest are rounding, not features: Gram products are float32.
RANK_CUT = 1e-6
# The same for the rounding of float64: no readout uses directions below this share.
ROUNDING = 1e-13

FOLDS = 5


@dataclass(frozen=True)
class Spectrum:
    """Principal components of the n train images.

    Attributes:
        values: (r,) eigenvalues of their centred Gram matrix K, descending.
        vectors: (n, r) its eigenvectors.
        is_whole: whether it holds every direction that is more than the rounding of float64.
    """

    values: Floats
    vectors: Floats
    is_whole: bool

    @cached_property
    def squared_vectors(self) -> Floats:
        """(n, r) squares, from which leverages are summed; computed once for all readouts on these components."""
        return self.vectors**2

    def first(self, n_components: int | None) -> "Spectrum":
        """The spectrum of the first components only; all of them for None."""
        if n_components is None or n_components >= self.values.size:
            return self
        return Spectrum(self.values[:n_components], self.vectors[:, :n_components], is_whole=False)

    def cut(self, share: float) -> "Spectrum":
        """Without directions below this share of the largest eigenvalue."""
        return self.first(int(np.count_nonzero(self.values > share * self.values[:1])))


def decompose(inner: Floats, n_units: int | None = None) -> Spectrum:
    """Spectrum of (n, n) inner products about the train mean, down to the rounding of float64.

    Dead features, equal for all images, have an empty spectrum: every readout then predicts the mean response.

    Args:
        inner: the inner products.
        n_units: p where known. Where p is small, a (p, p) matrix is decomposed, an order of magnitude faster.
    """
    from scipy.linalg import eigh  # here, not above: it takes half a second to import, and a study is planned without

    if n_units is not None and 2 * n_units < len(inner):
        factor = _factor(inner, n_units)
        values, vectors = eigh(factor.T @ factor, driver="evd", check_finite=False)
    else:
        factor = None
        values, vectors = eigh(inner, driver="evd", check_finite=False)
    least = max(ROUNDING, len(inner) * np.finfo(float).eps) * max(values[-1:].sum(), 0.0)
    is_whole = not (values < -least).any()
    kept = np.flatnonzero(values > least)[::-1][: len(inner) - 1]  # centring took one dimension
    vectors = vectors[:, kept]
    if factor is not None:
        vectors = factor @ (vectors / np.sqrt(values[kept]))
    return Spectrum(values[kept], np.asfortranarray(vectors), is_whole)  # so that the first columns lie together


def _factor(inner: Floats, n_units: int) -> Floats:
    """(n, r) factor F of inner products K = F F' of rank r <= n_units, by Cholesky with pivots (Higham 1990).

    What lies beyond column n_units is rounding.
    """
    from scipy.linalg import lapack

    triangle, pivots, rank, _ = lapack.dpstrf(inner, lower=1)
    columns = np.tril(triangle[:, : min(rank, n_units)])
    factor = np.empty_like(columns)
    factor[pivots - 1] = columns
    return factor


def assign_folds(groups: NDArray) -> NDArray[np.intp]:
    """(n,) fold of each stimulus: every fifth group, in order of appearance, is one fold; a group is never divided.

    Where all stimuli are of one group, no group can be held out, and each stimulus is its own group.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) == 1:
        return np.arange(len(groups)) % FOLDS
    appearance = np.argsort(np.argsort(first))
    return appearance[group] % FOLDS


class Decomposition:
    """Inner products of n train images about their mean, decomposed once, when a readout first asks for it.

    Attributes:
        inner: (n, n) inner products.
        n_units: p where known, as for `decompose`.
        groups: (n,) group of each image; images of one group, such as near duplicates or places on one image, are left
            out together. None: each image is its own group.
    """

    def __init__(self, inner: Floats, n_units: int | None = None, groups: NDArray[np.str_] | None = None) -> None:
        self.inner, self.n_units, self.groups = inner, n_units, groups

    @cached_property
    def _whole(self) -> Spectrum:
        return decompose(self.inner, self.n_units)

    def spectrum(self, rank_cut: float = RANK_CUT, n_components: int | None = None) -> Spectrum:
        """The first components, of those above a share of the largest eigenvalue."""
        return self._whole.cut(rank_cut).first(n_components)

    def is_complete(self, used: Spectrum) -> bool:
        """Whether the components span the same space whichever image is left out, since nothing was cut off.

        They do where they span the space of the responses (about the mean), and where the features are fewer and all
        are used. Otherwise every image helped to choose the directions, and must be left out before they are chosen.
        """
        n_used = used.values.size
        return n_used in (len(self.inner) - 1, self.n_units) or used.is_whole

    @cached_property
    def folds(self) -> list["Fold"]:
        """The images in `FOLDS` folds, groups undivided."""
        fold = assign_folds(np.arange(len(self.inner)) if self.groups is None else self.groups)
        return [Fold(self, np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]


class Fold:
    """The components of the train images without one fold: centred, decomposed and cut without it.

    Attributes:
        kept: (m,) indices of the images that a readout is fitted on.
        left: (n - m,) those that it predicts.
    """

    def __init__(self, of: Decomposition, kept: NDArray[np.intp], left: NDArray[np.intp]) -> None:
        self._of, self.kept, self.left = of, kept, left
        self._scores = np.empty((len(left), 0))

    def products(self) -> tuple[Floats, Floats]:
        """(m, m) inner products of the kept images, (n - m, m) of the left-out ones with them, about the kept mean."""
        return centre_on(self._of.inner, self.kept, self.left)

    @cached_property
    def _whole(self) -> tuple[Spectrum, Floats]:
        inner, cross = self.products()
        return decompose(inner, self._of.n_units), cross

    def spectrum(self, rank_cut: float, n_components: int | None) -> tuple[Spectrum, Floats]:
        """As `Decomposition.spectrum`, of m images; and (n - m, r) inner products of the others with its vectors."""
        whole, cross = self._whole
        used = whole.cut(rank_cut).first(n_components)
        n_used = used.values.size
        if self._scores.shape[1] < n_used:  # this readout uses more components than the ones before it
            self._scores = cross @ used.vectors
        return used, self._scores[:, :n_used]

"""OLS, ridge and PCA regression, all of them from a Gram matrix.

A readout filters the spectrum of the train images' centred Gram matrix K = Q diag(l) Q': it keeps the first components
(PCA) and divides each by l + alpha (ridge; alpha = 0 is the least-squares solution of minimum norm).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, lapack

Floats = NDArray[np.float64]

# Directions with an eigenvalue below this share of the largest are rounding, not features: Gram products are float32.
RANK_CUT = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Principal components of the n train images: eigenvalues (r,), descending, and vectors (n, r) of K."""

    values: Floats
    vectors: Floats

    def first(self, n_components: int | None) -> "Spectrum":
        """The spectrum of the first components only; all of them for None."""
        return self if n_components is None else Spectrum(self.values[:n_components], self.vectors[:, :n_components])


@dataclass(frozen=True)
class Readout:
    """A fitted linear map from features to t neuroids, held as weights of the train images.

    Attributes:
        dual: (n, t) weight of each train image: prediction = (inner products with train images) @ dual + intercept.
        intercept: (t,) mean train response.
        alpha: (t,) ridge penalty used.
        loo: (n, t) prediction of each train image by a readout fitted without it, or without its group.
    """

    dual: Floats
    intercept: Floats
    alpha: Floats
    loo: Floats

    def predict(self, cross: Floats) -> Floats:
        """(m, t) predictions from (m, n) inner products with the train images, about the train mean."""
        return cross @ self.dual + self.intercept


def decompose(inner: Floats, n_units: int | None = None) -> Spectrum:
    """Spectrum of (n, n) inner products about the train mean, cut at `RANK_CUT` of the largest eigenvalue.

    Dead features, all of them equal, have an empty spectrum: every readout then predicts the mean response.

    Args:
        inner: the inner products.
        n_units: p where known. Few units are decomposed in (p, p), an order of magnitude faster.
    """
    if n_units is not None and 2 * n_units < len(inner):
        factor = _factor(inner, n_units)
        values, vectors = eigh(factor.T @ factor, driver="evd", check_finite=False)
    else:
        factor = None
        values, vectors = eigh(inner, driver="evd", check_finite=False)
    kept = np.flatnonzero((values > RANK_CUT * values[-1:]) & (values > 0))[::-1]
    kept = kept[: len(inner) - 1]  # centring took one dimension
    vectors = vectors[:, kept]
    return Spectrum(values[kept], vectors if factor is None else factor @ (vectors / np.sqrt(values[kept])))


def _factor(inner: Floats, n_units: int) -> Floats:
    """(n, r) factor F of inner products K = F F' of rank r <= n_units, by Cholesky with pivots (Higham 1990).

    Beyond column n_units there is rounding only.
    """
    triangle, pivots, rank, _ = lapack.dpstrf(inner, lower=1)
    columns = np.tril(triangle[:, : min(rank, n_units)])
    factor = np.empty_like(columns)
    factor[pivots - 1] = columns
    return factor


def fit(
    spectrum: Spectrum,
    responses: NDArray[np.floating],
    alphas: Sequence[float],
    n_components: int | None = None,
    *,
    shared: bool = False,
    groups: NDArray[np.str_] | None = None,
) -> Readout:
    """Fit one readout per neuroid; with several alphas, take for each neuroid the one of least leave-one-out error.

    The leave-one-out prediction is exact for OLS and ridge with an unpenalised intercept (Golub, Heath & Wahba 1979:
    residual_i / (1 - H_ii)), also where the fit interpolates: numerator and denominator then both carry the factor
    that vanishes, and it is cancelled by hand. With `n_components` the components are those of all train images.
    Images of one group, such as near duplicates or places on one image, are left out together: see `_Together`.

    Args:
        spectrum: of the n train images.
        responses: (n, t) train responses, complete.
        alphas: ridge penalties to choose from, 0 for OLS.
        n_components: number of principal components used; None for all.
        shared: take one alpha for all neuroids, that of least squared error over all of them, in the responses' own
            units (as scikit-learn's RidgeCV without `alpha_per_target`).
        groups: (n,) group of each train image; None: each is its own, and where all are of one, too.
    """
    kept = spectrum.first(n_components)
    n = len(responses)
    intercept = responses.mean(axis=0)
    y: Floats = responses - intercept
    projected = kept.vectors.T @ y
    # Directions of response space that no feature reaches: none where the components span it (but for the mean).
    spans = kept.values.size >= n - 1
    unreached = 0.0 if spans else y - kept.vectors @ projected
    squared = kept.vectors**2
    rest = 0.0 if spans else (1 - 1 / n - squared.sum(axis=1))[:, None]
    together = [] if groups is None else [_Together(kept, rows, spans) for rows in _rows_of_groups(groups)]

    def shrinkage(alpha: Floats) -> Floats:
        """(r, k) share of each component that alphas (k,) leave to the residual."""
        # Rows of I - H, divided by alpha where nothing is unreached (so that alpha = 0 has a limit).
        return (1.0 if spans else alpha) / (kept.values[:, None] + alpha)

    def left_out(shrink: Floats, denominator: Floats) -> Floats:
        """Leave-one-out residuals (n, t), from (r, 1 or t) shrinkage and (n, 1 or t) diagonals of I - H."""
        residual = kept.vectors @ (shrink * projected)
        residual += unreached
        grouped = [(each.rows, each.left_out(shrink, residual[each.rows], projected)) for each in together]
        residual /= denominator
        for rows, held_out in grouped:
            residual[rows] = held_out
        return residual

    def denominators(shrink: Floats) -> Floats:
        return np.maximum(squared @ shrink + rest, np.finfo(float).tiny)

    chosen = np.full(y.shape[1], float(alphas[0]))
    if len(alphas) > 1:
        tried = np.asarray(alphas, dtype=float)
        shrink = shrinkage(tried)
        below = denominators(shrink)
        residuals = (left_out(shrink[:, [k]], below[:, [k]]) for k in range(len(tried)))
        errors = np.array([np.einsum("ij,ij->j", residual, residual) for residual in residuals])
        if shared:
            errors[:] = errors.sum(axis=1, keepdims=True)
        chosen = tried[np.argmin(errors, axis=0)]
    dual = kept.vectors @ (projected / (kept.values[:, None] + chosen))
    shrink = shrinkage(chosen[:1] if (chosen == chosen[0]).all() else chosen)
    residual = left_out(shrink, denominators(shrink))
    return Readout(dual, intercept, chosen, y + intercept - residual)


def _rows_of_groups(groups: NDArray[np.str_]) -> Iterator[NDArray[np.intp]]:
    """Rows (m, g) of the m groups of each size g > 1; none where all rows are of one group: nothing would be left."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 1]) if len(sizes) > 1 else ():
        yield order[starts[sizes == size][:, None] + np.arange(size)]


class _Together:
    """Residuals of groups of train images, all groups of one size, by readouts fitted without the whole group.

    Those of a group G are (I - H_GG)^-1 r_G (An, Liu & Venkatesh 2007), exact as leave-one-out is, and equal to it for
    one image. For n images in groups of g this costs O(n g (r + g)) an alpha, beside the O(n r t) of the residuals r.

    Args:
        kept: r components of all train images.
        rows: (m, g) indices of the images of each group.
        spans: whether the components span the responses; I - H is then divided by alpha, as in `fit`.
    """

    def __init__(self, kept: Spectrum, rows: NDArray[np.intp], spans: bool) -> None:
        self.rows, self.values, self.vectors = rows, kept.values, kept.vectors[rows]
        n, size = len(kept.vectors), rows.shape[1]
        outside = np.eye(size) - 1 / n - self._weighted(1.0)  # what features do not reach, and the mean does not
        self.unreached = np.zeros_like(outside) if spans else outside

    def _weighted(self, weights: Floats | float) -> Floats:
        """(m, g, g) products of the images of a group, components weighted by (r,) numbers."""
        return (self.vectors * weights) @ self.vectors.swapaxes(1, 2)

    def left_out(self, shrink: Floats, residual: Floats, projected: Floats) -> Floats:
        """Residuals (m, g, t) of readouts without the group.

        Args:
            shrink: (r, 1 or t) share of each component that is left to the residual.
            residual: (m, g, t) of the readout of all images.
            projected: (r, t) components of the responses.
        """
        if shrink.shape[1] == 1:
            penalties = [(shrink[:, 0], np.arange(residual.shape[2]))]
        else:  # neuroids of one alpha at a time
            _, first, alpha = np.unique(shrink[0], return_index=True, return_inverse=True)
            penalties = [(shrink[:, i], np.flatnonzero(alpha == k)) for k, i in enumerate(first)]
        found = np.empty_like(residual)
        for share, neuroids in penalties:
            own = residual[:, :, neuroids]
            if share.any() or not share.size:
                found[:, :, neuroids] = np.linalg.solve(self.unreached + self._weighted(share), own)
            else:
                found[:, :, neuroids] = self._limit(own, projected[:, neuroids])
        return found

    def _limit(self, residual: Floats, projected: Floats) -> Floats:
        """The limit of vanishing alpha, least squares of minimum norm, where the components do not span.

        In directions that the features of other groups do not determine, I - H_GG and residual both vanish with alpha,
        and the next order decides: A + alpha B and a + alpha b have there the solution of (N'BN) z = N'(b - B x).
        """
        determined, axes = np.linalg.eigh(self.unreached)
        free = determined < RANK_CUT
        inverse = np.where(free, 0, 1 / np.where(free, 1, determined))
        known = axes @ (inverse[:, :, None] * (axes.swapaxes(1, 2) @ residual))
        if not free.any():
            return known
        steep = self._weighted(1 / self.values)
        within = axes * free[:, None, :]
        missing = self.vectors @ (projected / self.values[:, None]) - steep @ known
        across = within.swapaxes(1, 2)
        square = across @ steep @ within + np.eye(free.shape[1]) * ~free[:, :, None]
        found: Floats = known + within @ np.linalg.solve(square, across @ missing)
        return found

"""OLS, ridge and PCA regression, all of them from a Gram matrix.

A readout filters the spectrum of the train images' centred Gram matrix K = Q diag(l) Q': it keeps the first components
(PCA) and divides each by l + alpha (ridge; alpha = 0 is the least-squares solution of minimum norm).
"""

from collections.abc import Sequence
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
        loo: (n, t) prediction of each train image by a readout fitted without it.
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
) -> Readout:
    """Fit one readout per neuroid; with several alphas, take for each neuroid the one of least leave-one-out error.

    The leave-one-out prediction is exact for OLS and ridge with an unpenalised intercept (Golub, Heath & Wahba 1979:
    residual_i / (1 - H_ii)), also where the fit interpolates: numerator and denominator then both carry the factor
    that vanishes, and it is cancelled by hand. With `n_components` the components are those of all train images.

    Args:
        spectrum: of the n train images.
        responses: (n, t) train responses, complete.
        alphas: ridge penalties to choose from, 0 for OLS.
        n_components: number of principal components used; None for all.
        shared: take one alpha for all neuroids, that of least squared error over all of them, in the responses' own
            units (as scikit-learn's RidgeCV without `alpha_per_target`).
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

    def shrinkage(alpha: Floats) -> Floats:
        """(r, k) share of each component that alphas (k,) leave to the residual."""
        # Rows of I - H, divided by alpha where nothing is unreached (so that alpha = 0 has a limit).
        return (1.0 if spans else alpha) / (kept.values[:, None] + alpha)

    def left_out(shrink: Floats, denominator: Floats) -> Floats:
        """Leave-one-out residuals (n, t), from (r, 1 or t) shrinkage and (n, 1 or t) diagonals of I - H."""
        residual = kept.vectors @ (shrink * projected)
        residual += unreached
        residual /= denominator
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

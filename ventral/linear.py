"""OLS, ridge, PCA regression and PLS, all of them from a Gram matrix.

A readout filters the spectrum of the train images' centred Gram matrix K = Q diag(l) Q': it keeps the first components
(PCA) and divides each by l + alpha (ridge; alpha = 0 is the least-squares solution of minimum norm).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ventral.gram import centre_on

Floats = NDArray[np.float64]

PLS_TOLERANCE, PLS_ITERATIONS = 1e-6, 500  # of the power method, as in scikit-learn
FOLDS = 5

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


def decompose(inner: Floats) -> Spectrum:
    """Spectrum of (n, n) inner products about the train mean, cut at `RANK_CUT` of the largest eigenvalue.

    Dead features, all of them equal, have an empty spectrum: every readout then predicts the mean response.
    """
    values, vectors = eigh(inner, driver="evd", check_finite=False)
    kept = np.flatnonzero((values > RANK_CUT * values[-1]) & (values > 0))[::-1]
    kept = kept[: len(inner) - 1]  # centring took one dimension
    return Spectrum(values[kept], vectors[:, kept])


def fit(
    spectrum: Spectrum, responses: NDArray[np.floating], alphas: Sequence[float], n_components: int | None = None
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
    """
    kept = spectrum.first(n_components)
    n = len(responses)
    intercept = responses.mean(axis=0)
    y: Floats = responses - intercept
    projected = kept.vectors.T @ y
    # Directions of response space that no feature reaches: none where the components span it (but for the mean).
    unreached = y - kept.vectors @ projected if kept.values.size < n - 1 else None
    squared = kept.vectors**2
    best = np.full(y.shape[1], np.inf)
    chosen = np.full(y.shape[1], float(alphas[0]))
    residual = np.empty(y.shape)
    for alpha in alphas:
        # Rows of I - H, divided by alpha where nothing is unreached (so that alpha = 0 has a limit).
        if unreached is None:
            shrink = 1 / (kept.values + alpha)
            numerator, denominator = kept.vectors @ (shrink[:, None] * projected), squared @ shrink
        else:
            shrink = alpha / (kept.values + alpha)
            numerator = kept.vectors @ (shrink[:, None] * projected) + unreached
            denominator = squared @ shrink + (1 - 1 / n - squared.sum(axis=1))
        held_out = numerator / np.maximum(denominator, np.finfo(float).tiny)[:, None]
        error = np.einsum("ij,ij->j", held_out, held_out)
        better = error < best
        best[better], chosen[better] = error[better], alpha
        residual[:, better] = held_out[:, better]
    dual = kept.vectors @ (projected / (kept.values[:, None] + chosen))
    return Readout(dual, intercept, chosen, y + intercept - residual)


def fit_pls(inner: Floats, responses: NDArray[np.floating], n_components: int) -> Readout:
    """Partial least squares on all neuroids at once, without scaling, from inner products alone.

    NIPALS (Wold 1975; Wegelin 2000, section 4.1) needs the features only through K: a weight vector is X'Y c, so the
    power method runs in the space of neuroids, c <- (Y'KY) c, and stops where scikit-learn's does. Scores T and
    A = Y c of all components then give the regression K A (T'KA)^-1 T'Y (Rosipal & Trejo 2001, equation 7).

    Args:
        inner: (n, n) inner products about the train mean.
        responses: (n, t) train responses, complete.
        n_components: number of components; fewer where the features or the responses are spent before.

    Returns:
        The readout. Its `loo` is from `FOLDS` folds, every fifth stimulus one: PLS has no closed form for leaving out.
    """
    held_out = np.empty(responses.shape)
    every = np.arange(len(responses))
    for fold in range(FOLDS):
        kept, left = every[every % FOLDS != fold], every[every % FOLDS == fold]
        kept_inner, cross = centre_on(inner, kept, left)
        dual, mean = _pls_dual(kept_inner, responses[kept], n_components)
        held_out[left] = cross @ dual + mean
    dual, intercept = _pls_dual(inner, responses, n_components)
    return Readout(dual, intercept, np.full(responses.shape[1], np.nan), held_out)


def _pls_dual(inner: Floats, responses: NDArray[np.floating], n_components: int) -> tuple[Floats, Floats]:
    """(n, t) weights of the train images, and (t,) mean response."""
    mean = responses.mean(axis=0)
    y = responses - mean
    centred, product = y, inner @ y
    spent = 1e-12 * max(float(np.einsum("ij,ij->", y, product)), 0.0)
    scores, weights = [], []
    for _ in range(n_components):
        c = _pls_direction(y.T @ product, y)
        if c is None:
            break
        length2 = float(c @ y.T @ (product @ c))
        if length2 <= spent * float(c @ c):
            break
        weights.append(y @ c / np.sqrt(length2))
        score = product @ c / np.sqrt(length2)
        unit = score / np.linalg.norm(score)
        scores.append(unit)
        # Deflate: y and K y lose what the score explains; K stays as it is, its rows and columns are projected.
        loading = unit @ y
        basis = np.stack(scores, axis=1)
        image = inner @ unit
        y = y - np.outer(unit, loading)
        product = product - np.outer(image - basis @ (basis.T @ image), loading)
        product = product - basis @ (basis.T @ product)
    if not scores:
        return np.zeros(y.shape), mean
    t, a = np.stack(scores, axis=1), np.stack(weights, axis=1)
    return a @ np.linalg.solve(t.T @ inner @ a, t.T @ centred), mean


def _pls_direction(square: Floats, y: Floats) -> Floats | None:
    """(t,) neuroid weights c of the next component, by the power method on (t, t) Y'KY; None where nothing is left."""
    varies = np.flatnonzero((np.abs(y) > np.finfo(float).eps).any(axis=0))
    if not varies.size:
        return None
    c = np.zeros(len(square))
    c[varies[0]] = 1.0
    for _ in range(PLS_ITERATIONS):
        following = square @ c
        size = np.linalg.norm(following)
        if size == 0 or len(square) == 1:
            return c
        following /= size
        # The feature weights are X'Y c, of which only the directions are compared.
        cosine = following @ square @ c / np.sqrt((following @ square @ following) * (c @ square @ c))
        c = following
        if 2 - 2 * cosine < PLS_TOLERANCE:
            break
    return c

"""Partial least squares from a Gram matrix."""

import numpy as np
from numpy.typing import NDArray

from ventral.gram import centre_on
from ventral.linear import Readout

Floats = NDArray[np.float64]

PLS_TOLERANCE, PLS_ITERATIONS = 1e-6, 500  # of the power method, as in scikit-learn
FOLDS = 5


def fit_pls(
    inner: Floats, responses: NDArray[np.floating], n_components: int, groups: NDArray[np.str_] | None = None
) -> Readout:
    """Partial least squares on all neuroids at once, without scaling, from inner products alone.

    NIPALS (Wold 1975; Wegelin 2000, section 4.1) needs the features only through K: a weight vector is X'Y c, so the
    power method runs in the space of neuroids, c <- (Y'KY) c, and stops where scikit-learn's does. Scores T and
    A = Y c of all components then give the regression K A (T'KA)^-1 T'Y (Rosipal & Trejo 2001, equation 7).

    Args:
        inner: (n, n) inner products about the train mean.
        responses: (n, t) train responses, complete.
        n_components: number of components; fewer where the features or the responses are spent before.
        groups: (n,) group of each stimulus, such as near duplicates; None: every stimulus is its own.

    Returns:
        The readout. Its `loo` is from `FOLDS` folds: PLS has no closed form for leaving out.
    """
    held_out = np.empty(responses.shape)
    folds = assign_folds(np.arange(len(responses)) if groups is None else groups)
    for fold in np.unique(folds):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        kept_inner, cross = centre_on(inner, kept, left)
        dual, mean = pls_weights(kept_inner, responses[kept], n_components)
        held_out[left] = cross @ dual + mean
    dual, intercept = pls_weights(inner, responses, n_components)
    return Readout(dual, intercept, np.full(responses.shape[1], np.nan), held_out)


def assign_folds(groups: NDArray) -> NDArray[np.intp]:
    """(n,) fold of each stimulus: every fifth group, in order of appearance, is one; a group is never divided.

    Where all stimuli are of one group, nothing can be held out whole, and each is its own.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) == 1:
        return np.arange(len(groups)) % FOLDS
    appearance = np.argsort(np.argsort(first))
    return appearance[group] % FOLDS


def pls_weights(inner: Floats, responses: NDArray[np.floating], n_components: int) -> tuple[Floats, Floats]:
    """(n, t) weights of the train images, and (t,) mean response, of PLS as `fit_pls` describes it."""
    mean = responses.mean(axis=0)
    y = responses - mean
    centred, product = y, inner @ y
    spent = 1e-12 * max(float(np.einsum("ij,ij->", y, product)), 0.0)
    scores, weights = [], []
    for _ in range(n_components):
        c = _direction(y.T @ product, y)
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


def _direction(square: Floats, y: Floats) -> Floats | None:
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

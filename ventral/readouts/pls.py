"""Partial least squares from a Gram matrix."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ventral.files.keys import Count, key
from ventral.gram.spectra import Decomposition
from ventral.readouts.contract import Fitted, Floats, ImageWeights, Readout

PLS_TOLERANCE, PLS_ITERATIONS = 1e-6, 500  # of the power method, as in scikit-learn


@dataclass(frozen=True)
class Pls(Readout):
    """Partial least squares, without scaling."""

    is_linear = True

    pls: Annotated[Count, key("number of components", example=25)]

    def fit(self, decomposition: Decomposition, responses: NDArray[np.floating], seed: int) -> Fitted:
        """As `Readout.fit`; nothing is random."""
        return fit_pls(decomposition, responses, self.pls)


def fit_pls(decomposition: Decomposition, responses: NDArray[np.floating], n_components: int) -> Fitted:
    """Partial least squares on all neuroids at once, without scaling, from inner products alone.

    NIPALS (Wold 1975; Wegelin 2000, section 4.1) needs the features only through K: a weight vector is X'Y c, so the
    power method runs in the space of neuroids, c <- (Y'KY) c, and stops where scikit-learn's does. Scores T and
    A = Y c of all components then give the regression K A (T'KA)^-1 T'Y (Rosipal & Trejo 2001, equation 7).

    Args:
        decomposition: of the n train images.
        responses: (n, t) train responses, complete.
        n_components: number of components; fewer where nothing is left of the features or the responses before.

    Returns:
        The readout. Train images are held out in folds, since PLS has no closed form for leaving one out.
    """
    held_out = np.empty(responses.shape)
    for fold in decomposition.folds:
        inner, cross = fold.products()
        dual, mean, _ = pls_weights(inner, responses[fold.kept], n_components)
        held_out[fold.left] = cross @ dual + mean
    dual, intercept, n_found = pls_weights(decomposition.inner, responses, n_components)
    weights = ImageWeights(dual, intercept)
    return Fitted(weights.predict, held_out, n_found, weights=weights)


def pls_weights(inner: Floats, responses: NDArray[np.floating], n_components: int) -> tuple[Floats, Floats, int]:
    """(n, t) weights of the train images, (t,) mean response and number of components of `fit_pls`, without folds."""
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
        return np.zeros(y.shape), mean, 0
    t, a = np.stack(scores, axis=1), np.stack(weights, axis=1)
    return a @ np.linalg.solve(t.T @ inner @ a, t.T @ centred), mean, len(scores)


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


READOUT = Pls

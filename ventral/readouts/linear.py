"""OLS, ridge and PCA regression from a Gram matrix.

A readout filters the spectrum of the train images' centred Gram matrix K = Q diag(l) Q': it keeps the first components
(PCA) and divides each by l + alpha (ridge; alpha = 0 is the least-squares solution of minimum norm).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ventral.gram.spectra import RANK_CUT, Decomposition, Spectrum
from ventral.readouts.contract import Fitted, Floats, ImageWeights

# A ridge penalty -> (n, t) residuals of the train images, each by a readout fitted without it.
Residuals = Callable[[float], Floats]

# A direction within a group of images, of which the other images determine less than this share, is not determined.
UNDETERMINED = 1e-6


def fit_linear(
    decomposition: Decomposition,
    responses: NDArray[np.floating],
    alphas: Sequence[float],
    n_components: int | None = None,
    *,
    shared: bool = False,
    rank_cut: float = RANK_CUT,
) -> Fitted:
    """Fit one readout per neuroid; of several alphas, take for each neuroid the one with the least held-out error.

    Train images are held out one by one, or group by group, in closed form where that is exact. Where the components
    depend on the images (`Decomposition.is_complete`), they are held out in folds, each with its own mean, components
    and cut.

    Args:
        decomposition: of the n train images.
        responses: (n, t) train responses, complete.
        alphas: ridge penalties to choose from, 0 for OLS; the same ones in every fold.
        n_components: number of principal components used, fewer where there are fewer; None for all.
        shared: take one alpha for all neuroids, the one with the least squared error over all of them, in the units of
            the responses (as scikit-learn's RidgeCV without `alpha_per_target`).
        rank_cut: share of the largest eigenvalue below which a direction is not used; 0 leaves out only the rounding of
            float64.
    """
    kept = decomposition.spectrum(rank_cut, n_components)
    intercept = responses.mean(axis=0)
    y: Floats = responses - intercept
    projected = kept.vectors.T @ y
    if decomposition.is_complete(kept):
        residuals = _left_out_one_by_one(kept, y, projected, decomposition.groups)
    else:
        residuals = _left_out_in_folds(decomposition, responses, rank_cut, n_components)
    chosen, residual = _choose(residuals, alphas, shared)
    weights = ImageWeights(kept.vectors @ (projected / (kept.values[:, None] + chosen)), intercept)
    return Fitted(weights.predict, responses - residual, kept.values.size, chosen, weights)


def _choose(residuals: Residuals, alphas: Sequence[float], shared: bool) -> tuple[Floats, Floats]:
    """(t,) penalty with the least squared error (the first of equals) for each neuroid, or shared; (n, t) residuals."""
    first, *others = alphas
    best = residuals(first)
    chosen, least = np.full(best.shape[1], float(first)), _errors(best, shared)
    for alpha in others:
        residual = residuals(alpha)
        error = _errors(residual, shared)
        better = error < least
        best[:, better], chosen[better], least[better] = residual[:, better], alpha, error[better]
    return chosen, best


def _errors(residual: Floats, shared: bool) -> Floats:
    errors: Floats = np.einsum("ij,ij->j", residual, residual)
    return np.full_like(errors, errors.sum()) if shared else errors


def _left_out_in_folds(
    decomposition: Decomposition, responses: NDArray[np.floating], rank_cut: float, n_components: int | None
) -> Residuals:
    """Residuals of (n, t) responses by readouts fitted without the image's fold."""
    parts = []
    for fold in decomposition.folds:
        kept, scores = fold.spectrum(rank_cut, n_components)
        own, mean = responses[fold.kept], responses[fold.kept].mean(axis=0)
        parts.append((fold.left, kept.values[:, None], kept.vectors.T @ (own - mean), scores, mean))

    def residuals(alpha: float) -> Floats:
        found = np.empty(responses.shape)
        for left, values, projected, scores, mean in parts:
            found[left] = responses[left] - mean - scores @ (projected / (values + alpha))
        return found

    return residuals


def _left_out_one_by_one(kept: Spectrum, y: Floats, projected: Floats, groups: NDArray[np.str_] | None) -> Residuals:
    """Residuals of centred responses by readouts fitted without the image, or its group, from those of the whole fit.

    Exact for OLS and ridge on the features themselves, with an unpenalised intercept (Golub, Heath & Wahba 1979:
    residual_i / (1 - H_ii)). Where the fit interpolates, numerator and denominator share a factor that vanishes, which
    is cancelled by hand. Images of one group are left out together, by `_Together`.

    Args:
        kept: r components of the n images.
        y: (n, t) responses about their mean.
        projected: (r, t) components of the responses.
        groups: (n,) group of each image. Each image is its own group where this is None, or one group holds all images.
    """
    n = len(y)
    # The part of the responses that no feature reaches: none where the components span their space (about the mean).
    spans = kept.values.size >= n - 1
    unreached = 0.0 if spans else y - kept.vectors @ projected
    rest = 0.0 if spans else 1 - 1 / n - kept.squared_vectors.sum(axis=1)
    together = [] if groups is None else [_Together(kept, rows, spans) for rows in _rows_of_groups(groups)]

    def residuals(alpha: float) -> Floats:
        # Rows of I - H, divided by alpha where nothing is unreached (so that alpha = 0 has a limit).
        shrink = (1.0 if spans else alpha) / (kept.values + alpha)
        residual = kept.vectors @ (shrink[:, None] * projected)
        residual += unreached
        grouped = [(each.rows, each.left_out(shrink, residual[each.rows], projected)) for each in together]
        residual /= np.maximum(kept.squared_vectors @ shrink + rest, np.finfo(float).tiny)[:, None]
        for rows, held_out in grouped:
            residual[rows] = held_out
        return residual

    return residuals


def _rows_of_groups(groups: NDArray[np.str_]) -> Iterator[NDArray[np.intp]]:
    """Rows (m, g) of the m groups of each size g > 1; none where one group holds all rows: no row would be left."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 1]) if len(sizes) > 1 else ():
        yield order[starts[sizes == size][:, None] + np.arange(size)]


class _Together:
    """Residuals of groups of train images, all groups of one size, by readouts fitted without the whole group.

    The residuals of a group G are (I - H_GG)^-1 r_G (An, Liu & Venkatesh 2007), as exact as leave-one-out, and equal to
    it for groups of one image. For n images in groups of g, an alpha costs O(n g (r + g)) beside the O(n r t) of r.

    Args:
        kept: r components of all train images.
        rows: (m, g) indices of the images of each group.
        spans: whether the components span the responses; I - H is then divided by alpha, as in `_left_out_one_by_one`.
    """

    def __init__(self, kept: Spectrum, rows: NDArray[np.intp], spans: bool) -> None:
        self.rows, self.values, self.vectors = rows, kept.values, kept.vectors[rows]
        n, size = len(kept.vectors), rows.shape[1]
        outside = np.eye(size) - 1 / n - self._weighted(1.0)  # what neither the features nor the mean reach
        self.unreached = np.zeros_like(outside) if spans else outside

    def _weighted(self, weights: Floats | float) -> Floats:
        """(m, g, g) products of the images of a group, with components weighted by (r,) numbers."""
        return (self.vectors * weights) @ self.vectors.swapaxes(1, 2)

    def left_out(self, shrink: Floats, residual: Floats, projected: Floats) -> Floats:
        """Residuals (m, g, t) of readouts without the group.

        Args:
            shrink: (r,) share of each component that stays in the residual.
            residual: (m, g, t) of the readout of all images.
            projected: (r, t) components of the responses.
        """
        if shrink.any() or not shrink.size:
            return np.asarray(np.linalg.solve(self.unreached + self._weighted(shrink), residual), dtype=np.float64)
        return self._limit(residual, projected)

    def _limit(self, residual: Floats, projected: Floats) -> Floats:
        """The limit of vanishing alpha, least squares of minimum norm, where the components do not span the responses.

        In directions N that the features of other groups do not determine, I - H_GG and the residual both vanish with
        alpha. There A + alpha B and a + alpha b have the solution of the next order, (N'BN) z = N'(b - B x).
        """
        determined, axes = np.linalg.eigh(self.unreached)
        free = determined < UNDETERMINED
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

"""Our linear analyses beside the libraries people use: the same data, one process, one thread, seconds and ratio.

OMP_NUM_THREADS=1 python -m benchmarks.readouts [n_images n_units n_neuroids]
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import rsatoolbox
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score

from ventral.gram import centre_on, gram_of
from ventral.linear import decompose, fit
from ventral.similarity import correlation_rdm

ALPHAS = np.logspace(-2, 6, 12)
TEST_SHARE = 0.2


def timed(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def main(n_images: int = 1600, n_units: int = 25_088, n_neuroids: int = 168) -> None:
    rng = np.random.default_rng(0)
    decay = np.arange(1, 401) ** -0.5
    latent = rng.normal(size=(n_images, 400)) * decay
    x = (latent @ rng.normal(size=(400, n_units)) + 0.1 * rng.normal(size=(n_images, n_units)) + 2).astype(np.float32)
    y = latent @ rng.normal(size=(400, n_neuroids)) + rng.normal(size=(n_images, n_neuroids))
    n_train = round(n_images * (1 - TEST_SHARE))
    train, test = np.arange(n_train), np.arange(n_train, n_images)

    def ours(alphas: list[float], components: int | None = None) -> np.ndarray:
        inner, cross = centre_on(gram_of(x).inner, train, test)
        return fit(decompose(inner), y[train], alphas, components).predict(cross)

    def scikit_pca() -> np.ndarray:
        pca = PCA(min(1000, n_train - 1), svd_solver="full").fit(x[train])
        return LinearRegression().fit(pca.transform(x[train]), y[train]).predict(pca.transform(x[test]))

    def score(prediction: np.ndarray) -> float:
        return float(np.mean(r2_score(y[test], prediction, multioutput="raw_values")))

    def scikit_ridge() -> np.ndarray:
        return RidgeCV(ALPHAS, alpha_per_target=True).fit(x[train], y[train]).predict(x[test])

    def toolbox_rdm() -> np.ndarray:
        data = rsatoolbox.data.Dataset(x)
        return rsatoolbox.rdm.calc_rdm(data, method="correlation").get_matrices()[0]

    pairs = {
        "ridge, one alpha a neuroid by leave-one-out": (scikit_ridge, lambda: ours(list(ALPHAS)), score),
        "PCA 1000 + OLS": (scikit_pca, lambda: ours([0.0], min(1000, n_train - 1)), score),
        "correlation RDM": (toolbox_rdm, lambda: correlation_rdm(gram_of(x)), np.mean),
    }
    print(f"{n_images} images x {n_units} units, {n_neuroids} neuroids; ours includes the Gram matrix every time")
    print(f"{'':45}{'library':>10}{'ours':>10}{'ratio':>8}   mean R2 or dissimilarity")
    for name, (library, own, summary) in pairs.items():
        (theirs, their_seconds), (mine, my_seconds) = timed(library), timed(own)
        ratio = their_seconds / my_seconds
        values = f"{summary(theirs):.5f} {summary(mine):.5f}"
        print(f"{name:45}{their_seconds:9.2f}s{my_seconds:9.2f}s{ratio:7.1f}x   {values}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

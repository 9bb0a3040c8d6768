"""Compare our linear analyses with common libraries: seconds, peak memory and scores of each, with one thread.

python -m benchmarks.readouts [n_units ...]      # without a number: 25088 (the size of a layer) and 1000

Every entry runs alone in a child process, so that its peak memory is its own. The child is forked after libraries are
imported and data are made. Times are processor seconds, so other load of the machine does not count. Ours makes its
Gram matrix every time. The column "Gram at hand" shows the time of a further analysis of the same layer.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Collection
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np
import rsatoolbox
from himalaya.kernel_ridge import KernelRidgeCV
from ikpls.numpy import PLS
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from ventral.gram.matrix import Gram, centre_on, gram_of
from ventral.gram.spectra import Decomposition
from ventral.readouts.linear import fit_linear
from ventral.readouts.pls import pls_weights
from ventral.similarity.cka import linear_cka, make_kernel
from ventral.similarity.rdms import correlation_rdm

N_TRAIN, N_VAL, N_TEST, N_NEUROIDS = 2592, 288, 320, 168
N = N_TRAIN + N_VAL + N_TEST
TRAIN, TEST = np.arange(N_TRAIN), np.arange(N - N_TEST, N)
ALPHAS = np.logspace(-2, 6, 12)
COMPONENTS, PLS_COMPONENTS = 1000, 25
RIDGE, LEAST, PCA_OLS, RDM, CKA = "ridge, 12 alphas, LOO", "PLS 25", "PCA 1000 + OLS", "correlation RDM", "linear CKA"
ANALYSES = (RIDGE, LEAST, PCA_OLS, RDM, CKA)


class Data(NamedTuple):
    """Features (n, p) in float32, and responses (n, t)."""

    x: np.ndarray
    y: np.ndarray


class Run(NamedTuple):
    """Seconds and MB of an entry, and its scores: R2 of every neuroid, dissimilarities, or CKA."""

    seconds: float
    memory: float
    scores: dict[str, np.ndarray]


def simulate(n_units: int) -> Data:
    """Simulate features with a power law of amplitudes, as in layers, and responses linear in them, with noise."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(N, 400)) * np.arange(1, 401) ** -0.5
    x = latent.astype(np.float32) @ rng.normal(size=(400, n_units)).astype(np.float32)
    x += 0.1 * rng.normal(size=x.shape).astype(np.float32) + 2
    return Data(x, latent @ rng.normal(size=(400, N_NEUROIDS)) + rng.normal(size=(N, N_NEUROIDS)))


def ours(data: Data, analyses: Collection[str], gram: Gram | None = None) -> dict[str, np.ndarray]:
    """Run some of the analyses from one Gram matrix, made here unless it is given, and one eigendecomposition."""
    gram, y = gram or gram_of(data.x), data.y[TRAIN]
    (inner, cross), found = centre_on(gram.inner, TRAIN, TEST), {}
    if RIDGE in analyses or PCA_OLS in analyses:
        decomposition = Decomposition(inner, gram.n_units)
    if RIDGE in analyses:
        found[RIDGE] = fit_linear(decomposition, y, list(ALPHAS)).predict(cross)
    if LEAST in analyses:
        dual, mean, _ = pls_weights(inner, y, PLS_COMPONENTS)
        found[LEAST] = cross @ dual + mean
    if PCA_OLS in analyses:
        found[PCA_OLS] = fit_linear(decomposition, y, [0.0], COMPONENTS).predict(cross)
    if RDM in analyses:
        found[RDM] = correlation_rdm(gram)
    if CKA in analyses:
        found[CKA] = np.array(linear_cka(make_kernel(gram.inner), make_kernel(gram_of(data.y).inner))[0])
    return found


def ridge_of_scikit_learn(data: Data) -> dict[str, np.ndarray]:
    model = RidgeCV(ALPHAS, alpha_per_target=True).fit(data.x[TRAIN], data.y[TRAIN])
    return {RIDGE: model.predict(data.x[TEST])}


def ridge_of_himalaya(data: Data) -> dict[str, np.ndarray]:
    model = KernelRidgeCV(ALPHAS, kernel="linear", fit_intercept=True, cv=5, warn=False).fit(
        data.x[TRAIN], data.y[TRAIN]
    )
    return {RIDGE: model.predict(data.x[TEST])}


def pls_of_scikit_learn(data: Data) -> dict[str, np.ndarray]:
    model = PLSRegression(PLS_COMPONENTS, scale=False).fit(data.x[TRAIN], data.y[TRAIN])
    return {LEAST: model.predict(data.x[TEST])}


def pls_of_ikpls(data: Data) -> dict[str, np.ndarray]:
    model = PLS(scale_X=False, scale_Y=False).fit(data.x[TRAIN], data.y[TRAIN], PLS_COMPONENTS)
    return {LEAST: model.predict(data.x[TEST], PLS_COMPONENTS)}


def pca_of_scikit_learn(data: Data, solver: str) -> dict[str, np.ndarray]:
    pca = PCA(min(COMPONENTS, data.x.shape[1]), svd_solver=solver, random_state=0)
    model = LinearRegression().fit(pca.fit_transform(data.x[TRAIN]), data.y[TRAIN])
    return {PCA_OLS: model.predict(pca.transform(data.x[TEST]))}


def rdm_of_rsatoolbox(data: Data) -> dict[str, np.ndarray]:
    return {RDM: rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(data.x), method="correlation").get_matrices()[0]}


def cka_of_kornblith(data: Data) -> dict[str, np.ndarray]:
    """Compute CKA as published: Gram matrices in float64, centred, multiplied."""

    def centred(features: np.ndarray) -> np.ndarray:
        inner = features @ features.T
        means = inner.mean(axis=0)
        return inner - means - means[:, None] + means.mean()

    k, m = centred(data.x.astype(np.float64)), centred(data.y)
    return {CKA: np.array([(k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())])}


LIBRARIES: dict[str, Callable[[Data], dict[str, np.ndarray]]] = {
    "scikit-learn RidgeCV": ridge_of_scikit_learn,
    "himalaya KernelRidgeCV (5 folds, not LOO)": ridge_of_himalaya,
    "scikit-learn PLSRegression": pls_of_scikit_learn,
    "ikpls PLS": pls_of_ikpls,
    "scikit-learn PCA (solver auto)": partial(pca_of_scikit_learn, solver="auto"),
    "scikit-learn PCA (solver full)": partial(pca_of_scikit_learn, solver="full"),
    "rsatoolbox calc_rdm": rdm_of_rsatoolbox,
    "numpy CKA": cka_of_kornblith,
}
TOGETHER = [name for name in LIBRARIES if name.startswith(("scikit", "rsatoolbox", "numpy")) and "full" not in name]


def _child(function: Callable[[Data], dict[str, np.ndarray]], data: Data, pipe: Connection) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = function(data)
    seconds = time.process_time() - start
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    for name in (RIDGE, LEAST, PCA_OLS):
        if name in found:
            found[name] = r2_score(data.y[TEST], found[name], multioutput="raw_values")
    pipe.send(Run(seconds, kilobytes / 1024, found))


def run(function: Callable[[Data], dict[str, np.ndarray]], data: Data) -> Run:
    """Run an entry alone in a forked child."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(function, data, there))
    child.start()
    there.close()
    done: Run = here.recv()
    child.join()
    return done


def compare(n_units: int) -> None:
    """Print every library beside ours, and the sum of all."""
    data = simulate(n_units)
    print(f"\n{N} images ({N_TRAIN} train, {N_TEST} test) x {n_units} units, {N_NEUROIDS} neuroids")
    columns = f"{'library':>16}{'ours':>16}{'ratio':>8}{'Gram at hand':>17}{'library':>10}{'ours':>9}{'difference':>12}"
    print(f"{'':42}{columns}   of mean R2, dissimilarity or CKA")
    gram = gram_of(data.x)
    alone = {name: run(partial(ours, analyses=[name]), data) for name in ANALYSES}
    after = {name: run(partial(ours, analyses=[name], gram=gram), data) for name in ANALYSES}
    theirs = {}
    for library, function in LIBRARIES.items():
        theirs[library] = run(function, data)
        ((analysis, scores),) = theirs[library].scores.items()
        _row(library, theirs[library], alone[analysis], after[analysis], scores, alone[analysis].scores[analysis])
    whole = Run(*(of(theirs[name][i] for name in TOGETHER) for i, of in enumerate((sum, max))), {})
    every = (run(partial(ours, analyses=ANALYSES, gram=given), data) for given in (None, gram))
    _row("together (auto)", whole, *every)


def _row(name: str, library: Run, own: Run, after: Run, *scores: np.ndarray) -> None:
    took = "".join(f"{one.seconds:8.2f}s{one.memory:5.0f}MB" for one in (library, own))
    line = f"{name:42}{took}{library.seconds / own.seconds:7.1f}x"
    line += f"{after.seconds:8.2f}s{library.seconds / after.seconds:7.1f}x"
    if scores:
        a, b = scores
        line += f"{a.mean():10.5f}{b.mean():9.5f}{abs(a.mean() - b.mean()):12.1e} (one: {abs(a - b).max():.1e})"
    print(line, flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        for size in map(int, sys.argv[1:] or ("25088", "1000")):
            compare(size)

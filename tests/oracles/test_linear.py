"""Every readout from a Gram matrix against float64 scikit-learn on the activations themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import LeaveOneGroupOut, PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline

from ventral.gram.matrix import centre_on, gram_of
from ventral.gram.spectra import FOLDS, RANK_CUT, Decomposition, assign_folds
from ventral.readouts.linear import fit_linear

N_TRAIN, N_TEST, N_NEUROIDS = 160, 40, 12
ALPHAS = np.logspace(-2, 5, 12)


def features(kind: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    n = N_TRAIN + N_TEST
    if kind == "tall":
        return rng.normal(size=(n, 60)).astype(np.float32)
    if kind == "square":
        return rng.normal(size=(n, N_TRAIN)).astype(np.float32)
    if kind == "wide":
        return rng.normal(size=(n, 25_088)).astype(np.float32)
    if kind == "mean far from zero":
        return (rng.normal(size=(n, 3_000)) + rng.normal(size=3_000) * 300 + 1_000).astype(np.float32)
    spectrum = np.arange(1, 2_001) ** -1.0  # the fall-off of real layers
    return ((rng.normal(size=(n, 2_000)) * spectrum) @ rng.normal(size=(2_000, 2_000)) + 5).astype(np.float32)


@pytest.fixture(scope="module", params=["tall", "wide", "mean far from zero", "power law"])
def problem(request):
    x = features(request.param)
    rng = np.random.default_rng(3)
    z = x - x.mean(0, dtype=np.float64)
    y = z @ rng.normal(size=(x.shape[1], N_NEUROIDS))
    y = y / y.std(0) + 0.7 * rng.normal(size=y.shape) + 3
    train, test = np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_TEST)
    inner, cross = centre_on(gram_of(x).inner.astype(np.float32).astype(float), train, test)
    return x.astype(float), y, Decomposition(inner, x.shape[1]), cross


def compare(problem, oracle, ours):
    x, y, _, cross = problem
    expected = oracle.fit(x[:N_TRAIN], y[:N_TRAIN]).predict(x[N_TRAIN:])
    r2 = [r2_score(y[N_TRAIN:], p, multioutput="raw_values") for p in (expected, ours.predict(cross))]
    np.testing.assert_allclose(r2[1], r2[0], atol=1e-4)


def test_ols_of_minimum_norm(problem):
    _, y, spectrum, _ = problem
    compare(problem, LinearRegression(), fit_linear(spectrum, y[:N_TRAIN], [0]))


@pytest.mark.parametrize("alpha", [0.1, 1.0, 1e4])
def test_ridge(problem, alpha):
    _, y, spectrum, _ = problem
    compare(problem, Ridge(alpha), fit_linear(spectrum, y[:N_TRAIN], [alpha]))


def test_ridge_with_one_alpha_per_neuroid(problem):
    _, y, spectrum, _ = problem
    ours = fit_linear(spectrum, y[:N_TRAIN], list(ALPHAS))
    oracle = RidgeCV(ALPHAS, alpha_per_target=True)
    compare(problem, oracle, ours)
    np.testing.assert_array_equal(ours.alpha, oracle.alpha_)


def test_ridge_with_one_alpha_for_all_neuroids(problem):
    x, y, spectrum, cross = problem
    y = y * np.arange(1, N_NEUROIDS + 1) ** 2  # the loudest decide, as in scikit-learn
    ours = fit_linear(spectrum, y[:N_TRAIN], list(ALPHAS), shared=True)
    oracle = RidgeCV(ALPHAS, alpha_per_target=False)
    compare((x, y, spectrum, cross), oracle, ours)
    np.testing.assert_array_equal(ours.alpha, np.full(N_NEUROIDS, oracle.alpha_))


@pytest.mark.parametrize("alpha", [0.0, 10.0])
def test_pca_then_regression(problem, alpha):
    _, y, spectrum, _ = problem
    second = Ridge(alpha) if alpha else LinearRegression()
    oracle = make_pipeline(PCA(20, svd_solver="full"), second)
    compare(problem, oracle, fit_linear(spectrum, y[:N_TRAIN], [alpha], n_components=20))


@pytest.mark.parametrize("shared", [False, True])
def test_pca_then_the_penalty_of_least_error_on_folds_with_components_of_their_own(problem, shared):
    x, y, decomposition, cross = problem
    x, y = x[:N_TRAIN], y * np.arange(1, N_NEUROIDS + 1)
    held_out = np.empty((len(ALPHAS), N_TRAIN, N_NEUROIDS))
    for k in range(FOLDS):
        left, kept = np.arange(N_TRAIN) % FOLDS == k, np.arange(N_TRAIN) % FOLDS != k
        pca = PCA(20, svd_solver="full").fit(x[kept])
        scores = pca.transform(x)
        for i, alpha in enumerate(ALPHAS):
            held_out[i, left] = Ridge(alpha).fit(scores[kept], y[:N_TRAIN][kept]).predict(scores[left])
    errors = ((held_out - y[:N_TRAIN]) ** 2).sum(axis=1)
    expected = np.argmin(np.broadcast_to(errors.sum(axis=1, keepdims=True), errors.shape) if shared else errors, axis=0)
    ours = fit_linear(decomposition, y[:N_TRAIN], list(ALPHAS), n_components=20, shared=shared)
    np.testing.assert_array_equal(ours.alpha, ALPHAS[expected])
    pca = PCA(20, svd_solver="full").fit(x)
    train, test = pca.transform(x), pca.transform(problem[0][N_TRAIN:])
    for k, best in enumerate(expected):
        np.testing.assert_allclose(ours.held_out[:, k], held_out[best, :, k], atol=2e-3 * y[:, k].std())
        r2 = r2_score(y[N_TRAIN:, k], Ridge(ALPHAS[best]).fit(train, y[:N_TRAIN, k]).predict(test))
        assert r2_score(y[N_TRAIN:, k], ours.predict(cross)[:, k]) == pytest.approx(r2, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 50.0])
@pytest.mark.parametrize("kind", ["tall", "wide"])
def test_leave_one_out_is_what_fitting_without_the_stimulus_predicts(kind, alpha):
    x = features(kind)[:40, :400]
    y = np.random.default_rng(1).normal(size=(40, 3))
    inner, _ = centre_on(gram_of(x).inner, np.arange(40), np.arange(0))
    ours = fit_linear(Decomposition(inner), y, [alpha]).held_out
    if kind == "tall":  # 60 units, 40 images: leave some of them out for an over-determined fit
        x = x[:, :10]
        inner, _ = centre_on(gram_of(x).inner, np.arange(40), np.arange(0))
        ours = fit_linear(Decomposition(inner), y, [alpha]).held_out
    oracle = Ridge(alpha, solver="svd") if alpha else LinearRegression()
    for i in range(0, 40, 9):
        others = np.arange(40) != i
        expected = oracle.fit(x[others].astype(float), y[others]).predict(x[i : i + 1].astype(float))[0]
        np.testing.assert_allclose(ours[i], expected, rtol=2e-3, atol=2e-4)


def test_dead_features_predict_the_mean_response():
    y = np.random.default_rng(0).normal(size=(20, 2))
    readout = fit_linear(Decomposition(np.zeros((20, 20))), y, [0.0, 1.0])
    np.testing.assert_allclose(readout.predict(np.zeros((3, 20))), np.broadcast_to(y.mean(0), (3, 2)))
    others = (y.sum(0) - y) / 19
    np.testing.assert_allclose(readout.held_out, others)


@pytest.mark.parametrize("n_units", [1, 30, 79])
def test_few_units_are_decomposed_among_themselves(n_units):
    x = features("mean far from zero")[:N_TRAIN, :n_units] * np.arange(1, n_units + 1)
    inner = centre_on(gram_of(x).inner.astype(np.float32).astype(float), np.arange(N_TRAIN), np.arange(0))[0]
    fitted = Decomposition(inner, n_units)
    ours, plain = fitted.spectrum(), Decomposition(inner).spectrum()
    np.testing.assert_allclose(ours.values, plain.values[: ours.values.size], rtol=1e-3)
    assert ours.values.size == n_units
    np.testing.assert_allclose(ours.vectors.T @ ours.vectors, np.eye(n_units), atol=1e-8)
    y = np.random.default_rng(0).normal(size=(N_TRAIN, 3))
    expected = LinearRegression().fit(x.astype(float), y).predict(x.astype(float))
    np.testing.assert_allclose(fit_linear(fitted, y, [0]).predict(inner), expected, atol=1e-3)
    assert Decomposition(np.zeros((10, 10)), 2).spectrum().values.size == 0


@pytest.mark.parametrize("components", [None, 1000])
@pytest.mark.parametrize(("mean", "spread"), [(1_000, 1e-2), (100, 1e-2), (0, 1)])
def test_least_squares_on_a_random_network_stays_sane(components, mean, spread):
    """Random weights drive all images nearly alike: what differs falls off fast, down to float32 rounding."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(N_TRAIN + N_TEST, 100)) * np.exp(-np.arange(100) / 3)
    x = (mean * (1 + rng.random(3_000)) + spread * latent @ rng.normal(size=(100, 3_000))).astype(np.float32)
    y = latent[:, :5] @ rng.normal(size=(5, N_NEUROIDS)) + 0.3 * rng.normal(size=(N_TRAIN + N_TEST, N_NEUROIDS))
    inner, cross = centre_on(gram_of(x).inner, np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_TEST))
    readout = fit_linear(Decomposition(inner), y[:N_TRAIN], [0], components)
    for prediction, truth in ((readout.predict(cross), y[N_TRAIN:]), (readout.held_out, y[:N_TRAIN])):
        assert 0.5 < r2_score(truth, prediction) < 1
        assert np.abs(prediction).max() < 3 * np.abs(y).max()


def test_least_squares_ignores_directions_that_are_rounding():
    # Ten units copied a hundred times: 990 directions hold nothing but rounding.
    x = np.tile(features("tall")[:N_TRAIN, :10], 100)
    inner, _ = centre_on(gram_of(x).inner, np.arange(N_TRAIN), np.arange(0))
    assert Decomposition(inner).spectrum().values.size == 10
    assert RANK_CUT < 1e-4


def grouped(n_units, sizes, seed=0):
    """Features, responses, inner products of the features, and shuffled groups of given sizes."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    groups = rng.permutation(np.repeat([f"image {i}" for i in range(len(sizes))], sizes))
    x = rng.normal(size=(n, n_units)) + rng.normal(size=n_units)
    y = rng.normal(size=(n, 4)) + np.arange(4)
    z = x - x.mean(axis=0)
    return x, y, z @ z.T, groups


def left_out_together(oracle, x, y, groups):
    return cross_val_predict(oracle, x, y, groups=groups, cv=LeaveOneGroupOut())


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("n_units", [3, 20, 39, 60])
def test_leaving_out_a_group_is_fitting_without_it(n_units, alpha):
    x, y, inner, groups = grouped(n_units, [1, 1, 2, 2, 5, 5, 9, 15])
    ours = fit_linear(Decomposition(inner, groups=groups), y, [alpha]).held_out
    np.testing.assert_allclose(ours, left_out_together(Ridge(alpha, solver="svd"), x, y, groups), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n_units", [3, 20, 30, 36, 38, 39, 60])
def test_leaving_out_a_group_from_least_squares(n_units):
    # From 25 units on, the other images are too few for some group: what is left has a solution of minimum norm.
    x, y, inner, groups = grouped(n_units, [1, 1, 2, 2, 5, 5, 9, 15])
    ours = fit_linear(Decomposition(inner, groups=groups), y, [0.0]).held_out
    np.testing.assert_allclose(ours, left_out_together(LinearRegression(), x, y, groups), rtol=1e-6, atol=1e-6)


def test_the_penalty_of_least_error_on_groups_left_out_is_chosen():
    x, y, _, groups = grouped(30, [4] * 15, seed=3)
    x[:] = x[np.unique(groups, return_index=True)[1]][np.unique(groups, return_inverse=True)[1]] + 0.1 * x
    y += x @ np.random.default_rng(1).normal(size=(30, 4)) * [0, 0.1, 0.5, 2]
    z = x - x.mean(axis=0)
    ours = fit_linear(Decomposition(z @ z.T, groups=groups), y, list(ALPHAS))
    errors = [((y - left_out_together(Ridge(alpha), x, y, groups)) ** 2).sum(axis=0) for alpha in ALPHAS]
    np.testing.assert_array_equal(ours.alpha, ALPHAS[np.argmin(errors, axis=0)])
    assert len(set(ours.alpha)) > 1  # so that neuroids of one alpha were solved apart
    for alpha, neuroid in zip(ours.alpha, range(4), strict=True):
        expected = left_out_together(Ridge(alpha), x, y, groups)[:, neuroid]
        np.testing.assert_allclose(ours.held_out[:, neuroid], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize(("n_units", "n_components"), [(20, 5), (60, 15), (400, 30), (400, 45)])
def test_held_out_predictions_of_pca_are_those_of_a_pipeline_refitted_without_the_fold(n_units, n_components, alpha):
    x, y, inner, groups = grouped(n_units, [1] * 30 + [2] * 10 + [5] * 4)
    pipeline = make_pipeline(PCA(n_components, svd_solver="full"), Ridge(alpha) if alpha else LinearRegression())
    expected = cross_val_predict(pipeline, x, y, cv=PredefinedSplit(assign_folds(groups)))
    ours = fit_linear(Decomposition(inner, groups=groups), y, [alpha], n_components).held_out
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


def test_held_out_predictions_of_features_that_were_cut_are_refitted_and_cut_anew():
    """Directions under the cut: least squares one by one exploded, as each image kept its own direction in use."""
    x, y, _, _ = grouped(300, [1] * 100)
    scale = np.geomspace(1, 10**-3.3, 100)
    left, _, right = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    x = (left * scale) @ right
    x -= x.mean(axis=0)
    decomposition = Decomposition(x @ x.T)
    used = decomposition.spectrum()
    assert 80 < used.values.size < 99 and not decomposition.is_complete(used)
    expected = np.empty_like(y)
    for k in range(FOLDS):
        kept, left_out = np.arange(100) % FOLDS != k, np.arange(100) % FOLDS == k
        mean = x[kept].mean(axis=0)
        inverse = np.linalg.pinv(x[kept] - mean, rcond=np.sqrt(RANK_CUT))
        expected[left_out] = (x[left_out] - mean) @ inverse @ (y[kept] - y[kept].mean(axis=0)) + y[kept].mean(axis=0)
    np.testing.assert_allclose(fit_linear(decomposition, y, [0.0]).held_out, expected, rtol=1e-4, atol=1e-4)


def test_features_whose_every_direction_is_in_use_need_no_folds():
    x, _, inner, _ = grouped(20, [1] * 60)
    for complete, (decomposition, n_components) in {
        True: (Decomposition(inner), None),
        False: (Decomposition(inner), 19),
    }.items():
        assert decomposition.is_complete(decomposition.spectrum(n_components=n_components)) is complete
    rounded = inner.astype(np.float32).astype(float)  # the rest is rounding, but of float32: only p tells
    assert not Decomposition(rounded).is_complete(Decomposition(rounded).spectrum())
    assert Decomposition(rounded, 20).is_complete(Decomposition(rounded, 20).spectrum())
    x[:, -1] *= 1e-4
    z = x - x.mean(axis=0)
    assert not Decomposition(z @ z.T, 20).is_complete(Decomposition(z @ z.T, 20).spectrum())
    assert Decomposition(z @ z.T, 20).is_complete(Decomposition(z @ z.T, 20).spectrum(rank_cut=0))


@pytest.mark.parametrize("n_units", [100, 30, None])
def test_uncut_least_squares_is_that_of_scikit_learn(n_units):
    """Few units in float64, one of them a thousandth of a percent as loud as the others."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(260, n_units or 100)) * np.geomspace(1, 1e-5, n_units or 100)
    y = x @ (rng.normal(size=(x.shape[1], 3)) / x.std(axis=0)[:, None]) + rng.normal(size=(260, 3))
    z = x - x.mean(axis=0)
    inner, cross = centre_on(z @ z.T, np.arange(200), np.arange(200, 260))
    expected = LinearRegression().fit(x[:200], y[:200]).predict(x[200:])
    decomposition = Decomposition(inner, n_units)
    np.testing.assert_allclose(
        fit_linear(decomposition, y[:200], [0.0], rank_cut=0).predict(cross), expected, atol=1e-3
    )
    assert np.abs(fit_linear(decomposition, y[:200], [0.0]).predict(cross) - expected).max() > 0.1


def test_features_that_are_dead_predict_the_mean_of_the_other_groups():
    x, y, _, groups = grouped(5, [1, 3, 3, 8])
    ours = fit_linear(Decomposition(np.zeros((15, 15)), groups=groups), y, [0.0, 1.0]).held_out
    np.testing.assert_allclose(ours, left_out_together(Ridge(1.0), np.zeros_like(x), y, groups), atol=1e-12)


@given(
    n=st.integers(3, 30), n_units=st.integers(1, 40), alpha=st.sampled_from([0.1, 1.0, 100.0]), seed=st.integers(0, 99)
)
def test_groups_of_one_and_one_of_all_leave_out_one(n, n_units, alpha, seed):
    _, y, inner, names = grouped(n_units, [1] * n, seed)
    plain = fit_linear(Decomposition(inner), y, [alpha, 10 * alpha])
    for groups in (names, np.full(n, "all")):
        ours = fit_linear(Decomposition(inner, groups=groups), y, [alpha, 10 * alpha])
        np.testing.assert_array_equal(ours.held_out, plain.held_out)
        np.testing.assert_array_equal(ours.weights.dual, plain.weights.dual)

"""Layers and penalties chosen on train are the right ones, for simulated encoders with known R2 on new stimuli."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ventral.encoders.fit import choose_layers, fit_layer
from ventral.gram.spectra import Decomposition
from ventral.readouts.contract import Readout
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import ALPHAS, Ridge

N, N_FRESH, N_NEUROIDS = 100, 400, 20
NETWORKS = 6  # simulated for each row
SPLIT = np.where(np.arange(N + N_FRESH) < N, "train", "test")
IT = np.full(N_NEUROIDS, "IT")
# Of the five layers of a network: how noisy a view they are of what drives the neurons, and how fast their spectra fall
# off: as those of layers do, or so that directions are under the cut, as those of random weights.
NOISE = (2.0, 1.0, 0.5, 0.3, 0.1)
SLOW, FAST = (0.1, 0.3, 0.6, 1.0, 1.5), (1.0, 1.5, 2.0, 2.5, 3.0)


def network(n_units: int, fall_off: tuple[float, ...], seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Inner products (n, n) of train and fresh stimuli by each layer, and (n, neuroid) rates, half of them noise."""
    rng = np.random.default_rng(seed)
    n = N + N_FRESH
    latent = rng.normal(size=(n, 30)) * np.arange(1, 31) ** -0.5
    rates = latent @ rng.normal(size=(30, N_NEUROIDS))
    rates = rates / rates.std(axis=0) + rng.normal(size=rates.shape)
    inner = []
    for power, noise in zip(fall_off, rng.permutation(NOISE), strict=True):
        x = latent @ rng.normal(size=(30, n_units)) / np.sqrt(30) + noise * rng.normal(size=(n, n_units))
        x *= np.arange(1, n_units + 1) ** -power
        x -= x.mean(axis=0)
        inner.append(x @ x.T)
    return inner, rates


def r2(rates: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    return 1 - ((rates - prediction) ** 2).mean(axis=0) / rates.var(axis=0)


def judge(readout: Readout, n_units: int, fall_off: tuple[float, ...], n_networks: int) -> dict[str, float]:
    """What the choice of layers is worth, on average over simulated networks.

    Returns:
        `rank`: correlation over layers of R2 on train with that on fresh stimuli; `lost`: R2 on fresh stimuli of the
        best layer less that of the chosen one; `bias`: R2 on train less that on fresh stimuli.
    """
    found = []
    for seed in range(n_networks):
        inner, rates = network(n_units, fall_off, seed)
        fits = [fit_layer(layer, rates, SPLIT, [(readout, IT)], n_units)[0] for layer in inner]
        estimated = np.stack([fit["train_r2"] for fit in fits])
        true = np.array([r2(rates[N:], fit["prediction"]).mean() for fit in fits])
        chosen, mean = choose_layers(estimated, IT)[0], estimated.mean(axis=1)
        found.append((spearmanr(mean, true).statistic, true.max() - true[chosen], (mean - true).mean()))
    return dict(zip(("rank", "lost", "bias"), np.mean(found, axis=0).tolist(), strict=True))


def told(readout: Ridge | Pls, n_units: int) -> str:
    """A readout and its features, for the table."""
    kind = f"PLS {readout.pls}" if isinstance(readout, Pls) else f"ridge {readout.alpha}, PCA {readout.components}"
    return f"layer by {kind}, {n_units} units"


@pytest.mark.parametrize("fall_off", [SLOW, FAST])
@pytest.mark.parametrize(
    ("n_units", "components"),
    [(60, 10), (60, 20), (60, 40), (60, None), (300, 10), (300, 20), (300, 40), (300, 60), (300, 80), (300, None)],
)
def test_the_right_layer_is_chosen_for_least_squares_whatever_the_share_of_components(
    n_units, components, fall_off, scale, figures
):
    readout = Ridge(0.0, components=components)
    found = judge(readout, n_units, fall_off, NETWORKS * scale)
    figures(told(readout, n_units), **found)
    assert found["rank"] > 0.75 and found["lost"] < 0.03


@pytest.mark.parametrize("fall_off", [SLOW, FAST])
@pytest.mark.parametrize("n_units", [60, 300])
@pytest.mark.parametrize("readout", [Ridge("loo"), Ridge("cv", components=40), Ridge("loo", components=80), Pls(5)])
def test_the_right_layer_is_chosen_and_rightly_judged_for_readouts_that_shrink(
    readout, n_units, fall_off, scale, figures
):
    found = judge(readout, n_units, fall_off, NETWORKS * scale)
    figures(told(readout, n_units), **found)
    assert found["rank"] > 0.75 and found["lost"] < 0.03 and abs(found["bias"]) < 0.06


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("n_units", "components"), [(60, 40), (300, 40), (300, 80), (300, None)])
def test_the_penalty_chosen_is_as_good_as_the_best_on_fresh_stimuli(n_units, components, shared, scale, figures):
    readout = Ridge("cv" if shared else "loo", components=components)
    lost = []
    for seed in range(NETWORKS // 2 * scale):
        inner, rates = network(n_units, SLOW, seed)
        mean = Decomposition(inner[0][:N, :N]).spectrum().values.sum() / N
        tried = [readout, *(Ridge(alpha * mean, components=components) for alpha in ALPHAS)]
        fits = fit_layer(inner[0], rates, SPLIT, [(one, IT) for one in tried], n_units)
        chosen, *others = (r2(rates[N:], fit["prediction"]) for fit in fits)
        lost.append(np.max([other.mean() for other in others]) - chosen.mean())
    figures(told(readout, n_units).replace("layer", "penalty"), lost=float(np.mean(lost)))
    assert np.mean(lost) < 0.03

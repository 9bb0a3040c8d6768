"""Signal, noise, ceilings and crossvalidated distances, on simulated recordings whose truth is known."""

import numpy as np
import pytest

from ventral.data.responses import reduce_presentations
from ventral.scores.ceilings import noise_ceiling
from ventral.scores.metrics.pearson_r import pearson_r

SIGNAL, NOISE = 1.0, 4.0  # variances, of one presentation
N = 300

# How often each stimulus was presented.
SHOWN = {
    "twice": np.full(N, 2),
    "three times": np.full(N, 3),
    "ten times": np.full(N, 10),
    "two or three times, as the real V1 session": np.r_[np.full(57, 2), np.full(233, 3), np.full(10, 4)],
    "unequally, 2 to 30 times": np.r_[np.full(200, 2), np.full(70, 7), np.full(30, 30)],
    "most once, some 30 times": np.r_[np.full(1000, 1), np.full(100, 30)],
    "half once, half three times": np.r_[np.full(150, 1), np.full(150, 3)],
}


def gaussian(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=size)


def heavy_tailed(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Of variance 1: a log-normal, with single values up to ten standard deviations off."""
    values = np.exp(rng.normal(size=size))
    return (values - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def simulate(shown: np.ndarray, n_neuroids: int, seed: int, draw=gaussian) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(stimulus, neuroid) signal of independent neuroids, and what their recording is reduced to."""
    rng = np.random.default_rng(seed)
    stimulus = rng.permutation(np.repeat(np.arange(len(shown)), shown))
    signal = np.sqrt(SIGNAL) * draw(rng, (len(shown), n_neuroids))
    values = signal[stimulus] + np.sqrt(NOISE) * draw(rng, (len(stimulus), n_neuroids))
    return signal, reduce_presentations(values, stimulus, len(shown), seed)


@pytest.fixture(autouse=True)
def few_halves(monkeypatch):
    """Only the spread of reliabilities comes from random halves, and what is said of it here holds for few."""
    monkeypatch.setattr("ventral.data.responses.N_HALVES", 20)


@pytest.mark.parametrize("draw", [gaussian, heavy_tailed])
@pytest.mark.parametrize("name", SHOWN)
def test_signal_noise_and_reliability_are_the_true_ones_however_often_stimuli_were_shown(name, draw, scale, figures):
    shown = SHOWN[name]
    _, found = simulate(shown, 400 * scale, 1, draw)
    signal, noise = (found[f"{what}_variance"] for what in ("signal", "noise"))
    truth = SIGNAL / (SIGNAL + NOISE * np.mean(1 / shown[shown > 1]))
    error = signal.std() / np.sqrt(len(signal))
    assert signal.mean() == pytest.approx(SIGNAL, abs=4 * error)
    assert noise.mean() == pytest.approx(NOISE, abs=4 * noise.std() / np.sqrt(len(noise)))
    # A ratio of unbiased sums; the mean over neuroids of their own ratios has a small bias of the second order.
    sums = noise_ceiling(signal.mean(keepdims=True), noise.mean(keepdims=True), shown[shown > 1][:, None])[0]
    assert sums == pytest.approx(truth, abs=0.04 if draw is heavy_tailed else 0.02)
    assert np.median(found["reliability"]) == pytest.approx(truth, abs=0.05 if draw is heavy_tailed else 0.02)
    assert np.isfinite(found["reliability_sd"]).all()
    figures(f"{name}, {draw.__name__}", true=truth, sums=sums, median=np.median(found["reliability"]))


@pytest.mark.parametrize("name", SHOWN)
def test_a_perfect_model_reaches_the_ceiling_of_whatever_stimuli_are_scored(name, scale, figures):
    """Of single trials as of means over many: r2 over the ceiling is 1, by the ratio of sums over neuroids."""
    shown = SHOWN[name]
    signal, found = simulate(shown, 400 * scale, 2)
    scored = {"all": shown > 0, "shown least": shown == shown.min(), "shown most": shown == shown.max()}
    for which, here in scored.items():
        r2 = pearson_r(found["rate"][here], signal[here]) ** 2
        ceiling = noise_ceiling(found["signal_variance"], found["noise_variance"], found["n_presentations"][here])
        share = r2.sum() / ceiling.sum()
        assert share == pytest.approx(1, abs=0.03)
        figures(f"{name}, scored: {which}", r2=r2.mean(), share=share)
    if name == "most once, some 30 times":
        singles = shown == 1
        r2 = pearson_r(found["rate"][singles], signal[singles]) ** 2
        assert r2.mean() / found["reliability"].mean() < 0.3  # the ceiling of the means is none of single trials


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_noise_that_fixations_of_a_presentation_share_is_not_averaged_away(shared, scale, figures):
    """One to eight fixations a presentation, two to four presentations an image."""
    rng = np.random.default_rng(3)
    n, k = 300, 200 * scale
    of_presentation = np.repeat(np.arange(n), rng.integers(2, 5, n))
    presentation = np.repeat(np.arange(len(of_presentation)), rng.integers(1, 9, len(of_presentation)))
    signal = rng.normal(size=(n, k))
    noise = np.sqrt(shared * NOISE) * rng.normal(size=(len(of_presentation), k))[presentation]
    noise = noise + np.sqrt((1 - shared) * NOISE) * rng.normal(size=(len(presentation), k))
    stimulus = of_presentation[presentation]
    found = reduce_presentations(signal[stimulus] + noise, stimulus, n, 0, presentation)
    assert found["n_presentations"][:, 0].tolist() == np.bincount(of_presentation).tolist()
    truth = np.mean(pearson_r(found["rate"], signal) ** 2)
    assert found["signal_variance"].mean() == pytest.approx(1, abs=0.03)
    assert found["reliability"].mean() == pytest.approx(truth, abs=0.02)
    rows = reduce_presentations(signal[stimulus] + noise, stimulus, n, 0)["reliability"].mean()
    assert (rows > truth + 0.1) == (shared > 0)  # what rows taken for presentations would claim
    figures(f"fixations share {shared:.0%} of the noise", true=truth, found=found["reliability"].mean(), by_rows=rows)


def test_neuroids_that_hardly_fire_have_a_reliability(scale, figures):
    """A handful of spikes in all: many a half of the presentations has none, and correlates with nothing."""
    rng = np.random.default_rng(4)
    n, k, repeats = 100, 1000 * scale, 3
    mean = 0.005 * np.exp(1.5 * rng.normal(size=(n, k)))
    stimulus = np.tile(np.arange(n), repeats)
    values = rng.poisson(mean[stimulus]).astype(float)
    fired = values.any(axis=0)
    found = reduce_presentations(values, stimulus, n, 0)
    assert (values.sum(axis=0) == 1).mean() > 0.02
    assert (found["rate_half"] == 0).all(axis=1).any(axis=0)[fired].mean() > 0.1
    for name in ("signal_variance", "noise_variance", "reliability", "reliability_sd"):
        assert np.isfinite(found[name][fired]).all(), name
    signal, truth = found["signal_variance"], mean.var(axis=0, ddof=1).mean()
    assert signal.mean() == pytest.approx(truth, abs=4 * signal.std() / np.sqrt(k))
    assert (signal < 0).mean() > 0.1  # kept: clipped, the mean would be too high
    figures("neuroids that hardly fire", true=truth * 1e3, found=signal.mean() * 1e3)


def test_trials_that_a_neuroid_missed_are_none_of_its_presentations(scale):
    rng = np.random.default_rng(5)
    n, k, repeats = 200, 400 * scale, 4
    stimulus = np.tile(np.arange(n), repeats)
    signal = rng.normal(size=(n, k))
    values = signal[stimulus] + 2 * rng.normal(size=(len(stimulus), k))
    values[rng.random(values.shape) < 0.3] = np.nan
    found = reduce_presentations(values, stimulus, n, 0)
    counts = np.isfinite(values).reshape(repeats, n, k).sum(axis=0)
    np.testing.assert_array_equal(found["n_presentations"], counts)
    assert found["signal_variance"].mean() == pytest.approx(1, abs=0.04)
    assert found["noise_variance"].mean() == pytest.approx(4, abs=0.05)
    share = np.mean(pearson_r(found["rate"], signal) ** 2) / np.mean(
        noise_ceiling(found["signal_variance"], found["noise_variance"], found["n_presentations"])
    )
    assert share == pytest.approx(1, abs=0.03)


def test_random_halves_agree_with_the_average_over_all_of_them():
    """The covariance of the two halves that random draws make, averaged over many, is the signal variance."""
    rng = np.random.default_rng(6)
    shown = np.r_[np.full(40, 3), np.full(40, 5), np.full(20, 1)]
    stimulus = np.repeat(np.arange(100), shown)
    values = rng.normal(size=(100, 3))[stimulus] + rng.normal(size=(len(stimulus), 3))
    found = reduce_presentations(values, stimulus, 100, 0)
    covariances = []
    for seed in range(100):
        halves = reduce_presentations(values, stimulus, 100, seed)["rate_half"][:, :80].astype(float)
        covariances += [
            [np.cov(one, other)[0, 1] for one, other in zip(first.T, second.T, strict=True)]
            for first, second in zip(halves[::2], halves[1::2], strict=True)
        ]
    error = np.std(covariances, axis=0) / np.sqrt(len(covariances))
    assert (np.abs(np.mean(covariances, axis=0) - found["signal_variance"]) < 4 * error).all()


def test_nothing_repeated_has_neither_signal_nor_noise():
    found = reduce_presentations(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20), 20, 0)
    for name in ("signal_variance", "noise_variance", "reliability", "reliability_sd"):
        assert np.isnan(found[name]).all()
    assert np.isnan(noise_ceiling(found["signal_variance"], found["noise_variance"], found["n_presentations"])).all()

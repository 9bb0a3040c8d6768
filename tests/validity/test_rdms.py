"""Reliabilities, distances and ceilings of RDMs, on simulated recordings whose truth is known."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from ventral.data.responses import reduce_presentations
from ventral.gram.matrix import gram_of
from ventral.scores.ceilings import halves_in_whole
from ventral.similarity.ceilings import noise_ceiling
from ventral.similarity.measures import pearson, spearman
from ventral.similarity.rdms import crossnobis_rdm, neural_rdm, rdm_reliability, squared_distances

N, K = 40, 30


def record(signal: np.ndarray, shown: np.ndarray, noise_sd: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    stimulus = np.repeat(np.arange(len(signal)), shown)
    noise = noise_sd * rng.normal(size=(len(stimulus), signal.shape[1]))
    return reduce_presentations(signal[stimulus] + noise, stimulus, len(signal), seed)


@pytest.fixture(autouse=True)
def few_halves(monkeypatch):
    """Those that are kept are all that RDMs are made of."""
    monkeypatch.setattr("ventral.data.responses.N_HALVES", 1)


def test_crossnobis_distances_are_unbiased_whatever_the_noise_and_the_presentations(scale, figures):
    """Some stimuli are alike, and some were shown more often: other distances call those far, and these near."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(N, K))
    signal[: N // 2] = signal[0]
    shown = rng.permuted(np.r_[np.full(N // 2, 2), np.full(N // 4, 5), np.full(N // 4, 12)])
    noise_sd = rng.uniform(1, 4, K)
    truth = pdist(signal / noise_sd, "sqeuclidean") / K
    found, naive = [], []
    for seed in range(200 * scale):
        recording = record(signal, shown, noise_sd, seed)
        rdm = crossnobis_rdm(recording["rate_half"], noise_sd**2)
        found.append(squareform(rdm, checks=False))
        naive.append(pdist(recording["rate"] / noise_sd, "sqeuclidean") / K)
    found = np.array(found)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.abs((found.mean(axis=0) - truth) / error).max() < 5
    equal = truth == 0
    of_recordings = found[:, equal].mean(axis=1)
    assert of_recordings.mean() == pytest.approx(0, abs=4 * of_recordings.std() / np.sqrt(len(found)))
    assert 0.4 < (found[:, equal] < 0).mean() < 0.6
    assert np.mean(naive, axis=0)[equal].min() > 0.15
    # Nor does it matter that the noise of each neuroid is an estimate itself.
    estimated = squareform(crossnobis_rdm(recording["rate_half"], recording["noise_variance"]), checks=False)
    assert pearson(estimated, found[-1]) > 0.97
    assert estimated.sum() == pytest.approx(found[-1].sum(), rel=0.15)
    figures("crossnobis of equal patterns", true=0, found=found[:, equal].mean(), naive=np.mean(naive, 0)[equal].mean())
    figures("crossnobis of others", true=truth[~equal].mean(), found=found[:, ~equal].mean())


def test_noise_in_the_number_of_presentations_does_not_shape_crossnobis(scale, figures):
    """Other distances hold the noise, of which stimuli that were shown often have less: they match the truth less."""
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(N, 4)) @ rng.normal(size=(4, K)) / 4
    shown = np.r_[np.full(N // 2, 2), np.full(N // 2, 20)]
    noise_sd = np.full(K, 2.0)
    truth = squareform(squared_distances(gram_of(signal).inner), checks=False)
    matched = {"crossnobis": [], "naive": []}
    for seed in range(50 * scale):
        recording = record(signal, shown, noise_sd, seed)
        rdm = crossnobis_rdm(recording["rate_half"], recording["noise_variance"])
        matched["crossnobis"].append(pearson(squareform(rdm, checks=False), truth))
        matched["naive"].append(pearson(pdist(recording["rate"], "sqeuclidean"), truth))
    means = {name: float(np.mean(values)) for name, values in matched.items()}
    assert means["crossnobis"] > means["naive"] + 0.05
    figures("match with the true distances, unequal presentations", **means)


@pytest.mark.parametrize(("repeats", "noise_sd"), [(2, 0.5), (3, 0.5), (3, 1.0), (3, 2.0), (10, 2.0)])
def test_rdms_are_as_reliable_as_a_second_recording_finds_them(repeats, noise_sd, scale, figures):
    """Odd numbers too, where halves are a third each; too low, never too high, where noise outweighs signal."""
    found, single, again = [], [], []
    for seed in range(60 * scale):
        signal = np.random.default_rng(seed).normal(size=(N, K))
        first, second = (
            record(signal, np.full(N, repeats), np.full(K, noise_sd), 2 * seed + which) for which in (0, 1)
        )
        times = halves_in_whole(first["n_presentations"])
        found.append(rdm_reliability(first["rate_half"], times))
        single.append(rdm_reliability(first["rate_half"][:2], times))
        again.append(spearman(*(squareform(neural_rdm(one["rate"]), checks=False) for one in (first, second))))
    truth = np.mean(again)
    assert truth - 0.1 < np.mean(found) < truth + 0.03
    if noise_sd < 1:
        assert np.mean(found) == pytest.approx(truth, abs=0.03)
    if repeats > 2:  # of two there is one way to halve each
        assert np.std(np.array(found) - again) < np.std(np.array(single) - again)
    figures(f"RDM reliability, {repeats} presentations, noise sd {noise_sd}", true=truth, found=np.mean(found))


def test_the_lower_bound_keeps_below_what_the_true_rdm_reaches_and_the_upper_one_above(scale, figures):
    """By how much is a matter of the number of sessions: the upper one of few is far too high."""
    bounds = {}
    for k in (3, 6, 24):
        low, high, true = [], [], []
        for seed in range(20 * scale):
            rng = np.random.default_rng(seed)
            truth = pdist(rng.normal(size=(N, 10)), "correlation")
            rdms = truth + 0.5 * rng.normal(size=(k, len(truth)))
            bound = noise_ceiling(rdms)
            low.append(bound[0])
            high.append(bound[1])
            true.append(np.mean([spearman(rdm, truth) for rdm in rdms]))
        bounds[k] = np.mean(low), np.mean(true), np.mean(high)
        figures(f"ceiling over {k} sessions", low=bounds[k][0], true=bounds[k][1], high=bounds[k][2])
    assert all(low < true < high for low, true, high in bounds.values())
    assert bounds[24][0] == pytest.approx(bounds[24][1], abs=0.03)
    assert bounds[3][2] > bounds[24][2] + 0.05

"""Neuroids that hardly fire have a bounded reliability, known if stimuli were repeated."""

import numpy as np
import pandas as pd
import pytest

from ventral.data.responses import reduce_presentations
from ventral.scores.ceilings import noise_ceiling
from ventral.tables.pages import summary_page, to_markdown

N, TIMES = 30, 4


def reduced(trials: np.ndarray) -> dict[str, np.ndarray]:
    """Of (stimulus, repeat, neuroid) trials."""
    rows = trials.transpose(1, 0, 2).reshape(-1, trials.shape[2])
    return reduce_presentations(rows, np.tile(np.arange(len(trials)), trials.shape[1]), len(trials), 0)


def spikes(*where) -> np.ndarray:
    """(30, 4, 1) trials with a spike in some."""
    trials = np.zeros((N, TIMES, 1))
    for stimulus, repeat in where:
        trials[stimulus, repeat] = 1
    return trials


@pytest.mark.parametrize(
    "trials",
    [spikes(), spikes((3, 0)), spikes((3, 0), (9, 2)), spikes((3, 0), (3, 1)), 7 + spikes((5, 1)), -spikes((5, 1))],
    ids=["silent", "one spike", "two spikes", "two to one stimulus", "all but one alike", "one missing"],
)
def test_a_neuroid_with_repetitions_has_a_reliability(trials):
    found = reduced(trials)
    assert -1 <= found["reliability"][0] <= 1
    assert np.isnan(found["reliability_sd"][0]) or np.isfinite(found["reliability_sd"][0])


def test_those_of_chance_spikes_are_caught_by_min_reliability_as_often_as_not():
    rng = np.random.default_rng(0)
    sparse = (rng.random((N, TIMES, 400)) < 0.02).astype(float)
    reliability = reduced(sparse)["reliability"]
    assert np.isfinite(reliability).all()
    assert (reliability < 0.1).mean() > 0.5
    assert abs(np.mean(reliability)) < 0.1  # without signal, about 0


def test_it_is_the_unbiased_reliability_where_neuroids_fire():
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(300, 1, 200))
    found = reduced(signal + 2 * rng.normal(size=(300, TIMES, 200)))["reliability"]
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)


def test_without_repetitions_it_is_unknown_and_beside_them_not():
    trials = np.random.default_rng(2).poisson(0.1, (N, TIMES, 2)).astype(float)
    trials[:, 1:, 1] = np.nan
    found = reduced(trials)["reliability"]
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_a_ceiling_is_bounded_where_scored_stimuli_were_shown_more_often_than_others():
    n = np.full((5, 4), 100)
    found = noise_ceiling(np.array([-1.0, -1.0, 0.0, np.nan]), np.array([100.5, 10.0, 0.0, 1.0]), n)
    np.testing.assert_array_equal(found, [-1, -1, 0, np.nan])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"n_repeated": 0, "n_unreliable": 0}, "no repetitions, so no ceiling"),
        ({"n_repeated": 4, "n_unreliable": 0}, "too few stimuli were repeated for a ceiling"),
        ({"n_repeated": 4, "n_unreliable": 4}, "no neuroid is reliable enough"),
        ({"n_repeated": 4, "n_unreliable": 1, "reliability_median": 0.5}, "median reliability 0.50"),
    ],
)
def test_the_page_says_why_no_ceiling_is_known(row, said):
    numbers = {
        f"{metric}_{part}": 0.1
        for metric in ("explained_variance", "r2", "pearson_r", "mse", "ceiled_r2")
        for part in ("mean", "low", "high", "median")
    }
    names = dict.fromkeys(("dataset", "region", "source", "encoder", "weights", "layer"), "x")
    row = numbers | names | {"reliability_median": np.nan, "ceiled_r2": np.nan, "split": "test"} | row
    row |= {
        "protocol": "holdout",
        "n_neuroids": 4,
        "n_stimuli": 9,
        "n_ceiled": 0,
        "interval_over": "both",
        "reference": False,
    }
    assert f"(test), {said}. " in to_markdown(summary_page(pd.DataFrame([row | {"among_best": True}])))

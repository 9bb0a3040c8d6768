"""The model confidence set: equal encoders are seldom called worse, however many there are; worse ones are found."""

import numpy as np
import pytest

from ventral.scores.intervals import Estimate, estimate
from ventral.scores.ranking import model_confidence_set, resample
from ventral.scores.scoring import influence
from ventral.tables.gather import BEST_P

STUDIES = 80


def encoders(rng: np.random.Generator, n_equal: int, n_worse: int, n: int, m: int, over: str) -> list[Estimate]:
    """Encoders of m neuroids on n stimuli, each with errors of its own, of equal variance; larger ones of the worse."""
    signal = rng.normal(size=(n, m))
    responses = signal + rng.normal(size=(n, m))
    found = []
    for size in [0.5] * n_equal + [0.8] * n_worse:
        mixed = rng.normal(size=(4, m))
        shared = rng.normal(size=(n, 4)) @ (mixed / np.linalg.norm(mixed, axis=0))  # errors that neuroids share
        predictions = signal + size * (0.5 * shared + np.sqrt(0.75) * rng.normal(size=(n, m)))
        values, influences = influence(responses, predictions)
        found.append(estimate(values["pearson_r"], influences["pearson_r"], over))
    return found


def told(found: list[Estimate], seed: int) -> np.ndarray:
    """Whether each encoder is marked worse than the best."""
    return model_confidence_set(np.array([one.value for one in found]), resample(found, 1000, seed)) < BEST_P


@pytest.mark.parametrize("over", ["stimuli", "both"])
@pytest.mark.parametrize(("n_equal", "n_worse"), [(20, 0), (50, 0), (20, 20)])
@pytest.mark.parametrize(("n", "m"), [(200, 10), (64, 40)])
def test_equal_encoders_are_seldom_called_worse_and_worse_ones_are(n_equal, n_worse, n, m, over, scale, figures):
    n_studies, wrong, right = STUDIES * scale, 0, []
    for study in range(n_studies):
        rng = np.random.default_rng([n_equal, n_worse, n, study])
        marked = told(encoders(rng, n_equal, n_worse, n, m, over), study)
        wrong += marked[:n_equal].any()
        right += list(marked[n_equal:])
    error, power = wrong / n_studies, np.mean(right) if right else np.nan
    name = f"{n_equal} equal, {n_worse} worse, {n} stimuli, {m} neuroids, over {over}"
    figures(name, called_worse_wrongly=error, worse_ones_found=power)
    assert error <= 0.07 + 2.5 * np.sqrt(0.07 * 0.93 / n_studies)
    assert not n_worse or power >= 0.75


def test_equal_predictions_are_tied_and_missing_ones_have_no_p():
    rng = np.random.default_rng(0)
    one, *_ = encoders(rng, 1, 0, 50, 5, "both")
    draws = resample([one, one], 200, 0)
    p = model_confidence_set(np.array([one.value, one.value, np.nan]), np.column_stack([draws, draws[:, 0]]))
    assert p[:2].tolist() == [1, 1] and np.isnan(p[2])

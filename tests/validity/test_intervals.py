"""Intervals contain the truth in 95 of 100 simulated studies, for any metric, protocol and number of stimuli.

The truth is what the protocol measures on average: the mean of the estimate over all simulated studies.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from tests.validity.worlds import SIZES, Neuroids, predicted, recorded
from ventral.data.responses import reduce_presentations
from ventral.data.splits import protocol_splits
from ventral.encoders.fit import fit_protocol
from ventral.gram.matrix import gram_of
from ventral.readouts.ridge import Ridge
from ventral.scores.catalogue import METRICS
from ventral.tables.scoring import score_encoder

REGION = np.repeat(list(SIZES), list(SIZES.values()))
STUDIES = 120
LEVELS = (0.92, 0.98)
# Of fewer than 20 test stimuli in a split, scores of single neuroids are skewed, and R2 over many has intervals that
# are too wide rather than too narrow.
FEW, OF_FEW = 20, (0.89, 1.0)


def coverage(estimates: pd.DataFrame, name: str, value: str = "_mean") -> float:
    """Share of the studies whose interval holds the mean estimate; every interval holds its own."""
    own, low, high = (estimates[f"{name}{part}"].to_numpy(float) for part in (value, "_low", "_high"))
    assert ((low < own) & (own < high)).all()
    return float(((low <= own.mean()) & (own.mean() <= high)).mean())


def check(found: dict[str, float], n_studies: int, levels: tuple[float, float] = LEVELS) -> None:
    """Coverages within the levels, as far as so many studies can tell."""
    for name, share in found.items():
        low, high = levels
        assert low - 2.5 * np.sqrt(low * (1 - low) / n_studies) <= share, name
        assert share <= high + 2.5 * np.sqrt(high * (1 - high) / n_studies), name


def studies(n: int, protocol: str, n_studies: int, over: str) -> pd.DataFrame:
    """Rows of the summary for the test stimuli of simulated studies; over neuroids, each has neuroids of its own."""
    fixed = Neuroids(np.random.default_rng(0), len(REGION))
    rows = []
    for study in range(n_studies):
        rng = np.random.default_rng([n, study])
        neuroids = fixed if over == "stimuli" else Neuroids(rng, len(REGION))
        rates, predictions = neuroids.respond(rng, n)
        responses = recorded(rates, REGION)
        rows.append(score_encoder("s", predicted(predictions, responses, protocol), responses, over=over)[1])
    table = pd.concat(rows)
    return table[table["split"] == "test"]


@pytest.mark.parametrize(
    ("protocol", "n"),
    [("holdout", n) for n in (50, 100, 320, 3200)]
    + [("kfold", n) for n in (64, 320, 3200)]
    + [("brainscore", n) for n in (64, 320, 3200)],
)
@pytest.mark.parametrize("over", ["stimuli", "both"])
def test_intervals_of_region_means_hold_the_truth(protocol, n, over, scale, figures):
    n_studies = STUDIES * scale // (4 if n == 3200 else 1)
    n_test = n * (0.2 if protocol == "holdout" else 0.1)
    table = studies(n, protocol, n_studies, over)
    for region, rows in table.groupby("region"):
        assert set(rows["interval_over"]) == {"stimuli" if region == "one" else over}
        if over == "both" and region == "one":  # there is nothing to tell how neuroids differ
            continue
        found = {metric: coverage(rows, metric) for metric in METRICS}
        figures(f"{protocol}, n = {n}, over {over}, {SIZES[region]} neuroids", **found)
        check(found, n_studies, OF_FEW if n_test < FEW else LEVELS)


@pytest.mark.parametrize("name", ["subjects", "sessions"])
def test_intervals_over_subjects_or_sessions_hold_the_truth(name, scale, figures):
    """Of six subjects with eight neuroids each, subjects that differ in how well they are predicted."""
    n_studies, rows = STUDIES * scale, []
    for study in range(n_studies):
        rng = np.random.default_rng(study)
        neuroids = Neuroids(rng, 48)
        owner = np.repeat(np.arange(6), 8)
        neuroids.noise *= np.exp(0.4 * rng.normal(size=6))[owner]
        rates, predictions = neuroids.respond(rng, 200)
        owners = dict.fromkeys(("subject", "session"), owner.astype(str))
        responses = recorded(rates, np.full(48, "IT"), **owners)
        rows.append(score_encoder("s", predicted(predictions, responses, "holdout"), responses, over=name)[1])
    table = pd.concat(rows)
    found = {metric: coverage(table[table["split"] == "test"], metric) for metric in METRICS}
    figures(f"holdout, n = 200, over stimuli and {name}", **found)
    check(found, n_studies, (0.9, 0.98))  # of six, Student's t is what holds it so high


@pytest.mark.parametrize("protocol", ["holdout", "kfold"])
def test_intervals_hold_the_truth_of_encoders_that_every_study_fits_anew(protocol, scale, figures):
    """Ridge of 12 neuroids on 60 features and 200 stimuli: folds share train stimuli, and so their errors."""
    world = np.random.default_rng(0)
    weights = world.normal(size=(60, 12)) / np.sqrt(60)
    n, n_studies, rows = 200, STUDIES // 2 * scale, []
    for study in range(n_studies):
        rng = np.random.default_rng(study)
        features = rng.normal(size=(n, 60))
        responses = recorded(features @ weights + rng.normal(size=(n, 12)), np.full(12, "IT"))
        split = np.array(["train", "train", "train", "val", "test"] * (n // 5))
        responses = responses.assign_coords(split=("stimulus", split))
        splits = protocol_splits(protocol, split, study)
        fitted = fit_protocol([("features", gram_of(features))], responses, Ridge("loo"), splits)
        fitted.attrs |= {"protocol": protocol, "network": "model", "readout": "ridge", "weights": "none"}
        rows.append(score_encoder("s", fitted, responses, over="stimuli")[1])
    table = pd.concat(rows)
    found = {metric: coverage(table[table["split"] == "test"], metric) for metric in METRICS}
    figures(f"{protocol}, n = 200, fitted anew", **found)
    check(found, n_studies, (0.9, 0.985))


def repeated(n_studies: int, n: int, shown: int) -> Iterator[tuple[pd.DataFrame, float]]:
    """Studies of neuroids of which many are hardly reliable, presented several times, and the true share explained."""
    for study in range(n_studies):
        rng = np.random.default_rng([shown, study])
        neuroids = Neuroids(rng, 40)
        neuroids.noise = rng.uniform(0.5, 6, 40)
        features = rng.normal(size=(n, neuroids.signal.shape[0]))
        signal = features @ neuroids.signal + rng.normal(size=(n, neuroids.hidden.shape[0])) @ neuroids.hidden
        stimulus = np.repeat(np.arange(n), shown)
        values = signal[stimulus] + neuroids.noise * rng.normal(size=(len(stimulus), 40))
        reduced = reduce_presentations(values, stimulus, n, study)
        names = ("reliability", "signal_variance", "noise_variance")
        responses = recorded(reduced["rate"], np.full(40, "IT"), **{name: reduced[name] for name in names})
        responses["n_presentations"] = (("stimulus", "neuroid"), reduced["n_presentations"])
        known = (neuroids.signal**2).sum(axis=0)
        variance = known + (neuroids.hidden**2).sum(axis=0)
        noisy = variance + neuroids.noise**2 / shown
        predictions = predicted(features @ neuroids.signal, responses, "holdout")
        yield score_encoder("s", predictions, responses)[1], (known / noisy).sum() / (variance / noisy).sum()


@pytest.mark.parametrize("shown", [2, 5, 20])
def test_the_share_of_the_ceiling_is_the_true_share(shown, scale, figures, monkeypatch):
    """A mean of ratios would hang on the neuroids whose ceiling is nearly 0."""
    monkeypatch.setattr("ventral.data.responses.N_HALVES", 5)
    n_studies = STUDIES // 2 * scale
    found, truths = zip(*repeated(n_studies, 300, shown), strict=True)
    table = pd.concat(found)
    table = table[table["split"] == "test"]
    share, low, high = (table[f"ceiled_r2{part}"].to_numpy(float) for part in ("", "_low", "_high"))
    held = float(((low <= np.mean(truths)) & (np.mean(truths) <= high)).mean())
    figures(f"shown {shown} times", true=np.mean(truths), share=share.mean(), sd=share.std(), coverage=held)
    assert share.mean() == pytest.approx(np.mean(truths), abs=0.05)
    assert (table["n_ceiled"] == 40).all() and (shown > 2 or (table["n_ceiling_below_zero"] > 0).any())
    check({"ceiled_r2": held}, n_studies, (0.88, 0.99))

"""From presentations to rates, halves and reliability, and the file that holds them."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ventral.data import responses as module
from ventral.data.responses import (
    N_PAIRS,
    OF_NEUROIDS,
    check_responses,
    check_splits,
    draw_splits,
    make_responses,
    random_halves,
    read_responses,
    reduce_presentations,
    write_responses,
)
from ventral.files.errors import InputError
from ventral.scores.ceilings import average_rows, ceiled_r2
from ventral.scores.metrics.pearson_r import pearson_r

seeds = st.integers(0, 2**32 - 1)


def responses_of(rate: np.ndarray, ids=None, names=None, window_ms=(70.0, 170.0)):
    n, k = rate.shape
    reduced = {
        "rate": rate,
        "rate_half": np.stack([rate, rate]),
        "n_presentations": np.full((n, k), 2),
        **{name: np.full(k, np.nan) for name in OF_NEUROIDS},
    }
    stimulus = {"stimulus_id": ids or [f"s{i}" for i in range(n)], "split": ["train"] * n}
    neuroid = {"neuroid_id": names or [f"n{i}" for i in range(k)], "region": ["IT"] * k}
    return make_responses(reduced, stimulus, neuroid, source="simulated", units="Hz", window_ms=window_ms)


@given(st.integers(1, 40), st.integers(1, 6), st.sampled_from([0, 0.3]), seeds)
def test_averages_and_counts_agree_with_pandas(rows, groups, missing, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 3)) * 10
    values[rng.random(values.shape) < missing] = np.nan
    group = rng.integers(0, groups, rows)
    means, counts = average_rows(values, group, groups)
    table = pd.DataFrame(values).groupby(group)
    np.testing.assert_allclose(means, table.mean().reindex(range(groups)).to_numpy(), atol=1e-12)
    np.testing.assert_array_equal(counts, table.count().reindex(range(groups), fill_value=0).to_numpy())


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 3), seeds)
def test_halves_are_balanced_and_no_presentation_is_divided(shown, fixations, seed):
    """`shown` presentations of each stimulus, each of up to `fixations` rows, in random order."""
    rng = np.random.default_rng(seed)
    stimulus_of = np.repeat(np.arange(len(shown)), shown)
    names = rng.permutation(1000)[: len(stimulus_of)]
    rows = rng.permutation(np.repeat(np.arange(len(stimulus_of)), rng.integers(1, fixations + 1, len(stimulus_of))))
    half = random_halves(stimulus_of[rows], names[rows], rng)
    table = pd.DataFrame({"stimulus": stimulus_of[rows], "presentation": names[rows], "half": half})
    assert (table.groupby("presentation")["half"].nunique() == 1).all()
    once = table.drop_duplicates("presentation").groupby("stimulus")["half"]
    for side in (0, 1):
        np.testing.assert_array_equal(once.agg(lambda h, side=side: (h == side).sum()), np.array(shown) // 2)
    np.testing.assert_array_equal(once.agg(lambda h: (h == -1).sum()), np.array(shown) % 2)


def test_any_of_an_odd_number_of_presentations_is_left_out():
    rng = np.random.default_rng(0)
    left_out = [np.flatnonzero(random_halves(np.zeros(3, dtype=int), np.arange(3), rng) == -1) for _ in range(1000)]
    assert np.bincount(np.concatenate(left_out)).tolist() == pytest.approx([333] * 3, abs=60)


def test_rows_in_no_group_are_in_no_mean():
    values = np.array([[1.0, 2.0], [3.0, np.nan], [50.0, 50.0]])
    for some in (values, np.nan_to_num(values)):
        means, counts = average_rows(some, np.array([0, 0, -1]), 2)
        np.testing.assert_array_equal(means, [np.nanmean(some[:2], axis=0), [np.nan] * 2])
        np.testing.assert_array_equal(counts, [np.isfinite(some[:2]).sum(axis=0), [0, 0]])


@pytest.mark.parametrize("repeats", [4, 10])
def test_reliability_is_that_of_the_mean_over_repetitions(repeats):
    """Signal variance 1 and noise variance s: the mean of k repetitions has reliability 1 / (1 + s / k)."""
    rng = np.random.default_rng(0)
    n, noise = 1_500, np.array([0.5, 2.0, 8.0, 20.0])
    signal = rng.normal(size=(n, 4))
    stimulus = np.tile(np.arange(n), repeats)
    values = signal[stimulus] + np.sqrt(noise) * rng.normal(size=(len(stimulus), 4))
    found = reduce_presentations(values, stimulus, n, seed=0)
    np.testing.assert_allclose(found["rate"], values.reshape(repeats, n, 4).mean(axis=0))
    assert np.abs(found["reliability"] - 1 / (1 + noise / repeats)).mean() < 0.03
    assert found["rate_half"].shape == (2 * N_PAIRS, n, 4)
    for pair in found["rate_half"].reshape(N_PAIRS, 2, n, 4):
        np.testing.assert_allclose(pair.mean(axis=0), found["rate"], atol=1e-5)
    assert (found["n_presentations"] == repeats).all()
    assert (found["reliability_sd"] > 0).all() and (found["reliability_sd"] < 0.1).all()


@pytest.mark.parametrize("repeats", [28, 51])
@pytest.mark.parametrize("seed", range(5))
def test_the_true_encoder_reaches_the_ceiling_at_the_published_repetitions(repeats, seed, monkeypatch):
    """640 images, as many as have 28 repetitions: over 48 sites reliabilities err by .0125 on average, sd .002.

    The mean ceiled score has an sd of .006, so that any seed meets both tolerances by four sd or more. Fewer halves
    than the usual hundred only make it harder.
    """
    monkeypatch.setattr(module, "N_HALVES", 20)
    rng = np.random.default_rng(seed)
    truth = np.linspace(0.4, 0.95, 48)
    signal = rng.normal(size=(640, 48))
    signal = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    stimulus = np.tile(np.arange(640), repeats)
    noise = np.sqrt(repeats * (1 / truth - 1)) * rng.normal(size=(len(stimulus), 48))
    found = reduce_presentations(signal[stimulus] + noise, stimulus, 640, seed)
    assert np.abs(found["reliability"] - truth).mean() < 0.02
    r = pearson_r(found["rate"], signal)
    assert ceiled_r2(r, found["reliability"]).mean() == pytest.approx(1, abs=0.03)
    assert ((r / found["reliability"]) ** 2).mean() > 1.4  # the mean of 1 / truth is 1.57: no share of anything


def test_halves_that_divide_a_presentation_would_flatter():
    """Rows of a presentation share its noise: reliability must be that of presentations, not of rows."""
    rng = np.random.default_rng(1)
    n, shown = 1_000, 4
    stimulus = np.repeat(np.tile(np.arange(n), shown), 2)
    presentation = np.repeat(np.arange(n * shown), 2)
    values = rng.normal(size=(n, 1))[stimulus] + 2 * rng.normal(size=(n * shown, 1))[presentation]
    together = reduce_presentations(values, stimulus, n, 0, presentation)["reliability"][0]
    apart = reduce_presentations(values, stimulus, n, 0)["reliability"][0]
    assert together == pytest.approx(0.5, abs=0.05)
    assert apart > together + 0.1


def test_single_presentations_have_no_reliability():
    values = np.random.default_rng(0).normal(size=(20, 2))
    found = reduce_presentations(values, np.arange(20), 20, seed=0)
    assert np.isnan(found["reliability"]).all()
    np.testing.assert_array_equal(found["rate"], values)


def test_a_seed_gives_one_result():
    values, stimulus = np.random.default_rng(0).normal(size=(60, 2)), np.tile(np.arange(15), 4)
    one, same, other = (reduce_presentations(values, stimulus, 15, seed) for seed in (0, 0, 1))
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert (one["rate_half"] != other["rate_half"]).any()


@pytest.mark.parametrize(
    "spoil, fragments",
    [
        (lambda rate: rate.__setitem__((slice(None), 1), np.nan), ["neuroid n1", "all values are NaN"]),
        (lambda rate: rate.__setitem__((slice(None), 2), 3.0), ["neuroid n2", "all values are equal"]),
        (lambda rate: rate.__setitem__((slice(1, None), 0), np.nan), ["neuroid n0", "all values are equal"]),
    ],
)
def test_neuroids_that_nothing_can_be_fitted_to_are_refused(spoil, fragments):
    rate = np.random.default_rng(0).normal(size=(6, 3))
    check_responses(responses_of(rate), "mine.npy")
    spoil(rate)
    with pytest.raises(InputError) as error:
        check_responses(responses_of(rate), "mine.npy")
    assert all(part in str(error.value) for part in ["mine.npy", *fragments])


def test_duplicate_ids_are_refused():
    rate = np.random.default_rng(0).normal(size=(4, 2))
    with pytest.raises(InputError, match=r"stimulus_id: duplicate ids a\.png; give"):
        check_responses(responses_of(rate, ids=["a.png", "b.png", "a.png", "c.png"]), "mine.npy")


def test_a_split_that_leaves_an_object_without_a_train_image_is_refused():
    """Unless the object has too few images for train, val and test: a cut of the published set may have one of each."""
    responses = responses_of(np.random.default_rng(0).normal(size=(8, 2)))
    objects = np.array(["car", "car", "car", "face", "face", "face", "ship", "ship"])
    split = np.array(["val", "test", "train", "val", "test", "train", "test", "val"])
    labelled = responses.assign_coords(object_name=("stimulus", objects), split=("stimulus", split))
    check_responses(labelled, "assembly.nc")
    split[2] = "test"
    with pytest.raises(InputError, match=r"assembly.nc: split: leaves no train image of car; hold out fewer images"):
        check_responses(labelled.assign_coords(split=("stimulus", split)), "assembly.nc")


@pytest.mark.parametrize("window_ms", [(70.0, 170.0), None])
def test_what_is_written_is_read(tmp_path, window_ms):
    rate = np.random.default_rng(0).normal(size=(5, 2))
    rate[3, 1] = np.nan
    written = responses_of(rate, window_ms=window_ms)
    write_responses(written, tmp_path / "responses" / "d.nc")
    found = read_responses(tmp_path / "responses" / "d.nc")
    for name in (*written.data_vars, *written.coords):
        np.testing.assert_array_equal(found[name].values, written[name].values)
        assert found[name].dims == written[name].dims
    assert found.attrs["source"] == "simulated"
    assert list(found.attrs.get("window_ms", [])) == list(window_ms or [])
    assert [file.name for file in (tmp_path / "responses").iterdir()] == ["d.nc"]


def split_study(n=80):
    rate = np.random.default_rng(0).normal(size=(n, 2))
    rate[:10] = np.nan  # shown, but without responses
    labels = {
        "split": np.array(["test"] * 10 + ["train"] * (n - 10)),
        "object_name": np.tile(["a", "b", "c", "d"], n // 4),
        "category_name": np.repeat("x", n),
    }
    coords = {name: ("stimulus", values) for name, values in labels.items()}
    return xr.Dataset({"rate": (("stimulus", "neuroid"), rate)}, coords=coords)


def test_protocols_split_the_stimuli_with_responses_by_object():
    responses = split_study()
    np.testing.assert_array_equal(draw_splits(responses, "holdout", 0)[0], responses["split"])
    for protocol in ("brainscore", "kfold"):
        splits = draw_splits(responses, protocol, 0)
        assert splits.shape == (10, 80) and (splits[:, :10] == "").all()
        for labels in splits:
            objects = responses["object_name"].values[labels == "test"]
            assert 6 <= len(objects) <= 8 and max(np.unique(objects, return_counts=True)[1]) <= 2


def test_too_few_stimuli_for_a_protocol_is_one_line():
    with pytest.raises(InputError, match=r"config: protocols: brainscore: .*; leave the protocol out"):
        draw_splits(split_study(12), "brainscore", 0)


def judged_study():
    """`split_study` with responses to all, and stimuli of val."""
    responses = split_study().assign_coords(neuroid_id=("neuroid", ["n0", "n1"]))
    responses["rate"].values[:10] = 1.0
    responses["split"].values[8:10] = "val"
    return responses


def leave_out(*where):
    return lambda responses: responses["rate"].values.__setitem__(where, np.nan)


@pytest.mark.parametrize(
    "spoil, protocol, words",
    [
        (
            leave_out(slice(11, None), 1),
            "holdout",
            "of mine: neuroid n1: fewer than two train stimuli; leave it out",
        ),
        (
            leave_out(slice(1, 79), 0),
            "kfold",
            "of mine: neuroid n0: fewer than two train stimuli; leave it out",
        ),
        (leave_out(slice(8, None)), "kfold", "responses of mine: protocols: kfold: "),
        (
            leave_out(slice(8, 10)),
            "holdout",
            "split.val: leaves mine no response to a validation stimulus; give a",
        ),
    ],
)
def test_splits_that_nothing_can_be_fitted_or_judged_on_are_told_with_the_responses(spoil, protocol, words):
    responses = judged_study()
    check_splits(responses, "mine", ["holdout", "brainscore", "kfold"], 0)
    spoil(responses)
    with pytest.raises(InputError, match=re.escape(words)):
        check_splits(responses, "mine", [protocol], 0)

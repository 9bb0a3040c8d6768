"""Random splits in equal shares of every stratum."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from ventral.data.splits import SPLITS, assign_splits, protocol_splits

seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0, 0.4)


@given(st.integers(1, 200), shares, shares, seeds)
def test_sizes_are_the_rounded_shares(n, val, test, seed):
    split = assign_splits(n, {"val": val, "test": test}, seed)
    assert len(split) == n
    assert set(split) <= set(SPLITS)
    assert (split == "val").sum() == round(n * val)
    assert (split == "test").sum() == round(n * test)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), shares, shares, seeds)
def test_every_stratum_gives_its_share_within_one_stimulus(sizes, val, test, seed):
    strata = np.random.default_rng(seed).permutation(np.repeat([f"object {i}" for i in range(len(sizes))], sizes))
    n = len(strata)
    split = assign_splits(n, {"val": val, "test": test}, seed, strata)
    n_test, n_val = round(n * test), round(n * val)
    for name in np.unique(strata):
        here = split[strata == name]
        in_test = (here == "test").sum()
        assert abs(in_test - len(here) * n_test / n) < 1
        # val is drawn from what test leaves.
        assert abs((here == "val").sum() - (len(here) - in_test) * n_val / max(n - n_test, 1)) < 1


@given(st.integers(10, 100), seeds)
def test_a_seed_gives_one_split(n, seed):
    fractions = {"val": 0.1, "test": 0.2}
    np.testing.assert_array_equal(assign_splits(n, fractions, seed), assign_splits(n, fractions, seed))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=30), shares, shares, seeds)
def test_groups_are_never_divided(sizes, val, test, seed):
    groups = np.random.default_rng(seed).permutation(np.repeat([f"g{i}" for i in range(len(sizes))], sizes))
    split = assign_splits(len(groups), {"val": val, "test": test}, seed, groups=groups)
    parts = [np.unique(split[groups == name]) for name in np.unique(groups)]
    assert all(len(part) == 1 for part in parts)
    assert sum(part[0] == "test" for part in parts) == round(len(parts) * test)
    assert sum(part[0] == "val" for part in parts) == round(len(parts) * val)


def test_groups_of_one_change_nothing():
    fractions, strata = {"val": 0.1, "test": 0.2}, np.array(["a", "b"] * 25)
    names = np.random.default_rng(0).permutation([f"g{i}" for i in range(50)])
    np.testing.assert_array_equal(
        assign_splits(50, fractions, 0, strata), assign_splits(50, fractions, 0, strata, groups=names)
    )


def test_seeds_differ():
    fractions = {"val": 0.1, "test": 0.2}
    assert (assign_splits(200, fractions, 0) != assign_splits(200, fractions, 1)).any()


@pytest.mark.parametrize("absent, present", [("val", "test"), ("test", "val")])
def test_a_share_of_zero_gets_no_stimulus(absent, present):
    split = assign_splits(50, {absent: 0, present: 0.2}, 0)
    assert set(split) == {"train", present}
    assert set(assign_splits(50, {"val": 0, "test": 0}, 0)) == {"train"}


def test_every_stimulus_is_as_likely_to_be_held_out():
    held = sum(assign_splits(30, {"val": 0.1, "test": 0.2}, seed) != "train" for seed in range(2000)) / 2000
    np.testing.assert_allclose(held, 0.3, atol=0.05)  # five standard errors


def test_shares_of_the_course_leave_forty_or_forty_one_train_images_of_every_object():
    published = yaml.safe_load((Path(__file__).parents[3] / "config" / "published.yaml").read_text())
    objects = np.random.default_rng(0).permutation(np.arange(3200) % 64).astype(str)
    split = assign_splits(3200, published["split"], 0, objects)
    assert [(split == name).sum() for name in SPLITS] == [2592, 288, 320]
    assert set(np.unique(objects[split == "train"], return_counts=True)[1]) == {40, 41}


def test_brainscore_splits_are_those_of_scikit_learn():
    strata = np.repeat([f"object{i}" for i in range(8)], 20)
    split = np.full(160, "train", dtype="U5")
    ours = protocol_splits("brainscore", split, 7, strata)
    oracle = StratifiedShuffleSplit(n_splits=10, train_size=0.9, random_state=1).split(strata, strata)
    assert len(ours) == 10
    for labels, (train, test) in zip(ours, oracle, strict=True):
        assert sorted(np.flatnonzero(labels == "train")) == sorted(train)
        assert sorted(np.flatnonzero(labels == "test")) == sorted(test)


def test_holdout_is_the_split_given():
    split = np.array(["train", "val", "test", "train"])
    np.testing.assert_array_equal(protocol_splits("holdout", split, 0), split[None])


@pytest.mark.parametrize("protocol", ["brainscore", "kfold"])
def test_no_protocol_divides_a_group(protocol):
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 120).astype(str)
    strata = rng.choice(["face", "nonface"], 120)
    splits = protocol_splits(protocol, np.full(120, "train"), 3, strata, groups)
    for labels in splits:
        for group in np.unique(groups):
            assert len(set(labels[groups == group])) == 1
    if protocol == "kfold":
        assert ((splits == "test").sum(axis=0) == 1).all()


def test_a_protocol_that_the_stimuli_are_too_few_for_says_so():
    with pytest.raises(ValueError, match="least populated class"):
        protocol_splits("brainscore", np.full(9, "train"), 0, np.arange(9).astype(str))

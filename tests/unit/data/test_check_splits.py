"""Faults of responses to which no protocol can be fitted are reported all at once, before any network runs."""

import numpy as np
import pytest
import xarray as xr

from ventral.data.responses import check_responses, check_splits
from ventral.files.errors import InputError


def recorded(n=40, neuroids=3):
    rng = np.random.default_rng(0)
    split = np.array(["train"] * (n - 8) + ["val"] * 3 + ["test"] * 5)
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rng.normal(size=(n, neuroids)))},
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(n)]),
            "split": ("stimulus", split),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(neuroids)]),
        },
    )


def test_all_that_is_wrong_with_a_file_is_on_one_line():
    responses = recorded()
    responses["rate"].values[:, 0] = np.nan
    responses["rate"].values[:, 1] = 4
    responses["stimulus_id"].values[1] = "s0"
    with pytest.raises(InputError) as caught:
        check_responses(responses, "r.npy")
    assert str(caught.value) == (
        "r.npy: stimulus_id: duplicate ids s0; give every image its own id | neuroid n0: all values are NaN; leave the "
        "neuroid out | neuroid n1: all values are equal; leave the neuroid out"
    )


@pytest.mark.parametrize(
    ("spoil", "protocols", "said"),
    [
        (lambda rate: rate.__setitem__((slice(1, 32), 2), np.nan), ["holdout"], "neuroid n2: fewer than two train"),
        (lambda rate: rate.__setitem__((slice(32, 35),), np.nan), ["holdout"], "split.val: leaves mine no response"),
        (lambda rate: rate.__setitem__((slice(5, None),), np.nan), ["kfold"], "protocols: kfold"),
        (lambda rate: rate.__setitem__((slice(2, None), 1), np.nan), ["kfold"], "neuroid n1: fewer than two train"),
    ],
)
def test_what_cannot_be_fitted_is_named(spoil, protocols, said):
    responses = recorded()
    check_splits(responses, "mine", ["holdout", "kfold", "brainscore"], 0)
    spoil(responses["rate"].values)
    with pytest.raises(InputError, match=f"responses of mine: {said}"):
        check_splits(responses, "mine", protocols, 0)


def test_a_protocol_that_is_not_asked_for_is_not_checked():
    responses = recorded()
    responses["rate"].values[32:35] = np.nan
    check_splits(responses, "mine", ["kfold"], 0)

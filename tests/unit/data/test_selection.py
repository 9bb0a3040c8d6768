"""Which stimuli and neuroids count in means."""

import numpy as np
import xarray as xr

from ventral.data.selection import is_reliable, stimulus_groups


def test_neuroids_count_unless_they_are_known_to_be_less_reliable():
    responses = xr.Dataset({"rate": (("stimulus", "neuroid"), np.zeros((2, 4)))})
    assert is_reliable(responses).all() and is_reliable(responses, 0.5).all()
    responses = responses.assign_coords(reliability=("neuroid", [0.4, 0.5, -1.0, np.nan]))
    assert is_reliable(responses).all()
    assert is_reliable(responses, 0.5).tolist() == [False, True, False, True]


def test_groups_of_stimuli_are_those_of_the_responses_if_they_have_any():
    responses = xr.Dataset({"rate": (("stimulus", "neuroid"), np.zeros((3, 1)))})
    assert stimulus_groups(responses) is None
    responses = responses.assign_coords(stimulus_group=("stimulus", ["a", "b", "a"]))
    assert stimulus_groups(responses).tolist() == ["a", "b", "a"]

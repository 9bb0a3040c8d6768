import numpy as np
import pandas as pd
import pytest

from ventral.data.responses import OF_NEUROIDS, make_responses, read_responses, write_responses
from ventral.data.xiao.responses import join_sessions

REGIONS = pd.DataFrame({"stem": ["c", "d"], "category": "face", "face": True})


def session_of(name: str, region: str, stimuli: list[str], n_units: int, seed: int):
    rng = np.random.default_rng(seed)
    shape = (len(stimuli), n_units)
    reduced = {
        "rate": rng.normal(size=shape),
        "rate_half": rng.normal(size=(2, *shape)),
        "n_presentations": rng.integers(1, 9, shape),
        **{name: rng.random(n_units) for name in OF_NEUROIDS},
    }
    neuroid = {
        "neuroid_id": [f"{name}_{i}" for i in range(n_units)],
        "region": np.full(n_units, region),
        "subject": np.full(n_units, name[:2]),
        "session": np.full(n_units, name),
    }
    return make_responses(
        reduced, {"stimulus_id": stimuli}, neuroid, source="simulated", units="Hz", window_ms=(50, 250)
    )


@pytest.fixture
def sessions(tmp_path):
    made = [
        session_of("An220105", "V1", ["a", "b", "c"], 2, 0),
        session_of("Pa191024_1", "CIT", ["b", "c", "d", "e"], 3, 1),
    ]
    for i, session in enumerate(made):  # as the workflow has them
        write_responses(session, tmp_path / f"{i}.nc")
    return [read_responses(tmp_path / f"{i}.nc") for i in range(len(made))]


def test_neuroids_lie_side_by_side_over_the_union_of_stimuli(sessions):
    joined = join_sessions(sessions, REGIONS, {}, {"val": 0.2, "test": 0.2}, 0)
    assert joined["rate"].dims == ("stimulus", "neuroid")
    assert joined["rate_half"].dims == ("half", "stimulus", "neuroid")
    assert joined["stimulus_id"].values.tolist() == list("abcde")
    assert joined["split"].dims == joined["category_name"].dims == ("stimulus",)
    first, second = (session["rate"].values for session in sessions)
    np.testing.assert_array_equal(joined["rate"].values[:3, :2], first)
    np.testing.assert_array_equal(joined["rate"].values[1:, 2:], second)
    assert np.isnan(joined["rate"].values[3:, :2]).all()
    assert (joined["n_presentations"].values[3:, :2] == 0).all()
    for name in OF_NEUROIDS:
        np.testing.assert_array_equal(joined[name], np.r_[sessions[0][name], sessions[1][name]])


def test_names_keep_their_length(sessions):
    joined = join_sessions(sessions, REGIONS, {}, {"val": 0.2, "test": 0.2}, 0)
    assert joined["region"].values.tolist() == ["V1"] * 2 + ["CIT"] * 3
    assert joined["session"].values.tolist() == ["An220105"] * 2 + ["Pa191024_1"] * 3
    assert joined["neuroid_id"].values[-1] == "Pa191024_1_2"


def test_a_stimulus_is_labelled_by_a_session_that_knows(sessions):
    # Nobody looked for faces in the stimuli of An; those of Pa were all looked through.
    labels = join_sessions(sessions, REGIONS, {}, {"val": 0.2, "test": 0.2}, 0)["category_name"]
    assert labels.values.tolist() == ["unknown", "nonface", "face", "face", "nonface"]


def test_near_duplicates_are_split_as_one(sessions):
    for seed in range(20):
        joined = join_sessions(sessions, REGIONS, {"a": "1", "e": "1"}, {"val": 0.3, "test": 0.3}, seed)
        split = joined["split"].values
        assert split[0] == split[4]


def test_fixations_have_label_group_and_split_of_their_image(sessions):
    image_of = [["a", "a", "b"], ["b", "c", "d", "d"]]
    fixations = [
        session.assign_coords(
            stimulus_id=("stimulus", [f"{session['session'].values[0]}_{i}" for i in range(len(images))]),
            image_id=("stimulus", images),
        )
        for session, images in zip(sessions, image_of, strict=True)
    ]
    for seed in range(20):
        joined = join_sessions(fixations, REGIONS, {"a": "1", "c": "1"}, {"val": 0.3, "test": 0.3}, seed)
        assert joined["stimulus_id"].values.tolist()[:4] == ["An220105_0", "An220105_1", "An220105_2", "Pa191024_1_0"]
        assert joined["image_id"].values.tolist() == list("aabbcdd")
        assert joined["stimulus_group"].values.tolist() == ["1", "1", "b", "b", "1", "d", "d"]
        labels = joined["category_name"].values.tolist()  # of image b one session knows
        assert labels == ["unknown", "unknown", "nonface", "nonface", "face", "face", "face"]
        for group in ("1", "b", "d"):
            assert len(set(joined["split"].values[joined["stimulus_group"].values == group])) == 1
    np.testing.assert_array_equal(joined["rate"].values[:3, :2], sessions[0]["rate"])
    assert np.isnan(joined["rate"].values[:3, 2:]).all()

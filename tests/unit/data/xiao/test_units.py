"""Tables of units, and their rates around events, for a session whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from ventral.data.xiao.psth import START_MS, STOP_MS, session_psth
from ventral.data.xiao.selectivity import visually_selective
from ventral.data.xiao.units import Session, describe_units, join_units, prefer_faces

RNG = np.random.default_rng(0)
N, T = 400, 200_000
ONSET = np.arange(N) * 480.0 + 1000
USED = pd.DataFrame(
    {
        "trial_id": np.arange(N) // 4,
        "stimulus_id": np.array(["a", "b"])[np.arange(N) // 4 % 2],
        "onset_ms": ONSET,
        "trial_time_ms": np.arange(N) % 4 * 480.0,
        "x_dva": 0.0,
        "y_dva": 0.0,
    }
)
IN_A = (USED["stimulus_id"] == "a").to_numpy()


def train(rate: np.ndarray) -> np.ndarray:
    """Spikes at 5 Hz all the time, and at `rate` (n,) Hz from 60 to 260 ms after every fixation."""
    always = RNG.uniform(0, T, T // 200)
    evoked = [time + 60 + RNG.uniform(0, 200, RNG.poisson(hz / 5)) for time, hz in zip(ONSET, rate, strict=True)]
    return np.sort(np.concatenate([always, *evoked])).astype(np.int32)


SPIKES = [train(np.where(IN_A, 60.0, 5.0)), train(np.full(N, 20.0)), np.array([100], dtype=np.int32)]
UNITS = pd.DataFrame({"unit": ["1", "2", "30a"], "channel": [1, 2, 30], "region": "IT"})
SESSION = Session("Pa210101", UNITS, SPIKES, T, USED, np.full(3, 60.0))
REGIONS = pd.DataFrame({"stem": ["a"], "category": ["face"], "face": [True], "mask": [None]}).assign(
    x=0.0, y=0.0, w=10.0, h=10.0, W=10.0, H=10.0
)
FIELDS = pd.DataFrame({"x": [0.0, 0.0, np.nan], "y": [0.0, 0.0, np.nan], "r": [1.0, 1.0, np.nan]})


@pytest.fixture(scope="module")
def table():
    return describe_units(
        SESSION,
        table_latency_ms=np.array([55.0, 65.0, 75.0]),
        reliability=pd.Series({"Pa210101_1": 0.9}),
        fields=FIELDS,
        size_dva=np.array([10.0, 10.0]),
        regions=REGIONS,
        window_ms=200,
        permutations=200,
        bootstrap=100,
        seed=0,
    )


def test_a_unit_that_tells_images_apart_is_consistent_and_prefers_faces(table):
    assert table["self_consistency"][0] > 0.5 > 0.2 > abs(table["self_consistency"][1])
    assert table["p"][0] == pytest.approx(1 / 201) and table["p"][1] > 0.01
    expected = (60 - 5) / (60 + 5 + 2 * 5)  # of evoked rates, over a background of 5 Hz
    assert table["face_selectivity"][0] == pytest.approx(expected, abs=0.08)
    assert table["face_selectivity_low"][0] < table["face_selectivity"][0] < table["face_selectivity_high"][0]
    assert table["face_selectivity_low"][1] < 0 < table["face_selectivity_high"][1]


def test_a_row_says_where_a_unit_was_and_how_it_fired(table):
    assert table.columns.tolist() == [
        *("session", "unit", "neuroid_id", "channel", "region", "stable", "n_spikes", "rate_hz", "reliability"),
        *("latency_table_ms", "latency_psth_ms", "latency_consistency_ms", "self_consistency", "p"),
        *("face_selectivity", "face_selectivity_low", "face_selectivity_high"),
    ]
    assert table["neuroid_id"].tolist() == ["Pa210101_1", "Pa210101_2", "Pa210101_30a"]
    assert table["stable"].tolist() == [True, True, False]
    assert table["n_spikes"].tolist() == [len(times) for times in SPIKES]
    np.testing.assert_allclose(table["rate_hz"], table["n_spikes"] / 200)
    np.testing.assert_array_equal(table["reliability"], [0.9, np.nan, np.nan])
    assert table["latency_psth_ms"][0] == pytest.approx(60, abs=5)
    assert table["latency_table_ms"].tolist() == [55, 65, 75]
    assert UNITS.columns.tolist() == ["unit", "channel", "region"]  # the caller's table is as it was


def test_without_a_field_or_labels_no_preference_is_known():
    index = prefer_faces(SESSION, FIELDS, np.array([10.0, 10.0]), REGIONS, 10, 0)
    assert np.isfinite(index[:, :2]).all() and np.isnan(index[:, 2]).all()
    unseen = SESSION._replace(name="An210101")  # a monkey whose images nobody looked through
    assert np.isnan(prefer_faces(unseen, FIELDS, np.array([10.0, 10.0]), REGIONS, 10, 0)).all()


def test_which_units_are_selective_depends_on_all_sessions(table):
    other = table.assign(session="Pb", p=0.9)
    joined = join_units([table, other])
    q, selective = visually_selective(joined["self_consistency"].to_numpy(), joined["p"].to_numpy())
    assert joined.columns.tolist()[13:16] == ["p", "q", "visually_selective"]
    np.testing.assert_array_equal(joined["q"], q)
    assert joined["visually_selective"].tolist() == selective.tolist()
    assert joined["q"][0] > join_units([table])["q"][0]


@pytest.mark.parametrize("bin_ms", [10, 70])
def test_events_whose_window_leaves_the_recording_are_left_out(bin_ms):
    psth = session_psth("Pa210101", USED, UNITS["unit"], SPIKES, T, bin_ms)
    inside = ONSET.max() + STOP_MS <= T and ONSET.min() + START_MS >= 0
    assert inside and psth["n_events"].values.tolist() == [N, N // 4]
    assert psth["time"].values.tolist() == list(range(START_MS, START_MS + 600 // bin_ms * bin_ms, bin_ms))
    cut = session_psth("Pa210101", USED, UNITS["unit"], SPIKES, int(ONSET[-1]) + STOP_MS - 1, bin_ms)
    assert cut["n_events"].values.tolist() == [N - 1, N // 4]
    evoked = psth["rate"].sel(event="fixation", unit="2", time=slice(60, 190))
    assert float(evoked.mean()) == pytest.approx(25, rel=0.15)

"""Alignment, counting and averaging of the free-viewing recordings, on examples that are easy to compute by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ventral.data.xiao.files import spike_times
from ventral.data.xiao.fixations import (
    FIXATION_COLUMNS,
    align_fixations,
    choose_fixations,
    read_fixations,
    used_fixations,
)
from ventral.data.xiao.responses import count_spikes, fixation_rates, is_stable, session_responses
from ventral.data.xiao.selectivity import self_consistency
from ventral.files.errors import InputError
from ventral.scores.ceilings import noise_ceiling

SIZE = np.array([10.0, 6.0])


def align(fixations, *, latency=0.0, length=1e5, presentations=((1.0, 2.0, 0), (5.0, 6.0, 2)), size=SIZE):
    """Align (start, stop, trial, x, y) to images `a`, `b`, ... at the centre of the screen."""
    gaze = pd.DataFrame(fixations, columns=["start_time", "stop_time", "trial_id", "x", "y"])
    shown = pd.DataFrame(presentations, columns=["start_time", "stop_time", "trial_id"])
    shown = shown.assign(x=0.0, y=0.0, stimulus_id=list("abcdef")[: len(shown)])
    return align_fixations("An220105", gaze, shown, size, latency, length)


# ---- fixations


def test_a_fixation_goes_to_the_presentation_of_its_trial_not_of_its_row():
    gaze = [(0.9, 1.25, 0, 0, 0), (1.3, 1.6, 0, 1, -1), (2.0, 2.4, 1, 2, 0), (5.2, 5.5, 2, 3, 2)]
    gaze = pd.DataFrame(gaze, columns=["start_time", "stop_time", "trial_id", "x", "y"])
    shown = [(1.0, 2.0, 0, 0, 0, "12"), (5.0, 6.0, 2, 1, -1, "0a")]
    shown = pd.DataFrame(shown, columns=["start_time", "stop_time", "trial_id", "x", "y", "stimulus_id"])
    aligned = align_fixations("An220105", gaze, shown, SIZE, 0, 1e5)
    assert list(aligned) == list(FIXATION_COLUMNS)
    assert aligned["trial_id"].tolist() == [0, 0, 2]
    assert aligned["stimulus_id"].tolist() == ["12", "12", "0a"]
    assert aligned["x_dva"].tolist() == [0, 1, 2]
    assert aligned["y_dva"].tolist() == [0, -1, 3]
    assert set(aligned["session"]) == {"An220105"}


def test_zeroth_fixation_is_clipped_to_the_onset_and_counts_as_zero():
    aligned = align([(0.9, 1.25, 0, 0, 0), (1.3, 1.6, 0, 0, 0), (5.2, 5.5, 2, 0, 0), (5.6, 5.9, 2, 0, 0)])
    assert aligned["zeroth"].tolist() == [True, False, False, False]
    assert aligned["fixation"].tolist() == [0, 1, 1, 2]
    assert aligned["previous"].tolist() == [-1, 0, -1, 2]
    np.testing.assert_allclose(aligned["onset_ms"], [1000, 1300, 5200, 5600])
    np.testing.assert_allclose(aligned["duration_ms"], [250, 300, 300, 300])
    np.testing.assert_allclose(aligned["trial_time_ms"], [0, 300, 200, 600])


def test_rows_are_in_order_of_time_and_previous_stays_within_the_trial():
    aligned = align([(5.2, 5.5, 2, 0, 0), (1.5, 1.8, 0, 0, 0), (1.1, 1.4, 0, 0, 0), (5.6, 5.9, 2, 0, 0)])
    assert aligned["trial_id"].tolist() == [0, 0, 2, 2]
    assert aligned["previous"].tolist() == [-1, 0, -1, 2]


@pytest.mark.parametrize(
    ("start", "stop", "kept"),
    [
        (0.5, 1.0, False),  # ends as the image comes on
        (0.5, 1.125, True),
        (1.0, 1.5, True),  # begins as the image comes on: zeroth
        (2.0, 2.5, True),  # begins as the image goes off
        (2.125, 2.5, False),
    ],
)
def test_bounds_of_a_presentation(start, stop, kept):
    aligned = align([(start, stop, 0, 0, 0)])
    assert len(aligned) == kept
    assert aligned["zeroth"].tolist() == [start <= 1.0] * kept


@pytest.mark.parametrize(
    ("x", "y", "inside"), [(4.99, 2.99, True), (5, 0, False), (-5, 0, False), (0, 3, False), (np.nan, 0, False)]
)
def test_selected_lie_strictly_inside_the_image(x, y, inside):
    assert align([(1.25, 1.5, 0, x, y)])["selected"].tolist() == [inside]


@pytest.mark.parametrize(
    ("start", "stop", "selected"),
    [
        (1.25, 1.3125, False),
        (1.25, 1.375, True),
        (0.4375, 1.375, False),
        (0.5, 1.375, True),
        (1.25, 9.5, True),
        (1.25, 9.5625, False),
    ],
)
def test_selected_last_100_ms_and_keep_500_ms_from_both_ends(start, stop, selected):
    aligned = align([(start, stop, 0, 0, 0)], presentations=[(0.25, 9.75, 0)], length=10_000)
    assert aligned["selected"].tolist() == [selected]
    assert not aligned["zeroth"].any()


def test_latency_of_the_tracker_is_subtracted_from_both_ends():
    late = align([(1.05, 1.5, 0, 0, 0)], latency=100)
    assert late["zeroth"].tolist() == [True]
    assert late["offset_ms"].tolist() == pytest.approx([1400])
    assert late["duration_ms"].tolist() == pytest.approx([400])
    assert not align([(1.05, 1.5, 0, 0, 0)])["zeroth"].any()


def test_no_aligned_fixation_gives_an_empty_table():
    assert list(align([(8.0, 8.5, 0, 0, 0)])) == list(FIXATION_COLUMNS)


def test_fixations_come_back_from_csv(tmp_path):
    aligned = align([(0.9, 1.25, 0, 0.1, 1 / 3), (5.2, 5.5, 2, np.nan, 0)]).assign(stimulus_id=["0012", "1e10"])
    aligned.to_csv(tmp_path / "fixations.csv", index=False)
    pd.testing.assert_frame_equal(read_fixations(tmp_path / "fixations.csv"), aligned, check_exact=True)
    path = tmp_path / "short.csv"
    path.write_text("session,trial_id\nAn220105,1\n")
    with pytest.raises(InputError, match=r"short\.csv: fixation: column missing"):
        read_fixations(path)


@given(shown=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), n=st.integers(1, 45), seed=st.integers(0, 99))
def test_fixations_are_chosen_in_rounds_over_the_images(shown, n, seed):
    used = pd.DataFrame({"session": "An220105", "stimulus_id": shown}, index=range(2, 2 * len(shown) + 2, 2))
    chosen = choose_fixations(used, n, seed)
    assert len(chosen) == min(n, len(shown)) and chosen.index.is_monotonic_increasing
    assert chosen["fixation_id"].tolist() == [f"An220105_{row:05d}" for row in chosen.index]
    counts = chosen["stimulus_id"].value_counts().reindex(sorted(set(shown)), fill_value=0)
    left = used["stimulus_id"].value_counts().reindex(counts.index) > counts  # where there were more to choose
    assert counts.max() <= counts[left].min() + 1 or not left.any()
    pd.testing.assert_frame_equal(chosen, choose_fixations(used, n, seed))


# ---- spikes


@given(counts=arrays(np.uint8, st.integers(1, 60), elements=st.sampled_from([0, 0, 0, 1, 2, 255])), data=st.data())
def test_counts_by_search_equal_dense_sums(counts, data):
    width = data.draw(st.integers(1, len(counts)))
    start = np.array(data.draw(st.lists(st.integers(0, len(counts) - width), max_size=5)), dtype=np.int64)
    times = spike_times(counts)
    assert len(times) == counts.sum(dtype=np.int64)
    dense = [counts[i : i + width].sum(dtype=np.int64) for i in start]
    assert count_spikes(times, start, width).tolist() == dense


def test_rates_against_a_loop_over_bins():
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.2, (2000, 3)).astype(np.uint8)
    onset, latency = rng.uniform(100, 1500, 40), np.array([40.0, 50.5, 65.0])
    rates = fixation_rates(onset, [spike_times(c) for c in counts.T], latency, 150, 2000)
    for i, t in enumerate(onset):
        for u, delay in enumerate(latency):
            first = round(t + delay)  # Python rounds half to even
            assert rates[i, u] == pytest.approx(sum(map(int, counts[first : first + 150, u])) / 0.15)


def test_windows_begin_at_the_bin_rounded_half_to_even():
    spikes = [np.array([2, 3, 3])]
    rates = fixation_rates(np.array([0.5, 1.5, 2.5, 3.5]), spikes, np.array([0.0]), 1, 10)
    assert rates[:, 0].tolist() == [0, 1000, 1000, 0]


@pytest.mark.parametrize("onset", [-40.0, 95.0])
def test_a_window_beyond_the_recording_is_refused(onset):
    with pytest.raises(InputError, match=r"config: latency_ms and window_ms: windows leave the recording of 100 ms"):
        fixation_rates(np.array([onset]), [np.array([5])], np.array([0.0]), 10, 100)


@pytest.mark.parametrize(
    ("early", "late", "stable"),
    [(0, 0, False), (5, 0, False), (10, 10, True), (30, 10, True), (31, 10, False), (10, 30, True), (10, 31, False)],
)
def test_unstable_units(early, late, stable):
    counts = np.zeros(200, np.uint8)
    counts[:early] = 1
    counts[100 : 100 + late] = 1
    assert is_stable(spike_times(counts), 200) == stable


# ---- responses


def respond(aligned, spikes, kind="all", latency=(50.0, 50.0, 50.0), n_fixations=None):
    units = pd.DataFrame({"unit": ["1", "1a", "33"], "region": "V1", "array": "1", "hemisphere": "L"})
    return session_responses(
        "An220105",
        aligned,
        units,
        spikes,
        100_000,
        latency_ms=np.array(latency),
        window_ms=200,
        kind=kind,
        seed=3,
        n_fixations=n_fixations,
        source="Xiao et al. 2024, DANDI 000628",
    )


@pytest.fixture
def session():
    """Four images in eight trials of two fixations, and the spikes of three units, the second silent at the images."""
    trials = [(10.0 * (k + 1), 10.0 * (k + 1) + 2, k) for k in range(8)]
    gaze = [(t + dt, t + dt + 0.4, k, 0, 0) for t, _, k in trials for dt in (-0.1, 0.5)]
    aligned = align(gaze, presentations=[(*trials[k][:2], k) for k in range(6)])
    aligned["stimulus_id"] = aligned["trial_id"].map(dict(enumerate("cabbac")))
    rng = np.random.default_rng(5)
    busy = [np.sort(rng.integers(0, 100_000, 20_000)) for _ in range(2)]
    return aligned, [busy[0], np.array([1, 2, 99_998, 99_999]), busy[1]]


def test_responses_are_means_over_the_fixations_on_each_image(session):
    aligned, spikes = session
    for kind in ("all", "zeroth", "nonzeroth"):
        responses = respond(aligned, spikes, kind)
        assert responses["stimulus_id"].values.tolist() == ["a", "b", "c"]
        assert responses["neuroid_id"].values.tolist() == ["An220105_1", "An220105_33"]
        assert (responses["n_presentations"] == 2).all()  # of which fixations are no more than parts
        for image in "abc":
            used = aligned[
                (aligned["stimulus_id"] == image) & ((kind == "all") | (aligned["zeroth"] == (kind == "zeroth")))
            ]
            counts = [((spikes[0] >= t + 50) & (spikes[0] < t + 250)).sum() for t in np.rint(used["onset_ms"])]
            found = float(responses["rate"][responses["stimulus_id"] == image, 0].item())
            assert found == pytest.approx(np.mean(counts) / 0.2)
    assert responses.attrs == {"source": "Xiao et al. 2024, DANDI 000628", "units": "Hz", "window_ms": (50.0, 250.0)}


def test_halves_keep_presentations_whole(session):
    aligned, spikes = session
    halves = respond(aligned, spikes)["rate_half"].values[:, :, 0]
    start = np.rint(aligned["onset_ms"] + 50).to_numpy(dtype=np.int64)
    rate = pd.Series(count_spikes(spikes[0], start, 200) / 0.2)
    by_trial = rate.groupby([aligned["stimulus_id"], aligned["trial_id"]]).mean()
    for i, image in enumerate("abc"):
        for pair in halves[:, i].reshape(-1, 2):
            assert sorted(pair) == pytest.approx(sorted(by_trial[image]))


def test_latencies_of_its_own_leave_no_common_window(session):
    responses = respond(*session, latency=(50.0, 50.0, 60.0))
    assert "window_ms" not in responses.attrs
    assert responses["latency_ms"].values.tolist() == [50, 60]


def test_a_session_without_fixations_or_units_is_refused(session):
    aligned, spikes = session
    with pytest.raises(InputError, match=r"session An220105: responses: 0 zeroth fixations and 3 stable units"):
        respond(aligned[~aligned["zeroth"]], spikes, "zeroth")
    with pytest.raises(InputError, match=r"12 all fixations and 0 stable units"):
        respond(aligned, [np.array([1])] * 3)


def test_responses_are_the_same_again(session):
    assert respond(*session).identical(respond(*session))


def test_responses_to_single_fixations_have_the_reliability_of_pairs_at_one_place(session):
    aligned, spikes = session
    responses = respond(aligned, spikes, n_fixations=7)
    chosen = choose_fixations(used_fixations(aligned, "all"), 7, 3)
    assert responses["stimulus_id"].values.tolist() == chosen["fixation_id"].tolist()
    assert responses["image_id"].values.tolist() == chosen["stimulus_id"].tolist()
    latency = np.array([50.0, 50.0])
    rates = fixation_rates(chosen["onset_ms"].to_numpy(), spikes[::2], latency, 200, 100_000)
    np.testing.assert_array_equal(responses["rate"].values, rates)
    everything = fixation_rates(aligned["onset_ms"].to_numpy(), spikes[::2], latency, 200, 100_000)
    image, x, y = (aligned[name].to_numpy() for name in ("stimulus_id", "x_dva", "y_dva"))
    np.testing.assert_array_equal(responses["reliability"].values, self_consistency(everything, image, x, y))
    assert (responses["n_presentations"] == 1).all()
    assert np.isnan(responses["reliability_sd"]).all() and np.isnan(responses["rate_half"]).all()
    signal, noise = responses["signal_variance"].values, responses["noise_variance"].values
    ceiling = noise_ceiling(signal, noise, responses["n_presentations"].values)
    np.testing.assert_allclose(ceiling, responses["reliability"].values)
    np.testing.assert_allclose(signal + noise, everything.var(axis=0, ddof=1))

"""Which sessions share an RDM: sessions with different images, missing trials, too few stimuli or neuroids."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import squareform

from ventral.data.responses import OF_NEUROIDS, reduce_presentations
from ventral.gram.matrix import gram_of
from ventral.similarity.file import read_comparisons, read_left_out, read_rdms, write_similarity
from ventral.similarity.measures import spearman
from ventral.similarity.rdms import correlation_rdm, neural_rdm, paired_rdm, shared_stimuli
from ventral.similarity.regions import left_out, region_rdms

N, TIMES = 24, 4
FEATURES = np.random.default_rng(7).normal(size=(N, 40))


def recorded(session: str, lost=lambda trials: None) -> xr.Dataset:
    """Neuroids tuned to `FEATURES`, shown all images four times; `lost` sets trials (repeat, stimulus, neuroid) to NaN.

    Args:
        session: a letter a neuroid.
        lost: what is missing.
    """
    rng = np.random.default_rng(1)
    tuned = FEATURES @ rng.normal(size=(40, len(session)))
    trials = tuned + 3 * rng.normal(size=(TIMES, *tuned.shape))
    lost(trials)
    rows, stimulus = trials.reshape(-1, len(session)), np.tile(np.arange(N), TIMES)
    reduced = reduce_presentations(rows, stimulus, N, 0)
    return xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), reduced["rate"]),
            "rate_half": (("half", "stimulus", "neuroid"), reduced["rate_half"]),
            "n_presentations": (("stimulus", "neuroid"), reduced["n_presentations"]),
        },
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
            "region": ("neuroid", ["V4"] * len(session)),
            "session": ("neuroid", list(session)),
            **{name: ("neuroid", reduced[name]) for name in OF_NEUROIDS},
        },
        attrs={"source": "files: x.npy"},
    )


def only(first, images):
    """Trials of neuroids from `first` on are of some images alone."""

    def lose(trials):
        trials[:, np.setdiff1d(np.arange(N), images), first:] = np.nan

    return lose


def halves(trials):
    trials[:, N // 2 :, :5] = np.nan
    trials[:, : N // 2, 5:] = np.nan


def scattered(trials):
    trials[np.random.default_rng(2).random(trials.shape) < 0.55] = np.nan


def no_trial_of_one_image(trials):
    trials[:, 3] = np.nan


def repeats_in_one_session(trials):
    halves(trials)
    trials[1:, N // 2 :] = np.nan


def compared(path, responses):
    models = [("net", "layer", gram_of(FEATURES))]
    write_similarity(path, responses, region_rdms(responses), models, 50, 0, lacking=left_out(responses))
    return read_comparisons(path, "d")


def test_sessions_that_showed_different_images_have_rdms_of_their_own(tmp_path):
    responses = recorded("AAAAABBBBB", halves)
    a, b = region_rdms(responses)
    assert (a.region, b.region, a.area) == ("V4 A", "V4 B", "V4")
    np.testing.assert_array_equal(a.stimuli, range(N // 2))
    np.testing.assert_array_equal(b.stimuli, range(N // 2, N))
    alone = neural_rdm(responses["rate"].values[: N // 2, :5])
    np.testing.assert_allclose(a.rdm, alone, atol=1e-12)
    table = compared(tmp_path / "s.h5", responses)
    assert set(table["region"]) == {"V4 A", "V4 B", "V4"}
    assert table.loc[table["region"] == "V4", "spearman"].item() > 0.1
    assert left_out(responses) == {}


def test_sessions_that_share_most_images_are_one_region():
    (region,) = region_rdms(recorded("AAAAABBBBB", only(5, np.arange(16))))
    assert (region.region, region.area, len(region.stimuli)) == ("V4", "", 16)


@pytest.mark.parametrize("images", [[4, 5], [4], []])
def test_a_session_of_too_few_images_is_left_out_and_named(tmp_path, images):
    responses = recorded("AAAAABBBBB", only(5, images))
    table = compared(tmp_path / "s.h5", responses)
    assert list(left_out(responses)) == ["V4 B"]
    assert set(table["region"]) == {"V4 A", "V4"}
    (row,) = read_left_out(tmp_path / "s.h5", "d").to_dict("records")
    assert row == {"dataset": "d", "region": "V4 B", "why": "no 3 stimuli were seen by the same 3 neuroids"}


@pytest.mark.parametrize("n", [1, 2])
def test_a_region_of_too_few_neuroids_has_no_rdm_and_the_file_is_written(tmp_path, n):
    responses = recorded("A" * n)
    assert compared(tmp_path / "s.h5", responses).empty
    assert f"only {n} neuroid" in left_out(responses)["V4"]
    assert read_rdms(tmp_path / "s.h5")[0] == []


def test_trials_missing_here_and_there_leave_an_rdm_over_the_neuroids_that_saw_both(tmp_path):
    responses = recorded("A" * 40, scattered)
    rates = responses["rate"].values
    assert 2 * np.isfinite(rates).all(axis=1).sum() < N
    (region,) = region_rdms(responses)
    assert (len(region.stimuli), region.inner) == (N, None)
    (whole,) = region_rdms(recorded("A" * 40))
    assert spearman(*(squareform(one.rdm, checks=False) for one in (region, whole))) > 0.6
    assert 0.2 < region.reliability < whole.reliability < 1
    (row,) = compared(tmp_path / "s.h5", responses).to_dict("records")
    assert row["low"] < row["spearman"] < row["high"]
    assert row["spearman"] > 0.3
    assert np.isnan(row["cka_unbiased"])


def test_an_image_of_which_all_trials_are_missing_costs_no_other():
    (region,) = region_rdms(recorded("AAAAA", no_trial_of_one_image))
    np.testing.assert_array_equal(region.stimuli, np.setdiff1d(np.arange(N), 3))


def test_one_session_alone_with_repeats_gives_the_ceiling(tmp_path):
    responses = recorded("AAAAABBBBB", repeats_in_one_session)
    a, b = region_rdms(responses)
    assert a.reliability > 0
    assert np.isnan(b.reliability)
    table = compared(tmp_path / "s.h5", responses).set_index("region")
    assert table.loc["V4", "ceiling"] == pytest.approx(np.sqrt(a.reliability))


def test_the_average_of_sessions_uses_only_comparisons_that_all_have(tmp_path):
    def lose(trials):
        halves(trials)
        gone = np.random.default_rng(3).random((N // 2, 20)) < 0.3
        trials[:, N // 2 :, 5:][:, gone] = np.nan

    responses = recorded("A" * 5 + "B" * 20, lose)
    table = compared(tmp_path / "s.h5", responses).set_index("region")
    assert np.isfinite(table.loc[["V4 A", "V4 B", "V4"], "spearman"]).all()
    assert table["cka_unbiased"].notna().to_dict() == {"V4 A": True, "V4 B": False, "V4": False}


def test_an_entry_is_the_correlation_over_the_neuroids_that_saw_both():
    rng = np.random.default_rng(4)
    rates = rng.normal(size=(9, 12)) + np.arange(12)
    rates[rng.random(rates.shape) < 0.3] = np.nan
    rdm = paired_rdm(rates)
    z = (rates - np.nanmean(rates, axis=0)) / np.nanstd(rates, axis=0)
    for i in range(9):
        for j in range(i):
            both = np.isfinite(z[i] + z[j])
            assert rdm[i, j] == pytest.approx(1 - np.corrcoef(z[i, both], z[j, both])[0, 1], abs=1e-9)
    np.testing.assert_array_equal(rdm, rdm.T)


def test_without_missing_trials_the_paired_rdm_is_the_plain_rdm():
    rates = np.random.default_rng(5).normal(size=(9, 12))
    np.testing.assert_allclose(paired_rdm(rates), neural_rdm(rates), atol=1e-9)
    np.testing.assert_allclose(correlation_rdm(gram_of(rates)).shape, (9, 9))


def test_three_neuroids_saw_both_stimuli_of_every_kept_pair():
    seen = np.random.default_rng(6).random((30, 8)) < 0.6
    kept = shared_stimuli(seen)
    assert ((seen[kept].astype(int) @ seen[kept].T.astype(int)) >= 3).all()
    assert 3 <= len(kept) < 30

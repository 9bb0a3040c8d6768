"""A whole real session, An220105 in V1, against numbers from an independent implementation of the authors' rules."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pynwb import NWBHDF5IO
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr, zscore

from ventral.data.responses import average_rows
from ventral.data.xiao.crops import field_centre
from ventral.data.xiao.files import (
    list_stems,
    locate_units,
    read_image_file,
    read_recording_ms,
    read_spike_times,
    session_stem,
    tracker_latency,
)
from ventral.data.xiao.fixations import align_fixations, used_fixations
from ventral.data.xiao.labels import list_regions
from ventral.data.xiao.responses import fixation_rates, is_stable, join_sessions, session_responses, unit_latencies
from ventral.files.errors import InputError
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.similarity.rdms import rdm_reliability

SESSION = "An220105"
STEM = "sub-An/sub-An_ses-20220105T173929"
BF_STEM = "sub-Bf/sub-Bf_ses-20211114T152023"


@pytest.fixture(scope="session")
def xiao(shared_data: Path) -> Path:
    return shared_data / "xiao"


def latency_of(session: str, xiao: Path) -> float:
    return tracker_latency(session, xiao / "db" / "sess_rig_info.csv", xiao / "db" / "rig_eye_latency.csv")


@pytest.fixture(scope="session")
def aligned(xiao: Path) -> pd.DataFrame:
    images = read_image_file(xiao / "000628" / f"{STEM}_image.nwb")
    length = read_recording_ms(xiao / "000628" / f"{STEM}.nwb")
    latency = latency_of(SESSION, xiao)
    return align_fixations(SESSION, images.fixations, images.presentations, images.size_dva, latency, length)


@pytest.fixture(scope="session")
def recording(xiao: Path) -> SimpleNamespace:
    path = xiao / "000628" / f"{STEM}.nwb"
    names, spikes, length = read_spike_times(path)
    units = locate_units(SESSION, names, xiao / "db" / "bank_array_regions.csv", path)
    return SimpleNamespace(units=units, spikes=spikes, length=length)


def respond(aligned: pd.DataFrame, recording: SimpleNamespace, kind: str = "all") -> xr.Dataset:
    return session_responses(
        SESSION,
        aligned,
        recording.units,
        recording.spikes,
        recording.length,
        latency_ms=np.full(len(recording.units), 50.0),
        window_ms=200,
        kind=kind,
        seed=1,
        source="files",
    )


def test_session_names_map_to_files_on_all_679_sessions(xiao):
    paths = pd.read_csv(xiao / "assets.csv")["path"]
    stems = paths[~paths.str.contains("_behavior|_image")].str.removesuffix(".nwb").tolist()
    table = pd.read_csv(xiao / "sessions_table.csv", dtype=str)
    found = [session_stem(name, xiao / "db" / "sessions.txt", stems, "assets.csv") for name in table["name"]]
    assert len(found) == 679
    assert found == [f"sub-{s}/sub-{s}_ses-{t}" for s, t in zip(table["sub"], table["ses"], strict=True)]
    # Monkey and date alone do not name these.
    naive = table["sub"] + table["ses"].str[2:8]
    assert (naive != table["name"]).sum() == 24


def test_session_file_in_a_folder_with_a_part_of_the_sessions(xiao):
    folder, sessions = xiao / "000628", xiao / "db" / "sessions.txt"
    stems = list_stems(folder)
    assert stems == [STEM, BF_STEM]
    assert session_stem(SESSION, sessions, stems, folder) == STEM
    assert session_stem("Bf211114", sessions, stems, folder) == BF_STEM
    with pytest.raises(InputError, match=r"sub-Pa_ses-20191024T\*\.nwb: 0 of the 2 sessions"):
        session_stem("Pa191024_1", sessions, stems, folder)


def test_every_session_has_a_tracker_latency_and_every_unit_a_region_and_latency(xiao):
    db = xiao / "db"
    names = (db / "sessions.txt").read_text().split()
    assert {latency_of(name, xiao) for name in names[::20]} == {5, 24, 37, 46}
    recorded = pd.read_csv(db / "units.csv.gz", dtype=str, keep_default_na=False)
    for session in ("Pa191024_1", "Bf211114", "Re210512"):
        expected = recorded[recorded["Session"] == session]
        units = locate_units(session, expected["Name"].tolist(), db / "bank_array_regions.csv", "units.csv.gz")
        assert units["bank"].astype(str).tolist() == expected["Bank"].tolist()
        assert units["array"].tolist() == expected["Array ID"].tolist()
        latencies = unit_latencies(session, units, db / "per_unit_latency-fix_on.csv.gz", "table")
        assert latencies.min() >= 40
        assert latencies.max() <= 190


def test_presentations_agree_with_pynwb(xiao):
    for stem in (STEM, BF_STEM):
        path = xiao / "000628" / f"{stem}_image.nwb"
        ours = read_image_file(path)
        with NWBHDF5IO(path, "r", load_namespaces=True) as io:
            file = io.read()
            table = file.intervals["presentations"].to_dataframe()
            shown = file.stimulus["presentations"].data[:]
            entries = file.stimulus_template["stimuli"].external_file[:]
            fixations = file.processing["behavior"]["fixations"].to_dataframe()
        columns = ["start_time", "stop_time", "trial_id"]
        np.testing.assert_array_equal(ours.presentations[columns], table[columns])
        np.testing.assert_array_equal(ours.presentations[["x", "y"]], np.stack(table["position"]))
        files = [str(entries[i]) for i in shown]
        assert [f"Stimuli/{stem}" for stem in ours.presentations["stimulus_id"]] == [f[:-4] for f in files]
        columns = ["start_time", "stop_time", "x", "y", "trial_id"]
        np.testing.assert_array_equal(ours.fixations[columns], fixations[columns])


def test_the_file_holds_all_trials_and_saccades(xiao):
    with NWBHDF5IO(xiao / "000628" / f"{STEM}_image.nwb", "r", load_namespaces=True) as io:
        file = io.read()
        assert len(file.intervals["trials"]) == 1223
        assert len(file.processing["behavior"]["saccades"]) == 6804


def test_aligned_and_selected_fixations(xiao, aligned):
    images = read_image_file(xiao / "000628" / f"{STEM}_image.nwb")
    assert (len(images.fixations), len(images.presentations), len(images.stimulus_ids)) == (6433, 855, 300)
    assert latency_of(SESSION, xiao) == 37
    assert (len(aligned), aligned["zeroth"].sum()) == (3720, 848)
    everywhere = np.array([np.inf, np.inf])
    args = (SESSION, images.fixations, images.presentations)
    lasting = align_fixations(*args, everywhere, 37, 3_383_185)
    assert lasting["selected"].sum() == 3452
    selected = aligned[aligned["selected"]]
    assert (len(selected), selected["zeroth"].sum(), selected["stimulus_id"].nunique()) == (3420, 845, 300)
    forgotten = align_fixations(*args, images.size_dva, 0, 3_383_185)
    assert forgotten["selected"].sum() == 3379


def test_second_session_aligns_at_149_positions(xiao):
    images = read_image_file(xiao / "000628" / f"{BF_STEM}_image.nwb")
    assert len(images.presentations[["x", "y"]].drop_duplicates()) == 149
    args = ("Bf211114", images.fixations, images.presentations, images.size_dva)
    aligned = align_fixations(*args, latency_of("Bf211114", xiao), np.inf)
    selected = aligned[aligned["selected"]]
    assert (len(aligned), aligned["zeroth"].sum()) == (8586, 1868)
    assert (len(selected), selected["zeroth"].sum(), selected["stimulus_id"].nunique()) == (6194, 433, 986)


def test_spikes_and_units(recording):
    assert recording.length == 3_383_185
    assert sum(map(len, recording.spikes)) == 1_148_257
    assert sum(is_stable(times, recording.length) for times in recording.spikes) == 35
    assert set(recording.units["region"]) == {"V1"}


def test_response_matrix(aligned, recording, shared_data):
    responses = respond(aligned, recording)
    rate = responses["rate"].values
    assert rate.shape == (300, 35)
    assert responses["stimulus_id"].values.tolist() == sorted(responses["stimulus_id"].values)
    assert rate.mean() == pytest.approx(11.18187568, abs=5e-9)
    assert np.linalg.norm(rate) == pytest.approx(1433.243517, abs=5e-7)
    cells = [rate[0, 0], rate[0, 12], rate[100, 20], rate[299, 34]]
    assert cells == pytest.approx([8.125, 18.75, 9.117647, 3.571429], abs=5e-7)
    regions = list_regions(shared_data / "xiao" / "db" / "ROIs" / "Stimuli")
    joined = join_sessions([responses], regions, {}, {"val": 0.1, "test": 0.2}, seed=0)
    assert set(joined["category_name"].values) == {"unknown"}  # nobody looked for faces in the stimuli of An
    np.testing.assert_array_equal(joined["rate"], rate)
    assert pd.Series(joined["split"].values).value_counts().to_dict() == {"train": 210, "test": 60, "val": 30}
    nonzeroth = respond(aligned, recording, "nonzeroth")
    assert nonzeroth.sizes["stimulus"] == 299
    assert float(nonzeroth["rate"].mean()) == pytest.approx(10.93472109, abs=5e-9)
    assert float(respond(aligned, recording, "zeroth")["rate"].mean()) == pytest.approx(12.02186508, abs=5.1e-9)


def test_dissimilarities(aligned, recording):
    rate = respond(aligned, recording)["rate"].values
    raw, scored = pdist(rate, "correlation"), pdist(zscore(rate), "correlation")
    assert raw.shape == (44_850,)
    assert (raw.mean(), scored.mean()) == pytest.approx((0.26545625, 1.00301258), abs=5e-9)
    assert spearmanr(raw, scored)[0] == pytest.approx(0.462, abs=5e-4)


def alternate(stimulus: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Deal the distinct values of `order` within each stimulus alternately into halves 0 and 1."""
    ranks = pd.Series(order).groupby(stimulus).rank("dense")
    return (ranks.to_numpy().astype(int) - 1) % 2


@pytest.mark.parametrize(
    ("by", "mean_r", "rdm_rho"), [("presentation", 0.111233, 0.1105), ("fixation", 0.23486, 0.7318)]
)
def test_halves_by_fixation_overstate_reliability(aligned, recording, by, mean_r, rdm_rho):
    used = used_fixations(aligned, "all")
    rates = fixation_rates(used["onset_ms"].to_numpy(), recording.spikes, np.full(35, 50.0), 200, recording.length)
    ids, stimulus = np.unique(used["stimulus_id"].to_numpy(dtype=str), return_inverse=True)
    half = alternate(stimulus, used["trial_id"].to_numpy() if by == "presentation" else np.arange(len(used)))
    means = average_rows(rates, stimulus + len(ids) * half, 2 * len(ids))[0].reshape(2, len(ids), -1)
    means = means[:, np.isfinite(means).all(axis=(0, 2))]
    assert pearson_r(means[0], means[1]).mean() == pytest.approx(mean_r, abs=5e-6 if by == "fixation" else 5e-7)
    rho = spearmanr(pdist(means[0], "correlation"), pdist(means[1], "correlation"))[0]
    assert rho == pytest.approx(rdm_rho, abs=5e-5)
    # The study's own: neuroids z-scored, and what two halves say of the whole (Spearman-Brown).
    scored = spearmanr(*(pdist(zscore(half), "correlation") for half in means))[0]
    assert rdm_reliability(means) == pytest.approx(2 * scored / (1 + scored), abs=1e-9)
    assert (rdm_reliability(means) < 0.2) == (by == "presentation")


def test_single_fixations_are_as_reliable_as_the_paper_found_units_consistent(aligned, recording, xiao):
    responses = session_responses(
        SESSION,
        aligned,
        recording.units,
        recording.spikes,
        recording.length,
        latency_ms=np.full(35, 60.0),
        window_ms=200,
        kind="all",
        seed=0,
        n_fixations=500,
        source="files",
    )
    assert responses["rate"].shape == (500, 35)
    counts = responses["image_id"].to_series().value_counts()
    assert len(counts) == 300 and counts.max() == 2
    reliability = responses.set_index(neuroid="neuroid_id")["reliability"].to_series()
    expected = {"An220105_30b": 0.425, "An220105_30": 0.279, "An220105_31": 0.229}
    assert reliability[list(expected)].to_dict() == pytest.approx(expected, abs=5e-4)
    assert field_centre(SESSION, xiao / "db" / "per_unit_rf.csv.gz").tolist() == [0, 0]  # known of one unit of 35
    assert field_centre("Bo200712", xiao / "db" / "per_unit_rf.csv.gz").tolist() == [-0.25, -0.5]

"""Files and tables of the free-viewing recordings: small correct ones, and each way to be wrong."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ventral.data.xiao.files import (
    list_stems,
    locate_units,
    read_image_file,
    read_recording_ms,
    read_spike_times,
    session_stem,
    tracker_latency,
)
from ventral.data.xiao.layout import FIXATIONS, RASTERS, UNIT_NAMES
from ventral.data.xiao.responses import unit_latencies
from ventral.files.errors import InputError


def image_file(path: Path, group: str = FIXATIONS[0], separator: str = "/", **changes) -> Path:
    """Two images, two presentations in trials 0 and 2, four fixations; `changes` replace datasets (None: left out)."""
    datasets = {
        f"{group}/start_time": np.array([0.9, 1.3, 2.0, 5.2]),
        f"{group}/stop_time": np.array([1.25, 1.6, 2.4, 5.5]),
        f"{group}/trial_id": np.array([0, 0, 1, 2], np.uint32),
        f"{group}/x": np.array([0.0, 1.0, 2.0, 3.0]),
        f"{group}/y": np.array([0.0, -1.0, 0.5, 2.0]),
        "intervals/presentations/start_time": np.array([1.0, 5.0]),
        "intervals/presentations/stop_time": np.array([2.0, 6.0]),
        "intervals/presentations/trial_id": np.array([0, 2], np.uint32),
        "intervals/presentations/position": np.array([[0.0, 0.0], [1.0, -1.0]]),
        "stimulus/presentation/presentations/data": np.array([1, 0], np.uint64),
        "stimulus/templates/stimuli/external_file": [f"Stimuli{separator}{stem}.png" for stem in ("0a", "12")],
        "stimulus/templates/stimuli/dimension": np.array([400, 240]),
        "general/stimulus": "[400, 240] pixels at [40.04, 40.04] pix per degree; 1 unique location(s)",
    }
    with h5py.File(path, "w") as file:
        for name, values in (datasets | changes).items():
            if values is not None:
                file[name] = values
    return path


def rasters_file(path: Path, counts: np.ndarray, names=("1", "1a", "33")) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(RASTERS, data=counts, chunks=(len(counts), *[1] * (counts.ndim - 1)), compression="gzip")
        file[UNIT_NAMES] = list(names)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_rasters_are_read_unit_by_unit(tmp_path):
    counts = np.zeros((50, 3), np.uint8)
    counts[[3, 7, 7], [0, 0, 2]] = [1, 2, 1]
    path = rasters_file(tmp_path / "rasters.nwb", counts)
    names, spikes, length = read_spike_times(path)
    assert (names, length, read_recording_ms(path)) == (["1", "1a", "33"], 50, 50)
    assert [times.tolist() for times in spikes] == [[3, 7, 7], [], [7]]


@pytest.mark.parametrize("group", FIXATIONS)
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_older_files_and_other_path_separators(tmp_path, group, separator):
    images = read_image_file(image_file(tmp_path / "image.nwb", group, separator))
    assert images.stimulus_ids == ["0a", "12"]
    assert len(images.fixations) == 4
    assert images.pixels_per_degree.tolist() == [40.04, 40.04]
    assert images.size_dva.tolist() == [10.0, 6.0]
    assert images.presentations["stimulus_id"].tolist() == ["12", "0a"]
    assert images.presentations[["trial_id", "x", "y"]].to_numpy().tolist() == [[0, 0, 0], [2, 1, -1]]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        (f"{FIXATIONS[0]}/x", None, "dataset missing"),
        (f"{FIXATIONS[0]}/trial_id", np.zeros(3, np.uint32), r"shape \(3,\) in place of 4"),
        ("intervals/presentations/stop_time", None, "dataset missing"),
        ("intervals/presentations/position", np.zeros((2, 3)), r"shape \(2, 3\) in place of 2 x 2"),
        ("intervals/presentations/trial_id", np.array([2, 2]), "two presentations in trial 2"),
        ("stimulus/presentation/presentations/data", np.array([0, 2]), "index 2 outside 2 external_file entries"),
        ("stimulus/templates/stimuli/external_file", None, "dataset missing"),
        ("stimulus/templates/stimuli/external_file", np.zeros(2), "float64 in place of text"),
        ("stimulus/templates/stimuli/dimension", np.array([400]), r"shape \(1,\) in place of 2"),
        ("general/stimulus", None, "dataset missing"),
        ("general/stimulus", "two images", "no pixels per degree in 'two images'"),
        ("general/stimulus", 3.0, "float64 in place of text"),
    ],
)
def test_bad_image_files(tmp_path, field, value, problem):
    path = image_file(tmp_path / "image.nwb", **{field: value})
    with pytest.raises(InputError, match=rf"image\.nwb: {field}: {problem}; [^\n]+$"):
        read_image_file(path)


@pytest.mark.parametrize(
    ("counts", "names", "field", "problem"),
    [
        (np.zeros((20, 3), np.uint16), ("1", "2", "3"), RASTERS, "uint16 in place of uint8 counts"),
        (np.zeros(20, np.uint8), ("1",), RASTERS, r"shape \(20,\) in place of n x n"),
        (np.zeros((20, 3), np.uint8), ("1", "2"), UNIT_NAMES, r"shape \(2,\) in place of 3"),
        (np.zeros((20, 2), np.uint8), ("1", "1"), UNIT_NAMES, "unit named twice"),
    ],
)
def test_bad_rasters_files(tmp_path, counts, names, field, problem):
    path = rasters_file(tmp_path / "rasters.nwb", counts, names)
    with pytest.raises(InputError, match=rf"rasters\.nwb: {field}: {problem}; "):
        read_spike_times(path)


def test_missing_and_truncated_files(tmp_path):
    with pytest.raises(InputError, match=r"none\.nwb: NWB file: no such file; "):
        read_image_file(tmp_path / "none.nwb")
    counts = np.random.default_rng(0).integers(0, 2, (5000, 3)).astype(np.uint8)
    path = rasters_file(tmp_path / "rasters.nwb", counts)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(InputError, match=r"rasters\.nwb: NWB file: truncated or damaged; "):
        read_spike_times(path)


def test_damage_within_the_rasters_is_met_while_reading(tmp_path):
    counts = np.random.default_rng(0).integers(0, 2, (5000, 3)).astype(np.uint8)
    path = rasters_file(tmp_path / "rasters.nwb", counts)
    with h5py.File(path) as file:
        chunk = file[RASTERS].id.get_chunk_info(1)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"rasters\.nwb: NWB file: truncated or damaged; "):
        read_spike_times(path)


def test_sessions_map_by_their_order_within_the_day(tmp_path):
    names = write(tmp_path / "sessions.txt", "Na210822\nNa210823\nNa210823_1\nBf210823\n")
    folder = tmp_path / "000628"
    for stem in ("Na/sub-Na_ses-20210823T160648", "Na/sub-Na_ses-20210823T164250", "Bf/sub-Bf_ses-20210823T100000"):
        path = folder / f"sub-{stem}_image.nwb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.with_name(path.name.replace("_image", "")).touch()
        path.with_name(path.name.replace("_image", "_behavior")).touch()
    stems = list_stems(folder)
    assert len(stems) == 3
    assert session_stem("Na210823", names, stems, folder) == "sub-Na/sub-Na_ses-20210823T160648"
    assert session_stem("Na210823_1", names, stems, folder) == "sub-Na/sub-Na_ses-20210823T164250"
    with pytest.raises(
        InputError, match=r"000628: sub-Na/sub-Na_ses-20210823T\*\.nwb: 1 of the 2 sessions .*Na210823_1"
    ):
        session_stem("Na210823", names, stems[:2], folder)
    with pytest.raises(InputError, match=r"sessions\.txt: Na210832: unknown session; did you mean Na210823\?"):
        session_stem("Na210832", names, stems, folder)
    with pytest.raises(InputError, match=r"none\.txt: sessions: cannot be read"):
        session_stem("Na210823", tmp_path / "none.txt", stems, folder)


def test_tracker_latency_by_rig_and_tracker(tmp_path):
    rigs = write(
        tmp_path / "rigs.csv", "Name,Eye tracker,Rig\nAn220105,None,3\nBf211114,SR Research EyeLink,2\nCo1,None,9\n"
    )
    delays = write(tmp_path / "delays.csv", "Rig,Tracker,Latency\n2,None,46\n2,EyeLink,5\n3,None,x\n")
    assert tracker_latency("Bf211114", rigs, delays) == 5
    with pytest.raises(InputError, match=r"rigs\.csv: Bf211115: unknown session; did you mean Bf211114\?"):
        tracker_latency("Bf211115", rigs, delays)
    with pytest.raises(InputError, match=r"delays\.csv: rig 9 None: no latency for Co1; known are: rig 2 None, "):
        tracker_latency("Co1", rigs, delays)
    with pytest.raises(InputError, match=r"delays\.csv: Latency of rig 3 None: not a number"):
        tracker_latency("An220105", rigs, delays)
    with pytest.raises(InputError, match=r"none\.csv: table: no such file"):
        tracker_latency("An220105", tmp_path / "none.csv", delays)
    with pytest.raises(InputError, match=r"empty\.csv: table: not a readable CSV table"):
        tracker_latency("An220105", write(tmp_path / "empty.csv", ""), delays)


def test_units_are_located_by_bank_and_take_their_latency(tmp_path):
    banks = write(
        tmp_path / "banks.csv",
        "Session,Bank,Array ID,Hemisphere,Region\nAn220105,1,6,R,AIT\nBf211114,0,5,R,CIT\nAn220105,0,1,L,V1\n"
        "An220105,3,2,L,TEO\n",
    )
    units = locate_units("An220105", ["1", "32b", "33", "64"], banks, "rasters.nwb")
    assert units["channel"].tolist() == [1, 32, 33, 64]
    assert units["bank"].tolist() == [0, 0, 1, 1]
    assert units["region"].tolist() == ["V1", "V1", "AIT", "AIT"]
    assert units[["array", "hemisphere"]].iloc[2].tolist() == ["6", "R"]
    with pytest.raises(InputError, match=rf"rasters\.nwb: {UNIT_NAMES}: unit 'a30' does not begin with a channel"):
        locate_units("An220105", ["a30"], banks, "rasters.nwb")
    with pytest.raises(InputError, match=r"banks\.csv: An220105, bank 2: no region for unit 65a"):
        locate_units("An220105", ["65a"], banks, "rasters.nwb")

    latencies = write(
        tmp_path / "latencies.csv",
        "Session,Name,Latency\nAn220105,1,5\nAn220105,32b,65\nBf211114,33,70\nAn220106,64,90\n",
    )
    assert unit_latencies("An220105", units, latencies, "table").tolist() == [40, 65, 100, 100]
    assert unit_latencies("An220105", units, latencies, 50).tolist() == [50] * 4
    unknown = locate_units("An220105", ["97"], banks, "rasters.nwb")
    with pytest.raises(InputError, match=r"latencies\.csv: An220105, unit 97: no latency, .* for region TEO"):
        unit_latencies("An220105", unknown, latencies, "table")

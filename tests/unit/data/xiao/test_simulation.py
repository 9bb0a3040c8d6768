"""The simulated dandiset: our readers accept its files, and recover the true tuning."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import spearmanr

from ventral.data.scenes.compose import PAREIDOLIA, SIZE, Placed, Scene
from ventral.data.scenes.objects import FAMILIES, OBJECTS, build, rotation
from ventral.data.scenes.render import render
from ventral.data.xiao.files import (
    list_stems,
    locate_units,
    read_image_file,
    read_spike_times,
    session_stem,
    tracker_latency,
)
from ventral.data.xiao.fixations import align_fixations
from ventral.data.xiao.labels import list_regions
from ventral.data.xiao.layout import FIXATIONS
from ventral.data.xiao.responses import fixation_rates, is_stable, join_sessions, session_responses, unit_latencies
from ventral.data.xiao.selectivity import psth_latency
from ventral.data.xiao.simulated_sessions import RECORDINGS, SESSIONS, SIMULATED_FOLDERS, simulated_files
from ventral.data.xiao.simulated_units import it_drive, v4_drive
from ventral.data.xiao.simulation import simulate_dandiset
from ventral.faces.task import HIGH_VARIATION, face_task
from ventral.files.csv import read_columns

UNITS = 14
TINY = {"n_stimuli": 12, "minutes": 0.5, "n_units": 5}
CORRECTED = [name for name, recording in RECORDINGS.items() if recording.delay_ms > 20]


@pytest.fixture(scope="module")
def dandiset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "xiao"
    simulate_dandiset(folder, n_stimuli=90, minutes=6, n_units=UNITS, seed=0)
    return folder


@pytest.fixture(scope="module")
def truth(dandiset):
    tables = {path.stem: pd.read_csv(path, dtype={"unit": str}) for path in (dandiset / "truth").iterdir()}
    tables["responses"] = tables["responses"].set_index("stimulus_id")
    return SimpleNamespace(**tables)


@pytest.fixture(scope="module")
def sessions(dandiset):
    """Every session as our readers see it, by the authors' tables."""
    recorded, db, found = dandiset / "000628", dandiset / "db", {}
    for session in SESSIONS:
        stem = session_stem(session, db / "sessions.txt", list_stems(recorded), recorded)
        assert stem == SESSIONS[session]
        names, spikes, length = read_spike_times(recorded / f"{stem}.nwb")
        units = locate_units(session, names, db / "bank_array_regions.csv", stem)
        found[session] = SimpleNamespace(
            image=read_image_file(recorded / f"{stem}_image.nwb"),
            delay=tracker_latency(session, db / "sess_rig_info.csv", db / "rig_eye_latency.csv"),
            spikes=spikes,
            length=length,
            units=units,
            latency=unit_latencies(session, units, db / "per_unit_latency-fix_on.csv.gz", "table"),
        )
    return found


def align(name, session, delay=None):
    image = session.image
    delay = session.delay if delay is None else delay
    return align_fixations(name, image.fixations, image.presentations, image.size_dva, delay, session.length)


@pytest.fixture(scope="module")
def responses(sessions):
    options = {"window_ms": 200, "kind": "all", "seed": 0, "source": "simulated"}
    return {
        name: session_responses(name, align(name, s), s.units, s.spikes, s.length, latency_ms=s.latency, **options)
        for name, s in sessions.items()
    }


def steepest_rise(spikes, onset_ms, length):
    """In ms from onset, before it too: a delay that is not corrected may bring a response there."""
    train = np.bincount(spikes, minlength=length)
    start = np.rint(onset_ms).astype(int)
    total = np.cumsum([0.0] + [train[start + t].mean() for t in range(-60, 180)])
    return int(np.argmax(total[40:] - 2 * total[20:-20] + total[:-40])) + 20 - 60


# ---- files


def test_files_are_those_that_are_named(dandiset):
    files = {path.relative_to(dandiset).as_posix() for path in dandiset.rglob("*") if path.is_file()}
    rest = {file for file in files if not file.startswith(SIMULATED_FOLDERS)}
    assert rest == set(simulated_files())
    assert len(files - rest) == 90 + 9 + 8  # the stimuli, and masks: of monkeys, of what only looks like a face
    assert [path.name for path in dandiset.parent.iterdir()] == ["xiao"]


def test_same_seed_same_bytes(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate_dandiset(tmp_path / name, **TINY, seed=seed)
    first, again, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / name for name in "abc")
    )
    assert first == again
    stem = f"000628/{SESSIONS['Sc240103']}"
    for name in (f"{stem}.nwb", f"{stem}_image.nwb", "truth/responses.csv", "db/similar_images.txt"):
        assert first[Path(name)] != other[Path(name)]


def test_a_second_run_leaves_nothing_of_the_first(tmp_path):
    for seed in (0, 1):
        simulate_dandiset(tmp_path / "xiao", **TINY, seed=seed)
    assert len(list((tmp_path / "xiao/Stimuli").iterdir())) == 12


def test_stimuli_are_named_by_their_bytes(dandiset):
    for path in (dandiset / "Stimuli").iterdir():
        assert hashlib.md5(path.read_bytes()).hexdigest() == path.stem


def test_rasters_have_the_layout_of_the_real_ones(dandiset):
    with h5py.File(dandiset / f"000628/{SESSIONS['Sc240103']}.nwb") as file:
        rasters = file["processing/ecephys/rasters/data"]
        assert rasters.shape == (360_000, UNITS) and rasters.chunks == (360_000, 1)
        assert rasters.dtype == np.uint8 and rasters.compression == "gzip" and rasters[:].max() > 1
        assert file["processing/ecephys/rasters/starting_time"].attrs["rate"] == 0.001


def test_pynwb_reads_every_file(dandiset):
    pynwb = pytest.importorskip("pynwb")
    for path in (dandiset / "000628").rglob("*.nwb"):
        with pynwb.NWBHDF5IO(path, "r") as file:
            assert file.read().subject.subject_id == path.name[4:6]


def test_one_session_has_the_older_layout(dandiset, sessions):
    name = "Sb240102_2"
    with h5py.File(dandiset / f"000628/{SESSIONS[name]}_image.nwb") as file:
        assert FIXATIONS[0] not in file and FIXATIONS[1] in file
    assert len(sessions[name].image.fixations) > 500


def test_the_word_none_is_a_tracker(dandiset, sessions):
    assert {name: session.delay for name, session in sessions.items()} == {
        "Sa240101": 37, "Sb240102_1": 5, "Sb240102_2": 46, "Sc240103": 24,
    }  # fmt: skip
    rigs = read_columns(dandiset / "db/sess_rig_info.csv", ["Eye tracker"])
    assert rigs["Eye tracker"].tolist() == ["None", "SR Research EyeLink", "None", "None"]


def test_regions_go_by_bank(sessions):
    regions = {name: session.units.groupby("bank")["region"].first().tolist() for name, session in sessions.items()}
    assert regions == {"Sa240101": ["V4"], "Sb240102_1": ["CIT"], "Sb240102_2": ["AIT"], "Sc240103": ["CIT", "AIT"]}


def test_trials_and_presentations_are_like_the_real_ones(dandiset):
    with h5py.File(dandiset / f"000628/{SESSIONS['Sb240102_1']}_image.nwb") as file:
        code, shown = file["intervals/trials/error_code"][:], file["intervals/presentations"]
        trial, latency, place = (shown[name][:] for name in ("trial_id", "latency", "position"))
        duration = shown["stop_time"][:] - shown["start_time"][:]
        text = file["general/stimulus"].asstr()[()]
    assert set(code) == {0, 3, 4} and len(trial) < len(code)
    aborted = np.isnan(latency[:, 1])
    np.testing.assert_array_equal(aborted, code[trial] == 3)
    assert aborted.any() and not np.isnan(latency[:, 0]).any()
    assert duration[aborted].max() < 0.6 and duration[~aborted].min() > 1.49
    places = len(np.unique(place, axis=0))
    assert places > 50 and text.endswith(f"; {places} unique location(s)")


# ---- gaze


@pytest.mark.parametrize("name", SESSIONS)
def test_every_fixation_is_found(sessions, truth, name):
    aligned = align(name, sessions[name])
    known = truth.fixations[truth.fixations["session"] == name].reset_index(drop=True)
    for column in ("trial_id", "stimulus_id", "zeroth", "selected"):
        np.testing.assert_array_equal(aligned[column], known[column])
    for column in ("onset_ms", "offset_ms", "x_dva", "y_dva"):
        np.testing.assert_allclose(aligned[column], known[column], atol=1e-6)
    assert 500 < aligned["selected"].sum() < 0.95 * len(aligned)
    assert (aligned["zeroth"] & aligned["selected"]).sum() > 100


@pytest.mark.parametrize("name", CORRECTED)
def test_a_forgotten_delay_of_the_tracker_shows(sessions, truth, name):
    session, known = sessions[name], truth.units[truth.units["session"] == name]
    right, late = (align(name, session, delay) for delay in (session.delay, 0))
    assert abs(int(right["selected"].sum()) - int(late["selected"].sum())) > 5
    moved = []
    for spikes in (spikes for spikes, gain in zip(session.spikes, known["gain_hz"], strict=True) if gain):
        onsets = [a.loc[a["selected"] & ~a["zeroth"], "onset_ms"] for a in (right, late)]
        moved.append(np.subtract(*(steepest_rise(spikes, onset, session.length) for onset in onsets)))
    assert np.median(moved) == pytest.approx(session.delay, abs=1)


# ---- units


def test_latencies_come_back(sessions, truth):
    errors = []
    for name, session in sessions.items():
        used = align(name, session).query("selected")
        known = truth.units[truth.units["session"] == name]
        found = psth_latency(session.spikes, used["onset_ms"].to_numpy())
        responds = known["gain_hz"].to_numpy() > 0
        errors += list(np.abs(found - known["latency_ms"].to_numpy())[responds])
        assert np.isnan(found[~responds]).all()
    assert np.mean(np.array(errors) <= 5) > 0.9
    assert np.nanmedian(errors) <= 1


def test_responses_come_back(responses, truth):
    units, rho = truth.units.set_index("neuroid_id"), {}
    for estimate in responses.values():
        rate = estimate["rate"].to_pandas().set_index(estimate["stimulus_id"].values)
        rate.columns = estimate["neuroid_id"].values
        known = truth.responses.loc[rate.index, rate.columns]
        assert not known.isna().any().any()
        rho |= {name: spearmanr(rate[name], known[name])[0] for name in rate if known[name].std() > 12}
        np.testing.assert_allclose(rate.mean(), known.mean(), rtol=0.12)
    assert len(rho) > 25 and {units.loc[name, "region"] for name in rho} == {"V4", "CIT", "AIT"}
    assert np.median(list(rho.values())) > 0.93
    assert np.quantile(list(rho.values()), 0.05) > 0.85


def test_units_that_die_are_dropped(sessions, responses, truth):
    for name, session in sessions.items():
        known = truth.units[truth.units["session"] == name]
        assert known["dies"].tolist() == [False] * (UNITS - 1) + [True]
        assert [not is_stable(spikes, session.length) for spikes in session.spikes] == known["dies"].tolist()
        assert responses[name]["neuroid_id"].values.tolist() == known.loc[~known["dies"], "neuroid_id"].tolist()


def test_reliable_units_are_those_that_respond(responses, truth):
    units = truth.units.set_index("neuroid_id")
    for estimate in responses.values():
        reliability = estimate["reliability"].to_series().set_axis(estimate["neuroid_id"].values)
        silent = units.loc[reliability.index, "gain_hz"] == 0
        assert silent.sum() == 1
        assert reliability[~silent].median() > 0.5 > reliability[silent].max()  # by chance, of 60 stimuli, up to .45


def test_sessions_share_some_stimuli(responses, dandiset):
    regions = list_regions(dandiset / "db" / "ROIs" / "Stimuli")
    joined = join_sessions(list(responses.values()), regions, {}, {"val": 0.1, "test": 0.2}, seed=0)
    assert set(joined["category_name"].values) == {"face", "nonface", "ambiguous"}
    assert joined["rate"].shape == (90, 4 * (UNITS - 1))
    shown = np.isfinite(joined["rate"].values)
    assert 0.6 < shown.mean() < 0.7 and shown.any(axis=1).all() and not shown.all(axis=1).any()


def test_v4_drive_prefers_its_orientation_at_its_place():
    units = pd.DataFrame({"orientation_deg": [30.0, 120.0], "cycles_per_degree": [1.0, 1.0]})
    along = ((np.arange(SIZE) + 0.5) / SIZE - 0.5) * 16
    x, y = np.meshgrid(along, -along)
    across = -np.sin(np.deg2rad(30)) * x + np.cos(np.deg2rad(30)) * y
    patch = 128 + 90 * np.cos(2 * np.pi * across) * np.exp(-((x - 4) ** 2 + (y - 2) ** 2) / 2)
    image = np.repeat(patch[..., None], 3, axis=2).astype(np.uint8)
    at, beside, off = (np.full((1, 2), value) for value in (4.0, -4.0, 9.0))
    first, second = v4_drive(image, units, at, at / 2, 16)[0]
    assert first > 5 * second
    assert first > 5 * v4_drive(image, units, at, -at / 2, 16)[0, 0]
    assert first > 5 * v4_drive(image, units, beside, at / 2, 16)[0, 0]
    assert (v4_drive(image, units, off, at, 16) == 0).all()


# ---- faces, by the authors' tables alone


def gaze_in_images(fixations, field):
    """(stem, column, row) in pixels of the receptive field at `field` degrees from the fovea."""
    for row in fixations.itertuples():
        scale = SIZE / RECORDINGS[row.session].width_dva
        yield (
            row.stimulus_id,
            SIZE / 2 + (row.x_dva + field[0]) * scale,
            SIZE / 2 - (row.y_dva + field[1]) * scale,
        )


def mask_box(path):
    left, top, right, bottom = Image.open(path).getbbox()
    return [left, top, right - left, bottom - top]


@pytest.fixture(scope="module")
def face_boxes(dandiset):
    """(n, 4) boxes x, y, w, h of the faces of every image, from the table and the masks."""
    table = pd.read_csv(dandiset / "db/ROIs/Stimuli/face.csv")
    boxes = {path.stem: np.empty((0, 4)) for path in (dandiset / "Stimuli").iterdir()}
    boxes |= table.groupby(table["Filename"].str.removesuffix(".png"))[["x", "y", "w", "h"]].apply(np.array).to_dict()
    for path in (dandiset / "db/ROIs/Stimuli/primate_face").iterdir():
        boxes[path.stem] = np.array([mask_box(path)])
    return boxes


@pytest.fixture(scope="module")
def region_boxes(dandiset, face_boxes):
    """The same with what only looks like a face, of which there is one in an image."""
    boxes = dict(face_boxes)
    for path in (dandiset / "db/ROIs/Stimuli/pareidolia").iterdir():
        boxes[path.stem] = np.vstack([boxes[path.stem], mask_box(path)])
    return boxes


def on_face(boxes, column, row):
    """Whether a point lies in one of (n, 4) boxes."""
    x, y, w, h = boxes.T
    return bool(((column >= x) & (column < x + w) & (row >= y) & (row < y + h)).any())


def test_gaze_goes_to_faces(face_boxes, truth):
    used = truth.fixations[truth.fixations["selected"] & ~truth.fixations["zeroth"]]
    looks = [on_face(face_boxes[stem], *at) for stem, *at in gaze_in_images(used, np.zeros(2))]
    area = [(face_boxes[stem][:, 2:].prod(axis=1)).sum() / SIZE**2 for stem in used["stimulus_id"]]
    assert np.mean(looks) > 3 * np.mean(area)


def test_face_selectivity_comes_back(dandiset, face_boxes, region_boxes, sessions, truth):
    fields = pd.read_csv(dandiset / "db/per_unit_rf.csv.gz").groupby("Session")
    errors = []
    for name, session in sessions.items():
        used = align(name, session).query("selected")
        rates = fixation_rates(used["onset_ms"].to_numpy(), session.spikes, session.latency, 150, session.length)
        known = truth.units[truth.units["session"] == name].reset_index(drop=True)
        for u, field in enumerate(fields.get_group(name)[["x", "y"]].to_numpy()):
            gaze = list(gaze_in_images(used, field))
            on, on_any = (
                np.array([on_face(boxes[stem], *at) for stem, *at in gaze]) for boxes in (face_boxes, region_boxes)
            )
            face, other = rates[on, u].mean(), rates[~on_any, u].mean()
            if not known.loc[u, "dies"]:
                errors.append((face - other) / (face + other) - known.loc[u, "face_selectivity"])
    assert np.abs(errors).max() < 0.1
    it = truth.units[(truth.units["region"] != "V4") & (truth.units["gain_hz"] > 0)]
    likes_faces = it["preferred"] == "Faces"
    assert it.loc[likes_faces, "face_selectivity"].min() > 1 / 3 > 0.1 > it.loc[~likes_faces, "face_selectivity"].max()


def grey(image):
    return np.asarray(image.convert("L"), dtype=float)


def test_boxes_hold_faces(dandiset, truth):
    faces = truth.objects[(truth.objects["category"] == "Faces") & (truth.objects["object"] != "macaque")]
    table = pd.read_csv(dandiset / "db/ROIs/Stimuli/face.csv").assign(stem=lambda t: t["Filename"].str[:-4])
    assert len(table) == len(faces) > 30
    assert (table[["W", "H"]] == SIZE).all().all()
    alike, beside = [], []
    for face in table.merge(faces, left_on=["stem", "x", "y"], right_on=["stimulus_id", "x", "y"]).itertuples():
        ground = np.full((SIZE, SIZE, 3), 0.5)
        drawn = Image.fromarray(render(build("Faces", face.object), rotation(*FAMILIES["Faces"][1]), 1, (0, 0), ground))
        rows, columns = np.nonzero((np.asarray(drawn) != 128).any(axis=2))
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        model = grey(drawn.resize((int(face.w_x), int(face.h_x)), box=box))
        image = grey(Image.open(dandiset / f"Stimuli/{face.Filename}"))
        for r, shift in ((alike, 0), (beside, SIZE // 2)):
            rows, columns = (
                (np.arange(first, first + n, dtype=int) + shift) % SIZE
                for first, n in ((face.y, face.h_x), (face.x, face.w_x))
            )
            r.append(np.corrcoef(model.ravel(), image[np.ix_(rows, columns)].ravel())[0, 1])
    assert len(alike) == len(faces)
    assert np.median(alike) > 0.6 and np.quantile(alike, 0.1) > 0.3 > np.quantile(beside, 0.9)


@pytest.mark.parametrize(
    ("column", "value", "folder"), [("object", "macaque", "primate_face"), ("category", "Pareidolia", "pareidolia")]
)
def test_masks_are_of_portraits_and_of_what_looks_like_faces(dandiset, truth, column, value, folder):
    shown = truth.objects[truth.objects[column] == value]
    masks = {path.stem: np.asarray(Image.open(path)) for path in (dandiset / "db/ROIs/Stimuli" / folder).iterdir()}
    assert set(masks) == set(shown["stimulus_id"]) and len(masks) == len(shown) > 5
    for placed in shown.itertuples():
        mask = masks[placed.stimulus_id]
        assert mask.shape == (SIZE, SIZE) and set(np.unique(mask)) == {0, 255}
        assert mask[placed.y + placed.h // 2, placed.x + placed.w // 2] == 255 and mask[0, 0] == 0


def test_what_looks_like_a_face_is_ambiguous_and_a_task_of_its_own(responses, dandiset, truth):
    regions = list_regions(dandiset / "db" / "ROIs" / "Stimuli")
    joined = join_sessions(list(responses.values()), regions, {}, {"val": 0.1, "test": 0.2}, seed=0)
    task = face_task(joined, regions).set_index("stimulus_id")
    ambiguous = set(truth.objects.loc[truth.objects["category"] == "Pareidolia", "stimulus_id"])
    assert set(task.index[task["set"] == HIGH_VARIATION]) == ambiguous
    assert (task.loc[sorted(ambiguous), "category"] == "pareidolia").all()
    assert set(task.loc[~task.index.isin(ambiguous), "label"]) == {"face", "nonface"}


def test_neurons_take_it_for_something_between():
    weights = np.linspace(0, 1, len(OBJECTS))[:, None] * [1.0, -1.0]
    at, radius = np.zeros((1, 2)), np.ones(2)
    drive = {
        category: it_drive(
            Scene(np.zeros((SIZE, SIZE, 3), np.uint8), [Placed(category, "x", 70, 70, 20, 20)]),
            weights,
            radius,
            at,
            at,
            16,
        )
        for category in (*OBJECTS, PAREIDOLIA)
    }
    np.testing.assert_allclose(drive[PAREIDOLIA], (drive["Faces"] + drive["Fruits"]) / 2)


def test_near_duplicates_are_listed_and_no_others(dandiset):
    stems = sorted(path.stem for path in (dandiset / "Stimuli").iterdir())
    images = np.stack([grey(Image.open(dandiset / f"Stimuli/{stem}.png").reduce(2)) for stem in stems])
    images = (images - images.mean(axis=(1, 2), keepdims=True)) / images.std(axis=(1, 2), keepdims=True)
    spectra = np.fft.rfft2(images)
    found = set()
    for i in range(len(stems) - 1):
        best = np.fft.irfft2(spectra[i] * spectra[i + 1 :].conj()).max(axis=(1, 2)) / images[0].size
        found |= {(stems[i], stems[i + 1 + j]) for j in np.flatnonzero(best > 0.85)}
    lines = (dandiset / "db/similar_images.txt").read_text().splitlines()
    groups = [sorted(name.removesuffix(".png") for name in line.split("\t")) for line in lines]
    assert sorted(map(len, groups)) == [2, 2, 3]
    assert found == {(a, b) for group in groups for a in group for b in group if a < b}

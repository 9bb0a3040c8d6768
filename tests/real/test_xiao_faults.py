"""Files and tables of a real session, An220105, each damaged in one way: one line with a remedy, and no output.

Every fault goes through the script that meets it, as Snakemake would run it.
"""

import gzip
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from ventral.data.xiao.files import read_spike_times
from ventral.data.xiao.fixations import read_fixations
from ventral.data.xiao.layout import FIXATIONS, PRESENTATIONS, RASTERS, SHOWN, TEMPLATES, UNIT_NAMES
from ventral.data.xiao.spikes import write_spikes

REPO = Path(__file__).parents[2]
SHOWN_STEM = "2f524d2c5808700fad7cf05241ca3888"  # an image of the session
SIMILAR = "78d28d99674b95dc610bd26c15d13976"  # in the second line of similar_images.txt
SESSION, STEM = "An220105", "sub-An/sub-An_ses-20220105T173929"
FIX = FIXATIONS[0]
PARAMS = {"latency_ms": "table", "window_ms": 200, "fixations": "all", "fixations_per_session": None, "bin_ms": 10}
PARAMS |= {"permutations": 0, "bootstrap": 10, "seed": 0, "split": {"val": 0.1, "test": 0.2}, "source": "real"}
Spoil = Callable[[Path], None]


def run(script: str, files: dict[str, Path], output: Path) -> None:
    """Run a script on `files`; it takes those that it needs, and writes one file into `output`."""
    kinds = {"fixations": "csv", "spikes": "h5", "responses": "nc", "psth": "nc", "units": "csv"}
    job = SimpleNamespace(
        wildcards=SimpleNamespace(session=SESSION),
        input=SimpleNamespace(**files, sessions=[files["responses"]]),
        output=SimpleNamespace(**{name: output / f"{name}.{kind}" for name, kind in kinds.items()}),
        params=SimpleNamespace(**PARAMS, rois=files["rois"]),
        log=[str(output.with_name("log.txt"))],
    )
    runpy.run_path(str(REPO / "scripts" / f"{script}.py"), {"snakemake": job})


@pytest.fixture(scope="module")
def sound(shared_data, tmp_path_factory) -> dict[str, Path]:
    """Every input of every script, none at fault; after the rasters, three units stand for all."""
    db, own = shared_data / "xiao" / "db", tmp_path_factory.mktemp("session") / "output"
    files = {
        "images": shared_data / "xiao" / "000628" / f"{STEM}_image.nwb",
        "rasters": shared_data / "xiao" / "000628" / f"{STEM}.nwb",
        "rig_info": db / "sess_rig_info.csv",
        "eye_latency": db / "rig_eye_latency.csv",
        "bank_regions": db / "bank_array_regions.csv",
        "unit_latency": db / "per_unit_latency-fix_on.csv.gz",
        "unit_rf": db / "per_unit_rf.csv.gz",
        "rois": db / "ROIs" / "Stimuli",
        "similar": db / "similar_images.txt",
        "fixations": own / "fixations.csv",
        "spikes": own / "spikes.h5",
        "responses": own / "responses.nc",
    }
    names, spikes, recording_ms = read_spike_times(files["rasters"])
    write_spikes(files["spikes"], names[:3], spikes[:3], recording_ms)
    for script in ("align_fixations", "count_responses"):
        run(script, files, own)
    return files


@pytest.fixture
def spoilt(sound, tmp_path):
    """Spoil a copy of one input; all inputs, that copy among them."""

    def copy(name: str, spoil: Spoil) -> dict[str, Path]:
        path = tmp_path / sound[name].name
        if sound[name].is_dir():
            shutil.copytree(sound[name], path, copy_function=shutil.copyfile)
            path.chmod(0o755)
        else:
            shutil.copyfile(sound[name], path)
        spoil(path)
        return sound | {name: path}

    return copy


# Ways to spoil a file.


def put(name: str, value: object = None) -> Spoil:
    """Replace a dataset or group by `value`, or by what a function makes of its values; None: take it away."""

    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            new = value(file[name][()]) if callable(value) else value
            del file[name]
            if new is not None:
                file[name] = new

    return spoil


def put_at(name: str, index: object, value: object) -> Spoil:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file[name][index] = value

    return spoil


def cut(share: float) -> Spoil:
    def spoil(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])

    return spoil


def write(content: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        path.write_bytes(content)

    return spoil


def edit(old: str, new: str) -> Spoil:
    """Replace the first `old` in a text file, compressed or not."""

    def spoil(path: Path) -> None:
        packed = path.suffix == ".gz"
        data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        assert old.encode() in data
        data = data.replace(old.encode(), new.encode(), 1)
        path.write_bytes(gzip.compress(data, 1) if packed else data)

    return spoil


def garble(path: Path) -> None:
    """Keep the length of a file, not what is in the middle of it."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)


def within(name: str, spoil: Spoil) -> Spoil:
    """Spoil a file of a folder."""
    return lambda folder: spoil(folder / name)


def older_without_x(path: Path) -> None:
    """A file of the older layout, which keeps fixations elsewhere."""
    with h5py.File(path, "r+") as file:
        file.move(FIX, FIXATIONS[1])
        del file[FIXATIONS[1]]["x"]


def no_regions(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def no_onset(path: Path) -> None:
    table = pd.read_csv(path)
    table.loc[3, "onset_ms"] = np.nan
    table.to_csv(path, index=False)


def no_length(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs["recording_ms"]


def as_text(values: np.ndarray) -> np.ndarray:
    return values.astype("S")


def shorter(values: np.ndarray) -> np.ndarray:
    return values[:-1]


def column(values: np.ndarray) -> np.ndarray:
    return values[:, None]


def renamed(index: int, name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Another name for one unit or image."""

    def change(names: np.ndarray) -> np.ndarray:
        names[index] = name
        return names

    return change


def wrong_cell(name: str) -> str:
    return f"table: not a readable CSV table: a cell of {name} is empty or of another type; make or download it again"


# id: (script, the input at fault, how to spoil it, what follows the name of the file in the message)
DAMAGED = "NWB file: truncated or damaged; download the file again"
UNREADABLE = "table: not a readable CSV table; make or download it again"
MISSING = "dataset missing; download the file again"
PER_DEGREE = "general/stimulus: no pixels per degree in "
IMAGE_DATASETS = [
    *(f"{FIX}/{name}" for name in ("start_time", "stop_time", "trial_id", "x", "y")),
    *(f"{PRESENTATIONS}/{name}" for name in ("start_time", "stop_time", "trial_id", "position")),
    *(SHOWN, f"{TEMPLATES}/external_file", f"{TEMPLATES}/dimension", "general/stimulus"),
]
IMAGE_FAULTS = {
    **{f"no {name}": (put(name), f"{name}: {MISSING}") for name in IMAGE_DATASETS},
    "no fixations": (put(FIX), f"{FIX}/start_time: {MISSING}"),
    "no presentations": (put(PRESENTATIONS), f"{PRESENTATIONS}/start_time: {MISSING}"),
    "no templates": (put(TEMPLATES), f"{TEMPLATES}/external_file: {MISSING}"),
    "no x in an older file": (older_without_x, f"{FIXATIONS[1]}/x: {MISSING}"),
    "dataset for group": (put("intervals", 1.0), f"{PRESENTATIONS}/start_time: {MISSING}"),
    "group for dataset": (put(f"{FIX}/x", h5py.SoftLink("/general")), f"{FIX}/x: {MISSING}"),
    "link to nothing": (put(f"{FIX}/x", h5py.SoftLink("/nowhere")), f"{FIX}/x: {MISSING}"),
    "short x": (put(f"{FIX}/x", shorter), f"{FIX}/x: shape (6432,) in place of 6433; "),
    "short stop": (put(f"{PRESENTATIONS}/stop_time", shorter), f"{PRESENTATIONS}/stop_time: shape (854,) in "),
    "short shown": (put(SHOWN, shorter), f"{SHOWN}: shape (854,) in place of 855; "),
    "one more axis": (put(f"{FIX}/start_time", column), f"{FIX}/start_time: shape (6433, 1) in place of n; "),
    "one position": (put(f"{PRESENTATIONS}/position", [0.0, 0.0]), f"{PRESENTATIONS}/position: shape (2,) in place of"),
    "no shape": (put("general/stimulus", h5py.Empty("S1")), "general/stimulus: shape None in place of ()"),
    "text for times": (put(f"{FIX}/start_time", as_text), f"{FIX}/start_time: |S32 in place of numbers; "),
    "text for trials": (put(f"{PRESENTATIONS}/trial_id", as_text), f"{PRESENTATIONS}/trial_id: |S10 in place of numb"),
    "numbers for text": (put(f"{TEMPLATES}/external_file", np.arange(300)), f"{TEMPLATES}/external_file: int64 in pl"),
    "no text": (put("general/stimulus", np.bytes_(b"\xff\xfe")), DAMAGED),
    "NaN start": (put_at(f"{FIX}/start_time", 7, np.nan), f"{FIX}/start_time: nan in row 7 in place of a time; "),
    "infinite stop": (put_at(f"{PRESENTATIONS}/stop_time", 3, np.inf), f"{PRESENTATIONS}/stop_time: inf in row 3 "),
    "stop first": (put_at(f"{FIX}/stop_time", 9, 0.0), f"{FIX}/stop_time: 0.0 in row 9 in place of a time from start_"),
    "image off first": (
        put_at(f"{PRESENTATIONS}/stop_time", 9, 0),
        f"{PRESENTATIONS}/stop_time: 0.0 in row 9 in place",
    ),
    "negative trial": (
        put(f"{FIX}/trial_id", lambda ids: ids.astype(int) - 5),
        f"{FIX}/trial_id: -5 in row 0 in place of a whole number from 0; ",
    ),
    "half a trial": (
        put(f"{PRESENTATIONS}/trial_id", lambda ids: ids + 0.5),
        f"{PRESENTATIONS}/trial_id: 0.5 in row 0 in place of a whole number from 0; ",
    ),
    "two in a trial": (
        put_at(f"{PRESENTATIONS}/trial_id", slice(4, 6), 11),
        f"{PRESENTATIONS}/trial_id: two presentations in trial 11; leave the session out, ",
    ),
    "index too large": (put_at(SHOWN, 5, 300), f"{SHOWN}: index 300 outside 300 external_file entries; "),
    "negative index": (put(SHOWN, lambda k: k.astype(int) - 1), f"{SHOWN}: -1 in row "),
    "no name": (put(f"{TEMPLATES}/external_file", renamed(8, "")), f"{TEMPLATES}/external_file: entry 8 names no"),
    "no scale": (put("general/stimulus", "[941, 363] pixels"), f"{PER_DEGREE}'[941, 363] pixels'; "),
    "two points": (put("general/stimulus", "[3.5.1, 3.5] pix per degree"), f"{PER_DEGREE}'[3.5.1, 3.5] pix per degr"),
    "scale of 0": (put("general/stimulus", "[0.0, 35.63] pix per degree"), f"{PER_DEGREE}'[0.0, 35.63] pix per degr"),
    "no width": (put(f"{TEMPLATES}/dimension", [0, 363]), f"{TEMPLATES}/dimension: images of 0 x 363 pixels; "),
    "negative height": (put(f"{TEMPLATES}/dimension", [9, -3]), f"{TEMPLATES}/dimension: images of 9 x -3 pixels; "),
    "NaN height": (put(f"{TEMPLATES}/dimension", [9, np.nan]), f"{TEMPLATES}/dimension: images of 9 x nan pixels; "),
    "three sides": (put(f"{TEMPLATES}/dimension", [9, 3, 3]), f"{TEMPLATES}/dimension: shape (3,) in place of 2; "),
}
FILE_FAULTS = {
    **{f"cut at {share:.0%}": (cut(share), DAMAGED) for share in (0.1, 0.5, 0.99)},
    "empty": (write(b""), DAMAGED),
    "text": (write(b"<html>404 Not Found</html>\n"), DAMAGED),
    "missing": (Path.unlink, "NWB file: no such file; download it from DANDI 000628"),
}
RASTER_FAULTS = {
    "no rasters": (put(RASTERS), f"{RASTERS}: {MISSING}"),
    "no ecephys": (put("processing/ecephys"), f"{RASTERS}: {MISSING}"),
    "no names": (put(UNIT_NAMES), f"{UNIT_NAMES}: {MISSING}"),
    "float": (put(RASTERS, np.zeros((50, 35))), f"{RASTERS}: float64 in place of uint8 counts; "),
    "text": (put(RASTERS, np.full((50, 35), b"1")), f"{RASTERS}: |S1 in place of numbers; "),
    "1-D": (put(RASTERS, np.zeros(50, np.uint8)), f"{RASTERS}: shape (50,) in place of n x n; "),
    "no time": (put(RASTERS, np.zeros((0, 35), np.uint8)), f"{RASTERS}: shape (0, 35), no counts; "),
    "numbers for names": (put(UNIT_NAMES, np.arange(35)), f"{UNIT_NAMES}: int64 in place of text; "),
    "fewer names": (put(UNIT_NAMES, shorter), f"{UNIT_NAMES}: shape (34,) in place of 35; "),
    "one name twice": (put(UNIT_NAMES, renamed(3, "30a")), f"{UNIT_NAMES}: unit named twice; "),
    "no channel": (put(UNIT_NAMES, renamed(0, "a30")), f"{UNIT_NAMES}: unit 'a30' does not begin with a channel; "),
    "channel 0": (put(UNIT_NAMES, renamed(0, "0a")), f"{UNIT_NAMES}: unit '0a' does not begin with a channel; "),
}
TABLE_FAULTS = {
    "cut": (cut(0.5), UNREADABLE),
    "empty": (write(b""), UNREADABLE),
    "missing": (Path.unlink, "table: no such file; put it there"),
    "not text": (write(bytes(range(256)) * 9), UNREADABLE),
}
PACKED_FAULTS = TABLE_FAULTS | {"garbled": (garble, UNREADABLE)}
NO_BOX = "not a box in a picture; correct or remove it"
BOX_FAULTS = {
    "no column": ("face.csv", edit("Filename", "File"), "face.csv: Filename: column missing; did you mean File?"),
    "text": ("face.csv", edit("685.0", "left"), "face.csv: " + wrong_cell("x")),
    "negative": ("face.csv", edit(",685.0", ",-685.0"), f"face.csv: line 2: {NO_BOX}"),
    "no width": ("face.csv", edit(",21.0", ",0"), f"face.csv: line 2: {NO_BOX}"),
    "no picture": ("face.csv", edit("771.0", "0"), f"face.csv: line 2: {NO_BOX}"),
    "no number": ("face_metamer.csv", edit(",202,", ",,"), f"face_metamer.csv: line 3: {NO_BOX}"),
    "no name": ("face.csv", edit("53d170994886814552eb3066dfedd2ae.jpg", ""), f"face.csv: line 3: {NO_BOX}"),
}
INCOMPLETE = "file: damaged or incomplete ("
SPIKES_FAULTS = {"cut": cut(0.5), "empty": write(b""), "no length": no_length, "no times": put("time_ms")}
FAULTS = {
    **{f"images: {key}": ("align_fixations", "images", *fault) for key, fault in IMAGE_FAULTS.items()},
    **{f"images file: {key}": ("align_fixations", "images", *fault) for key, fault in FILE_FAULTS.items()},
    **{f"rasters: {key}": ("read_rasters", "rasters", *fault) for key, fault in RASTER_FAULTS.items()},
    **{f"rasters file: {key}": ("read_rasters", "rasters", *fault) for key, fault in FILE_FAULTS.items()},
    "rasters file: garbled": ("read_rasters", "rasters", garble, DAMAGED),
    "rasters: end before the images": (
        *("align_fixations", "rasters", put(RASTERS, np.zeros((3_000_000, 35), np.uint8))),
        f"{RASTERS}: ends after 3000000 ms, but an image comes on at 3374306 ms; ",
    ),
    "rasters: 1-D, for fixations": (
        *("align_fixations", "rasters", put(RASTERS, np.zeros(50, np.uint8))),
        f"{RASTERS}: shape (50,) in place of n x n; ",
    ),
    # The tables of the authors.
    "rigs: no session": (
        *("align_fixations", "rig_info", edit("An220105,", "An220105_1,")),
        "An220105: unknown session; did you mean An220105_1?",
    ),
    "rigs: no column": (
        *("align_fixations", "rig_info", edit("Eye tracker", "Tracker")),
        "Eye tracker: column missing; did you mean Tracker?",
    ),
    "rigs: long rows": ("align_fixations", "rig_info", edit(",Rig\n", "\n"), "table: rows longer than the header; "),
    "trackers: no pair": (
        *("align_fixations", "eye_latency", edit("3,None,", "4,None,")),
        "rig 3 None: no latency for An220105; known are: rig 1 None, ",
    ),
    "trackers: text": (
        *("align_fixations", "eye_latency", edit("3,None,37", "3,None,short")),
        "Latency of rig 3 None: not a number of milliseconds; ",
    ),
    "trackers: no column": (
        *("align_fixations", "eye_latency", edit("Latency", "ms")),
        "Latency: column missing; known are: Rig, Tracker, ms",
    ),
    "banks: no bank": (
        *("count_responses", "bank_regions", edit("An220105,0,", "An220105,7,")),
        "An220105, bank 0: no region for unit 1; add its row",
    ),
    "banks: no region": (
        *("count_responses", "bank_regions", edit("An220105,0,1,L,V1", "An220105,0,1,L,")),
        "An220105, bank 0: no region for unit 1; add its row",
    ),
    "banks: no column": (
        *("describe_units", "bank_regions", edit("Hemisphere", "Side")),
        "Hemisphere: column missing; known are: ",
    ),
    "latencies: text": (
        *("count_responses", "unit_latency", edit("An220105,1,60", "An220105,1,early")),
        "Latency of An220105: not a number of milliseconds; ",
    ),
    "latencies: no column": ("count_responses", "unit_latency", edit("Latency", "L"), "Latency: column missing; "),
    **{f"latencies: {key}": ("count_responses", "unit_latency", *fault) for key, fault in PACKED_FAULTS.items()},
    "fields: text": ("describe_units", "unit_rf", edit(",1.5,", ",wide,"), wrong_cell("r")),
    "fields: no column": ("describe_units", "unit_rf", edit("Name", "Unit"), "Name: column missing; "),
    "fields: cut": ("describe_units", "unit_rf", cut(0.5), UNREADABLE),
    "similar: in two groups": (
        *("join_sessions", "similar", edit("f7593bf9adc31e34c2e10681d1108590", SIMILAR)),
        f"{SIMILAR}: in two lines; make one line of them",
    ),
    "similar: not text": ("join_sessions", "similar", write(b"\xff\xfe\n"), "similar images: cannot be read; "),
    "similar: missing": ("join_sessions", "similar", Path.unlink, "similar images: cannot be read; "),
    # What scripts hand on.
    **{f"fixations: {key}": ("bin_psth", "fixations", *TABLE_FAULTS[key]) for key in ("empty", "missing", "not text")},
    "fixations: cut": ("bin_psth", "fixations", cut(0.5), wrong_cell("trial_id")),
    "fixations: no column": (
        *("count_responses", "fixations", edit("onset_ms", "onset")),
        "onset_ms: column missing; did you mean ",
    ),
    "fixations: text": ("bin_psth", "fixations", edit(",False,", ",perhaps,"), wrong_cell("zeroth")),
    "fixations: no rank": (
        *("describe_units", "fixations", edit("An220105,0,1,", "An220105,0,,")),
        wrong_cell("fixation"),
    ),
    "fixations: no onset": ("bin_psth", "fixations", no_onset, "onset_ms: empty cell; delete the file, run again"),
    **{f"spikes: {key}": ("bin_psth", "spikes", spoil, INCOMPLETE) for key, spoil in SPIKES_FAULTS.items()},
    # Files of the folder of regions.
    **{f"boxes: {key}": ("join_sessions", "rois", within(*fault[:2]), fault[2]) for key, fault in BOX_FAULTS.items()},
    "regions: none": (
        *("join_sessions", "rois", no_regions),
        "regions: no tables of boxes and no folders of masks; put the authors' ROIs there",
    ),
    "mask: no image": (
        *("describe_units", "rois", within(f"primate_face/{SHOWN_STEM}.png", write(b"\x89PNG"))),
        f"primate_face/{SHOWN_STEM}.png: mask: not a readable image; ",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(spoilt, tmp_path, capsys, fault):
    script, name, spoil, expected = FAULTS[fault]
    files = spoilt(name, spoil)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as end:
        run(script, files, tmp_path / "output")
    assert end.value.code == 1
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {files[name]}{'/' if '.' in expected.split(':')[0] else ': '}{expected}")
    assert line.partition("; ")[2]
    assert "Traceback" not in said and "(traceback in" not in said
    assert {path.name for path in set(tmp_path.rglob("*")) - before} <= {"log.txt", "output"}


def test_sound_files_are_taken(sound):
    """Tracker `None` is a word: read as missing it would have no latency, and with none 3379 would be selected."""
    assert read_fixations(sound["fixations"])["selected"].sum() == 3420


@pytest.mark.parametrize("script", ["align_fixations", "count_responses", "join_sessions"])
@pytest.mark.parametrize("saved_by", ["Windows", "a spreadsheet"])
def test_tables_saved_by_other_programs(sound, tmp_path, script, saved_by):
    files = dict(sound)
    for name in ("rig_info", "eye_latency", "bank_regions", "similar"):
        data = sound[name].read_bytes().replace(b"\n", b"\r\n")
        files[name] = tmp_path / sound[name].name
        files[name].write_bytes(data if saved_by == "Windows" or name == "similar" else b"\xef\xbb\xbf" + data)
    run(script, files, tmp_path / "output")
    (written,) = (tmp_path / "output").iterdir()
    assert written.suffix in (".csv", ".nc")


# How to spoil sessions.txt, files besides those of the session, and the message.
SESSIONS_FAULTS = {
    "no name": (edit(f"{SESSION}\n", ""), (), f"sessions.txt: {SESSION}: unknown session; did you mean "),
    "fewer names than files": (
        *(edit("", ""), ("sub-An/sub-An_ses-20220105T235959.nwb",)),
        "sub-An/sub-An_ses-20220105T*.nwb: 2 files, but 1 sessions of that day in ",
    ),
    "fewer files than names": (
        *(edit(SESSION, f"{SESSION}_1\n{SESSION}"), ()),
        "sub-An/sub-An_ses-20220105T*.nwb: 1 of the 2 sessions of that day (An220105_1, An220105) present: ",
    ),
    "not text": (write(b"\xff\xfe"), (), "sessions.txt: sessions: cannot be read; put the authors' table there"),
}


@pytest.mark.parametrize("fault", SESSIONS_FAULTS)
def test_sessions_are_known_before_any_job(sound, tmp_path, fault):
    spoil, more, expected = SESSIONS_FAULTS[fault]
    folder, db = tmp_path / "000628", sound["similar"].parent
    (folder / "sub-An").mkdir(parents=True)
    for name in (f"{STEM}.nwb", f"{STEM}_image.nwb", *more):
        (folder / name).touch()
    tables = shutil.copytree(
        db, tmp_path / "db", ignore=shutil.ignore_patterns("sessions.txt"), copy_function=os.symlink
    )
    tables.chmod(0o755)
    shutil.copyfile(db / "sessions.txt", tables / "sessions.txt")
    spoil(tables / "sessions.txt")
    files = {"source": "files", "path": str(folder), "tables": str(tables), "sessions": [SESSION]}
    config = {"datasets": {"xiao": files}, "networks": {"pixels": {"architecture": "pixels"}}}
    config["readouts"] = {"ols": {"alpha": 0}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "results/responses/xiao.nc", "--dry-run", "--snakefile"]
    command += [str(REPO / "Snakefile"), "--directory", str(tmp_path), "--configfile", str(tmp_path / "study.yaml")]
    done = subprocess.run(command, text=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert expected in said
    assert "Traceback" not in said
    assert not (tmp_path / "results").exists()

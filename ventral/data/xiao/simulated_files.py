"""The files of the simulated free-viewing recordings: NWB as in DANDI 000628, and the tables of the authors."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.xiao.layout import PRESENTATIONS, RASTERS, REGION_LATENCY_MS, TEMPLATES, UNIT_NAMES
from ventral.data.xiao.simulated_sessions import EYE_LATENCY, FIELDS, LATENCIES, RECORDINGS, SCREENS, STIMULI, Recording


class Behaviour(NamedTuple):
    """What a monkey was shown and where it looked; times in ms, without the delay of the tracker.

    Attributes:
        trials: `start`, `stop`, `error_code`.
        presentations: `start`, `stop`, `trial_id`, `x`, `y` of the image in degrees, `stimulus` index, `aborted`.
        fixations: `start`, `stop`, `trial_id`, `x`, `y` in degrees from the centre of the screen.
    """

    trials: pd.DataFrame
    presentations: pd.DataFrame
    fixations: pd.DataFrame


def _typed(file: h5py.File, name: str, kind: str, **attributes: Any) -> h5py.Group:
    """A group with an NWB type. Its id depends on file and name only, so that it is the same in every run."""
    group = file.require_group(name)
    namespace = "hdmf-common" if kind == "DynamicTable" else "core"
    group.attrs.update(attributes)
    group.attrs.update(namespace=namespace, neurodata_type=kind, object_id=_id(file, name))
    return group


def _id(file: h5py.File, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{file.attrs['object_id']}/{name}"))


def _table(file: h5py.File, name: str, kind: str, about: str, columns: Mapping[str, Any], first: int = 0) -> None:
    """An NWB table: a group with one dataset for each column, and `id` counted from `first`."""
    group = _typed(file, name, kind, description=about, colnames=list(columns))
    rows = np.arange(first, first + len(next(iter(columns.values()))))
    for column, values in {"id": rows, **columns}.items():
        group[column] = values
        about_it = group[column].attrs
        about_it.update(namespace="hdmf-common", object_id=_id(file, f"{name}/{column}"))
        about_it["neurodata_type"] = "ElementIdentifiers" if column == "id" else "VectorData"
        if column != "id":
            about_it["description"] = column.replace("_", " ")


def _begin(path: Path, recording: Recording, n_places: int, what: str) -> h5py.File:
    """A new NWB file with the content that both files of a session share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subject, time = recording.stem[4:6], recording.stem[-15:]
    identifier = f"{subject}-{time[2:8]}-{time[9:]}-{what}"
    began = f"{time[:4]}-{time[4:6]}-{time[6:8]}T{time[9:11]}:{time[11:13]}:{time[13:]}.000000-05:00"
    px, per_degree = recording.pixels, recording.pixels_per_degree
    file = h5py.File(path, "w")
    file.attrs.update(nwb_version="2.6.0", object_id=str(uuid.uuid5(uuid.NAMESPACE_URL, identifier)))
    file.attrs.update(namespace="core", neurodata_type="NWBFile")
    for name in ("acquisition", "analysis", "intervals", "processing", "stimulus/presentation", "stimulus/templates"):
        file.create_group(name)
    _typed(file, "general/subject", "Subject")
    text = {
        "identifier": identifier,
        "session_description": f"{what} of a simulated session",
        "session_start_time": began,
        "timestamps_reference_time": began,
        "general/experiment_description": "Free viewing",
        "general/institution": "simulated",
        "general/stimulus": f"[{px}, {px}] pixels at [{per_degree:.2f}, {per_degree:.2f}] pix per degree; "
        f"{n_places} unique location(s)",
        "general/subject/description": f"{subject}, simulated",
        "general/subject/species": "Macaca mulatta",
        "general/subject/subject_id": subject,
    }
    for name, value in text.items():
        file[name] = value
    file["file_create_date"] = [began]
    return file


def write_rasters(
    path: Path, recording: Recording, behaviour: Behaviour, names: list[str], counts: NDArray[np.uint8]
) -> None:
    """Write a session's rasters file: `counts` (T, U) of spikes in bins of 1 ms, of U units by name."""
    with _begin(path, recording, _n_places(behaviour), "rasters") as file:
        _typed(file, "processing/ecephys", "ProcessingModule", description="simulated spikes")
        group = _typed(file, RASTERS.rpartition("/")[0], "TimeSeries", description="rasters", comments="no comments")
        data = group.create_dataset("data", data=counts, chunks=(len(counts), 1), compression="gzip")
        data.attrs.update(unit="count", conversion=1.0, offset=0.0, resolution=-1.0, continuity="continuous")
        group["starting_time"] = 0.0
        group["starting_time"].attrs.update(rate=0.001, unit="seconds")  # the period, as in the authors' files
        table, column = UNIT_NAMES.rsplit("/", 1)
        _table(file, table, "DynamicTable", "names of the units", {column: names})


def write_image_file(
    path: Path, recording: Recording, behaviour: Behaviour, stems: list[str], rng: np.random.Generator
) -> None:
    """Write a session's image file. Fixations and saccades are late by the delay of the tracker.

    Args:
        path: of the file.
        recording: the settings of the session.
        behaviour: what happened; `stimulus` indexes `stems`.
        stems: of the image files.
        rng: of the times between the computer's event and the photodiode's.
    """
    trials, shown, gaze = behaviour
    with _begin(path, recording, _n_places(behaviour), "main") as file:
        codes = {"error_code": trials["error_code"].to_numpy(dtype=float)}
        _table(file, "intervals/trials", "TimeIntervals", "trials", _times(trials["start"], trials["stop"]) | codes)
        flips = rng.uniform(0.5, 30, (len(shown), 2)).round(3)
        flips[shown["aborted"].to_numpy(), 1] = np.nan  # without an event when the image went off
        columns = _times(shown["start"], shown["stop"]) | {
            "trial_id": shown["trial_id"].to_numpy(dtype=np.uint32),
            "order_in_trial": np.zeros(len(shown), dtype=np.uint16),
            "position": shown[["x", "y"]].to_numpy(),
            "latency": flips,
        }
        _table(file, PRESENTATIONS, "TimeIntervals", "stimulus presentation periods", columns)
        _write_stimuli(file, recording, shown, stems)
        _write_gaze(file, recording, trials, gaze)


def _n_places(behaviour: Behaviour) -> int:
    return len(behaviour.presentations[["x", "y"]].drop_duplicates())


def _times(start: pd.Series, stop: pd.Series, delay_ms: int = 0) -> dict[str, Any]:
    """Columns of NWB's time intervals, in s, from times in ms."""
    return {f"{name}_time": (ms.to_numpy() + delay_ms) / 1000 for name, ms in (("start", start), ("stop", stop))}


def _write_stimuli(file: h5py.File, recording: Recording, shown: pd.DataFrame, stems: list[str]) -> None:
    """What was shown when, and where its image is."""
    name = "stimulus/presentation/presentations"
    group = _typed(file, name, "IndexSeries", description="presentation times", comments="no comments")
    group["data"] = shown["stimulus"].to_numpy(dtype=np.uint64)
    group["data"].attrs.update(unit="N/A", conversion=1.0, resolution=-1.0)
    group["timestamps"] = shown["start"].to_numpy(dtype=float) / 1000
    group["timestamps"].attrs.update(interval=1, unit="seconds")
    group = _typed(file, TEMPLATES, "OpticalSeries", description="unique stimuli", comments="no comments")
    group["data"] = np.empty((0, 0, 0), dtype=np.uint8)
    group["data"].attrs.update(unit="external", conversion=1.0, resolution=-1.0)
    group["dimension"] = np.array([recording.pixels, recording.pixels])
    group["external_file"] = [f"{STIMULI}/{stem}.png" for stem in stems]
    group["external_file"].attrs["starting_frame"] = np.arange(len(stems))
    group["format"], group["orientation"] = "external", "up is up; centered on position"
    group["starting_time"] = 0.0
    group["starting_time"].attrs.update(rate=1.0, unit="seconds")
    file[f"{name}/indexed_timeseries"] = h5py.SoftLink(f"/{TEMPLATES}")


def _write_gaze(file: h5py.File, recording: Recording, trials: pd.DataFrame, gaze: pd.DataFrame) -> None:
    """Fixations, and the saccade before each, from the previous fixation or from the start of the trial."""
    trial, module = gaze["trial_id"], recording.fixations.rpartition("/")[0]
    before = gaze.groupby("trial_id")["stop"].shift(1).fillna(trial.map(trials["start"]))
    _typed(file, module, "ProcessingModule", description="fixations and saccades")
    order = {
        "trial_id": trial.to_numpy(dtype=np.uint32),
        "ord_in_trial": gaze.groupby("trial_id").cumcount().to_numpy(dtype=np.uint16),
    }
    for kind, start, stop in (("fixations", gaze["start"], gaze["stop"]), ("saccades", before, gaze["start"])):
        columns = _times(start, stop, recording.delay_ms) | order
        if kind == "fixations":
            columns |= {name: gaze[name].to_numpy() for name in ("x", "y")}
        _table(file, f"{module}/{kind}", "TimeIntervals", f"detected {kind}", columns, first=1)


def write_tables(folder: Path, units: pd.DataFrame) -> None:
    """Write the authors' tables of sessions, rigs, banks and units into `folder`.

    Args:
        folder: `db`.
        units: of all sessions: `session`, `unit`, `region`, `channel`, `bank`, `array`, `latency_ms`, `rf_x_dva`,
            `rf_y_dva`, `rf_r_dva` and `gain_hz`. A unit without gain gets the latency of its region.
    """
    (folder / "sessions.txt").write_text("".join(f"{session}\n" for session in RECORDINGS))
    rigs = [(name, SCREENS[r.rig], r.tracker, "2.2.20 (Oct 27, 2021)", r.rig) for name, r in RECORDINGS.items()]
    silent = units["gain_hz"] == 0
    names = {"Session": units["session"], "Name": units["unit"]}
    banks = {"Session": units["session"], "Bank": units["bank"], "Array ID": units["array"], "Hemisphere": "L"}
    tables = {
        "sess_rig_info.csv": pd.DataFrame(rigs, columns=["Name", "Screen res", "Eye tracker", "MLVersion", "Rig"]),
        "rig_eye_latency.csv": pd.DataFrame(
            [(*pair, delay) for pair, delay in EYE_LATENCY.items()], columns=["Rig", "Tracker", "Latency"]
        ),
        "bank_array_regions.csv": pd.DataFrame(banks | {"Region": units["region"]}).drop_duplicates(),
        "units.csv.gz": pd.DataFrame(
            names | {"Channel": units["channel"], "Bank": units["bank"], "Array ID": units["array"]}
        ),
        LATENCIES: pd.DataFrame(
            names
            | {
                "Latency": units["latency_ms"].mask(silent, units["region"].map(REGION_LATENCY_MS).astype(int)),
                "Boots. stdev.": np.where(silent, np.nan, 1.5),
                "Source": np.where(silent, "Region default", "Unit"),
            }
        ),
        FIELDS: pd.DataFrame(names | {axis: units[f"rf_{axis}_dva"] for axis in ("x", "y", "r")} | {"Source": "Unit"}),
    }
    for name, table in tables.items():
        zipped: Any = {"method": "gzip", "mtime": 0} if name.endswith(".gz") else None
        table.to_csv(folder / name, index=False, compression=zipped)

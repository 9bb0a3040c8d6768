"""The files of Xiao et al. 2024 (DANDI 000628): those of a session, and the tables of the authors' repository."""

import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.xiao.layout import CHANNELS_PER_BANK, FIXATIONS, PRESENTATIONS, RASTERS, SHOWN, TEMPLATES, UNIT_NAMES
from ventral.data.xiao.spikes import spike_times
from ventral.files.console import progress
from ventral.files.csv import read_columns
from ventral.files.errors import InputError, listed, nearest
from ventral.files.hdf5 import open_hdf5

AGAIN = "download the file again"
AGAIN_OR_LEAVE = f"{AGAIN}, or leave the session out"


class ImageFile(NamedTuple):
    """What was shown and where the monkey looked, as in `sub-X_ses-Y_image.nwb`.

    Attributes:
        fixations: one row for each fixation, `start_time` and `stop_time` in s as the tracker reported them,
            `trial_id`, and `x`, `y` in degrees from the centre of the screen, y upwards.
        presentations: one row for each image shown, `start_time` and `stop_time` in s by the photodiode, `trial_id`,
            the centre of the image `x`, `y` in degrees, and `stimulus_id`.
        pixels_per_degree: (2,) horizontal and vertical.
        dimension: (2,) width and height of the images on the screen in pixels.
        stimulus_ids: every image of the session, in the order of the file: MD5 sums, the stems of the image files.
    """

    fixations: pd.DataFrame
    presentations: pd.DataFrame
    pixels_per_degree: NDArray[np.float64]
    dimension: NDArray[np.float64]
    stimulus_ids: list[str]

    @property
    def size_dva(self) -> NDArray[np.float64]:
        """(2,) width and height of the images in degrees, rounded to one decimal as by the authors."""
        return np.round(self.dimension / self.pixels_per_degree, 1)


def milliseconds(cells: Iterable[str], path: str | Path, field: str) -> NDArray[np.float64]:
    """The cells of a table as numbers.

    Raises:
        InputError: if one is not a number.
    """
    values = pd.to_numeric(pd.Series(list(cells), dtype=str), errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError(path, field, "not a number of milliseconds", AGAIN)
    return values


def find_sessions_folder(path: str | Path) -> str:
    """The folder with the dandiset's `sub-*/`: the given one, the only one inside it, or the one that contains it.

    Raises:
        InputError: if neither it nor exactly one folder near it has sessions.
    """
    path = Path(path)
    if _has_sessions(path):
        return str(path)
    inside = [folder for depth in ("*", "*/*") for folder in sorted(path.glob(depth)) if _has_sessions(folder)]
    near = inside or [folder for folder in (path.parent,) if path.name.startswith("sub-") and _has_sessions(folder)]
    if len(near) == 1:
        print(f"{path}: holds no sub-*/, so sessions are read from {near[0]}", file=sys.stderr)
        return str(near[0])
    problem = f"holds no sub-*/ with sessions, but {listed(near)} do" if near else "holds no sub-*/ with sessions"
    raise InputError(path, "path", problem, "give the folder that holds sub-*/, 000628 as it is downloaded")


def _has_sessions(folder: Path) -> bool:
    return any(folder.glob("sub-*/sub-*_ses-*.nwb"))


def find_tables_folder(path: str | Path) -> str:
    """The authors' folder `db`: the given one, or the one in a given checkout of their repository."""
    path = Path(path)
    inside = not (path / "sessions.txt").is_file() and (path / "db" / "sessions.txt").is_file()
    return str(path / "db") if inside else str(path)


def list_stems(folder: str | Path) -> list[str]:
    """File stems (`sub-X/sub-X_ses-Y`) of the sessions with a rasters or image file under `folder`, sorted."""
    files = (path.relative_to(folder).as_posix() for path in Path(folder).glob("sub-*/sub-*_ses-*.nwb"))
    return sorted({re.sub(r"(_image)?\.nwb$", "", file) for file in files if not file.endswith("_behavior.nwb")})


def session_stem(session: str, sessions_txt: str | Path, stems: Iterable[str], source: str | Path) -> str:
    """File stem of a session, from the authors' name for it.

    Names have a day, files have a time, and the suffixes of names count from 0, 1 or 2. So the k-th session of a monkey
    on a day by name is its k-th by time. This needs all files of that day.

    Args:
        session: name such as `An220105` or `Pa191024_1`: two letters of the monkey, yymmdd, and a suffix on some.
        sessions_txt: the authors' `db/sessions.txt`, the names in the order of recording.
        stems: stems `sub-X/sub-X_ses-Y` to choose from: those of a folder (`list_stems`) or of the dandiset.
        source: where the stems come from, for messages.

    Raises:
        InputError: if the session is unknown or not all files of its day are among `stems`.
    """
    try:
        names = Path(sessions_txt).read_text().split()
    except (OSError, UnicodeDecodeError):
        raise InputError(sessions_txt, "sessions", "cannot be read", "put the authors' table there") from None
    if session not in names:
        raise InputError(sessions_txt, session, "unknown session", nearest(session, names))
    day = session.split("_")[0]
    same_day = [name for name in names if name.split("_")[0] == day]
    pattern = f"sub-{day[:2]}/sub-{day[:2]}_ses-20{day[2:]}T"
    present = sorted({stem for stem in stems if stem.startswith(pattern)})
    if len(present) > len(same_day):
        problem = f"{len(present)} files, but {len(same_day)} sessions of that day in {sessions_txt}"
        raise InputError(source, f"{pattern}*.nwb", problem, "keep what the dandiset has, or download the table again")
    if len(present) < len(same_day):
        raise InputError(
            source,
            f"{pattern}*.nwb",
            f"{len(present)} of the {len(same_day)} sessions of that day ({listed(same_day)}) present: "
            f"{listed(present) or 'none'}",
            "download the others too, as only their order tells which file is which session",
        )
    return present[same_day.index(session)]


def tracker_latency(session: str, rig_info: str | Path, eye_latency: str | Path) -> float:
    """Delay of the eye tracker in ms, which is subtracted from the times of fixations (Xiao et al. 2024).

    Args:
        session: the authors' name of the session.
        rig_info: `sess_rig_info.csv`, rig and tracker of every session; the last word names the tracker.
        eye_latency: `rig_eye_latency.csv`, the measured delay of every pair of rig and tracker.

    Raises:
        InputError: if the session or its pair of rig and tracker is unknown.
    """
    rigs = read_columns(rig_info, ["Name", "Eye tracker", "Rig"])
    row = rigs[rigs["Name"] == session]
    if row.empty:
        raise InputError(rig_info, session, "unknown session", nearest(session, rigs["Name"].tolist()))
    rig, tracker = str(row["Rig"].iloc[0]), str(row["Eye tracker"].iloc[0]).split(" ")[-1]
    delays = read_columns(eye_latency, ["Rig", "Tracker", "Latency"])
    match = delays.loc[(delays["Rig"] == rig) & (delays["Tracker"] == tracker), "Latency"]
    if match.empty:
        pairs = listed([f"rig {r} {t}" for r, t in zip(delays["Rig"], delays["Tracker"], strict=True)])
        raise InputError(eye_latency, f"rig {rig} {tracker}", f"no latency for {session}", f"known are: {pairs}")
    return float(milliseconds(match, eye_latency, f"Latency of rig {rig} {tracker}")[0])


@contextmanager
def open_nwb(path: str | Path) -> Iterator[h5py.File]:
    """Open an NWB file to read.

    Raises:
        InputError: if it does not exist, or if HDF5 cannot read it, here or inside the block.
    """
    if not Path(path).is_file():
        raise InputError(path, "NWB file", "no such file", "download it from DANDI 000628")
    with open_hdf5(path, "NWB file", "truncated or damaged", AGAIN) as file:
        yield file


def _dataset(file: h5py.File, name: str, *shape: int | None, text: bool = False) -> h5py.Dataset:
    """A dataset of numbers (or text) with `shape`; None stands for any length."""
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(file.filename, name, "dataset missing", AGAIN)
    found = dataset.shape  # None if the dataset is empty
    if found is None or len(found) != len(shape) or any(n not in (None, m) for n, m in zip(shape, found, strict=True)):
        wanted = " x ".join("n" if n is None else str(n) for n in shape) or "()"
        raise InputError(file.filename, name, f"shape {found} in place of {wanted}", AGAIN)
    if (h5py.check_string_dtype(dataset.dtype) is not None) != text or not (text or dataset.dtype.kind in "iuf"):
        raise InputError(file.filename, name, f"{dataset.dtype} in place of {'text' if text else 'numbers'}", AGAIN)
    return dataset


def _check(file: h5py.File, name: str, values: NDArray[Any], right: NDArray[np.bool_], wanted: str) -> None:
    """Refuse (n,) values, naming the first that is not right."""
    if not right.all():
        row = int(np.argmin(right))
        raise InputError(file.filename, name, f"{values[row]} in row {row} in place of {wanted}", AGAIN_OR_LEAVE)


def _indices(file: h5py.File, name: str, n: int) -> NDArray[np.int64]:
    """A dataset of n whole numbers from 0."""
    values = _dataset(file, name, n)[:]
    right = (values >= 0) & (values < 2**53) & (values == np.floor(values))
    _check(file, name, values, right, "a whole number from 0")
    return values.astype(np.int64)


def _intervals(file: h5py.File, group: str, *columns: str) -> pd.DataFrame:
    """An NWB table of time intervals: `start_time`, `stop_time`, `trial_id` and other columns."""
    n = _dataset(file, f"{group}/start_time", None).shape[0]
    table = {name: _dataset(file, f"{group}/{name}", n)[:] for name in ("start_time", "stop_time", *columns)}
    start, stop = table["start_time"], table["stop_time"]
    _check(file, f"{group}/start_time", start, np.isfinite(start), "a time")
    _check(file, f"{group}/stop_time", stop, np.isfinite(stop) & (stop >= start), "a time from start_time on")
    return pd.DataFrame(table | {"trial_id": _indices(file, f"{group}/trial_id", n)})


def read_image_file(path: str | Path) -> ImageFile:
    """Read fixations and presentations from a session's image file.

    Raises:
        InputError: if the file is damaged, lacks a dataset, has one with a wrong shape, type or value, shows an image
            that it does not list, or shows two images in one trial.
    """
    with open_nwb(path) as file:
        group = next((name for name in FIXATIONS if name in file), FIXATIONS[0])
        fixations = _intervals(file, group, "x", "y")
        presentations = _intervals(file, PRESENTATIONS)
        n = len(presentations)
        presentations[["x", "y"]] = _dataset(file, f"{PRESENTATIONS}/position", n, 2)[:]
        shown = _indices(file, SHOWN, n)
        entries = _dataset(file, f"{TEMPLATES}/external_file", None, text=True).asstr()[:]
        dimension = _dataset(file, f"{TEMPLATES}/dimension", 2)[:].astype(np.float64)
        description = _dataset(file, "general/stimulus", text=True).asstr()[()]

    stimulus_ids = [PureWindowsPath(entry).stem for entry in entries]  # reads both / and \
    if "" in stimulus_ids:
        raise InputError(path, f"{TEMPLATES}/external_file", f"entry {stimulus_ids.index('')} names no file", AGAIN)
    outside = shown[shown >= len(stimulus_ids)]
    if outside.size:
        raise InputError(path, SHOWN, f"index {outside[0]} outside {len(stimulus_ids)} external_file entries", AGAIN)
    presentations["stimulus_id"] = np.array(stimulus_ids, dtype=object)[shown]
    twice = presentations.loc[presentations["trial_id"].duplicated(), "trial_id"].unique()
    if twice.size:
        raise InputError(
            path,
            f"{PRESENTATIONS}/trial_id",
            f"two presentations in trial {listed(twice)}",
            "leave the session out, as its fixations cannot be told apart by image",
        )
    found = re.search(r"\[\s*(\d+\.?\d*)\s*,\s*(\d+\.?\d*)\s*\]\s*pix per degree", description)
    per_degree = np.array(found.groups() if found else (0, 0), np.float64)
    if not per_degree.all():
        raise InputError(path, "general/stimulus", f"no pixels per degree in '{description}'", AGAIN)
    if not (np.isfinite(dimension) & (dimension > 0)).all():
        width, height = dimension
        raise InputError(path, f"{TEMPLATES}/dimension", f"images of {width:g} x {height:g} pixels", AGAIN)
    return ImageFile(fixations, presentations, per_degree, dimension, stimulus_ids)


def _rasters(file: h5py.File) -> h5py.Dataset:
    """The (T, U) dataset of spike counts in bins of 1 ms."""
    rasters = _dataset(file, RASTERS, None, None)
    if rasters.dtype != np.uint8:
        raise InputError(file.filename, RASTERS, f"{rasters.dtype} in place of uint8 counts", AGAIN)
    if not rasters.size:
        raise InputError(file.filename, RASTERS, f"shape {rasters.shape}, no counts", AGAIN_OR_LEAVE)
    return rasters


def _read_column(rasters: h5py.Dataset, u: int) -> NDArray[np.uint8]:
    """The (T,) raster of unit u.

    In the dandiset every column is one gzip chunk, which zlib reads directly; HDF5 would copy it twice, which takes a
    quarter of the time of reading a session. HDF5 reads any other layout, and reports any fault.
    """
    length = rasters.shape[0]
    if rasters.chunks == (length, 1) and rasters.compression == "gzip":
        with suppress(OSError, RuntimeError, zlib.error):
            _, packed = rasters.id.read_direct_chunk((0, u))
            column = np.frombuffer(zlib.decompress(packed, bufsize=length), np.uint8)
            if len(column) == length:
                return column
    return rasters[:, u]


def read_recording_ms(path: str | Path, last_s: float = 0) -> int:
    """Length T of the recording in ms, from a session's rasters file.

    Args:
        path: the rasters file.
        last_s: time in s of an event during the recording, such as the onset of the last image.

    Raises:
        InputError: if the file is damaged, its rasters are not (T, U) uint8, or they end before `last_s`.
    """
    with open_nwb(path) as file:
        length = int(_rasters(file).shape[0])
    if last_s * 1000 > length:
        problem = f"ends after {length} ms, but an image comes on at {last_s * 1000:.0f} ms"
        raise InputError(path, RASTERS, problem, f"check that both files are of one session; {AGAIN_OR_LEAVE}")
    return length


def read_spike_times(path: str | Path) -> tuple[list[str], list[NDArray[np.int32]], int]:
    """Read a session's rasters file unit by unit, because every column is one compressed chunk.

    Returns:
        U unit names; for each the ascending times of its spikes in ms; the length T of the recording in ms.

    Raises:
        InputError: if the file is damaged, its rasters are not (T, U) uint8, or its U unit names are not unique or do
            not begin with a channel.
    """
    with open_nwb(path) as file:
        rasters = _rasters(file)
        length, n_units = rasters.shape
        names = [str(name) for name in _dataset(file, UNIT_NAMES, n_units, text=True).asstr()[:]]
        if len(set(names)) != len(names):
            raise InputError(path, UNIT_NAMES, "unit named twice", AGAIN)
        for name in names:
            _channel(name, path)
        spikes = [spike_times(_read_column(rasters, u)) for u in progress(range(n_units), "units read")]
    return names, spikes, int(length)


def _channel(name: str, source: str | Path) -> int:
    """The channel of a unit, from 1: the leading digits of its name."""
    channel = int(digits[0]) if (digits := re.match(r"\d+", name)) else 0
    if channel < 1:
        raise InputError(source, UNIT_NAMES, f"unit '{name}' does not begin with a channel", AGAIN)
    return channel


def locate_units(session: str, names: Sequence[str], bank_regions: str | Path, source: str | Path) -> pd.DataFrame:
    """Where every unit was recorded: the leading digits of its name are its channel; a bank has 32 channels.

    Args:
        session: the authors' name of the session.
        names: U unit names such as `30` or `30a`.
        bank_regions: `bank_array_regions.csv`, array, hemisphere and region of every bank of every session.
        source: where the names come from, for messages.

    Returns:
        One row for each unit: `unit`, `channel` (from 1), `bank` (from 0), `array`, `hemisphere`, `region`.

    Raises:
        InputError: if a name does not begin with a channel, or the table has no row for its bank.
    """
    place = ["Array ID", "Hemisphere", "Region"]
    table = read_columns(bank_regions, ["Session", "Bank", *place])
    table = table[table["Session"] == session]
    banks = dict(zip(table["Bank"], table[place].itertuples(index=False, name=None), strict=True))
    rows = []
    for name in names:
        channel = _channel(name, source)
        bank = (channel - 1) // CHANNELS_PER_BANK
        if not all(banks.get(str(bank), [""])):
            raise InputError(bank_regions, f"{session}, bank {bank}", f"no region for unit {name}", "add its row")
        rows.append((name, channel, bank, *banks[str(bank)]))
    return pd.DataFrame(rows, columns=["unit", "channel", "bank", "array", "hemisphere", "region"])

"""Readers to fuzz: files of Xiao et al. 2024, with sessions, the authors' tables, masks, and their archives."""

import gzip
import io
import json
import random
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from tests.fuzz.files_targets import picture, zip_of
from tests.fuzz.target import Target, forge_hdf5
from tests.unit.data.xiao.test_files import image_file, rasters_file
from ventral.data.xiao import dandi
from ventral.data.xiao.files import (
    locate_units,
    read_image_file,
    read_recording_ms,
    read_spike_times,
    session_stem,
    tracker_latency,
)
from ventral.data.xiao.fixations import FIXATION_COLUMNS, align_fixations, read_fixations
from ventral.data.xiao.labels import (
    _mask_pixels,
    in_regions,
    list_regions,
    read_fields,
    region_distance,
    similar_groups,
)
from ventral.data.xiao.responses import unit_latencies
from ventral.data.xiao.sessions import choose_sessions, read_sessions

SESSION = "Pa210119"
STEM = "sub-Pa/sub-Pa_ses-20210119T101010"


def made(write: Callable[[Path], Path]) -> bytes:
    """The bytes of a file that is written."""
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, "file")).read_bytes()


# Sessions


def read_behaviour(path: Path) -> None:
    found = read_image_file(path)
    for table in (found.fixations, found.presentations):
        times = table[["start_time", "stop_time"]].to_numpy(dtype=float)
        assert np.isfinite(times).all() and (times[:, 1] >= times[:, 0]).all() and (table["trial_id"] >= 0).all()
    assert set(found.presentations["stimulus_id"]) <= set(found.stimulus_ids)
    assert (found.size_dva >= 0).all() and np.isfinite(found.size_dva).all()
    aligned = align_fixations(SESSION, found.fixations, found.presentations, found.size_dva, 37.0, 10_000)
    assert list(aligned) == list(FIXATION_COLUMNS)


def make_rasters(_folder: Path) -> list[bytes]:
    counts = np.random.default_rng(0).poisson(0.1, (3000, 3)).astype(np.uint8)
    return [made(lambda path: rasters_file(path, counts))]


def read_rasters(path: Path) -> None:
    names, spikes, length = read_spike_times(path)
    assert len(names) == len(spikes) == len(set(names)) and length == read_recording_ms(path)
    for times in spikes:
        assert (np.diff(times) >= 0).all() and (not len(times) or 0 <= times[0] <= times[-1] < length)


# Tables


def csv(**columns: list) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


RIGS = csv(Name=[SESSION, "Bo1"], **{"Eye tracker": ["SR EyeLink", "None"], "Rig": ["2", "1"]})
DELAYS = csv(Rig=["1", "2"], Tracker=["None", "EyeLink"], Latency=[24, 5])
BANKS = csv(Session=[SESSION] * 2, Bank=[0, 1], **{"Array ID": ["a", "b"]}, Hemisphere=["L", "R"], Region=["V1", "IT"])
LATENCIES = csv(Session=[SESSION] * 3, Name=["1", "1a", "33"], Latency=[50, 60.5, 45])
FIELDS = csv(Session=[SESSION] * 3, Name=["1", "1a", "33"], x=[0, 1.5, -2], y=[0, 1, 2.25], r=[1, 2, 0.5])
BOXES = csv(Filename=["0a.png", "12.png"], x=[0, 5], y=[1, 2], w=[10, 20], h=[10, 5], W=[40, 40], H=[30, 30])
UNITS = ["1", "1a", "33"]


def read_rigs(path: Path) -> None:
    assert np.isfinite(tracker_latency(SESSION, path, path.parent.parent / "delays.csv"))


def make_rigs(folder: Path) -> list[bytes]:
    (folder / "delays.csv").write_bytes(DELAYS)
    return [RIGS]


def make_delays(folder: Path) -> list[bytes]:
    (folder / "rigs.csv").write_bytes(RIGS)
    return [DELAYS]


def read_delays(path: Path) -> None:
    assert np.isfinite(tracker_latency(SESSION, path.parent.parent / "rigs.csv", path))


def read_banks(path: Path) -> None:
    units = locate_units(SESSION, UNITS, path, "units")
    assert list(units["unit"]) == UNITS and (units["channel"] > 0).all() and units["region"].astype(bool).all()


def read_latencies(path: Path) -> None:
    units = pd.DataFrame({"unit": UNITS, "region": ["V1", "V1", "CIT"]})
    found = unit_latencies(SESSION, units, path, "table")
    assert found.shape == (3,) and (found >= 40).all() and np.isfinite(found).all()


def read_receptive_fields(path: Path) -> None:
    found = read_fields(SESSION, UNITS, path)
    assert found.shape == (3, 3) and all(dtype.kind == "f" for dtype in found.dtypes)


def read_boxes(path: Path) -> None:
    regions = list_regions(path.parent)
    stems = np.array(["0a", "12", "none"])
    distance = region_distance(stems, np.zeros(3), np.zeros(3), np.array([10.0, 8.0]), regions)
    assert distance.shape == (3,) and (distance >= 0).all() and np.isinf(distance[2])
    fields = pd.DataFrame({"x": [0.0], "y": [0.0], "r": [1.0]})
    assert in_regions(stems, np.zeros(3), np.zeros(3), fields, np.array([10.0, 8.0]), regions).shape == (3, 1)


def read_mask(path: Path) -> None:
    regions = pd.DataFrame({"stem": ["0a"], "mask": [str(path)]})
    _mask_pixels.cache_clear()
    distance = region_distance(np.array(["0a"]), np.zeros(1), np.zeros(1), np.array([10.0, 8.0]), regions)
    assert distance.shape == (1,) and (distance >= 0).all()


def read_similar(path: Path) -> None:
    assert all(isinstance(stem, str) for pair in similar_groups(path).items() for stem in pair)


def read_names(path: Path) -> None:
    assert session_stem(SESSION, path, [STEM], "files") == STEM


def read_chosen(path: Path) -> None:
    table = read_sessions(path)
    assert all(isinstance(name, str) for name in choose_sessions(table, "all"))
    choose_sessions(table, {"region": "IT", "min_units": 1})


SESSIONS = (Path(__file__).parents[2] / "config" / "xiao_sessions.csv").read_bytes()
FIXATIONS = csv(
    **{
        name: [SESSION if name == "session" else False if kind is bool else 1]
        for name, kind in FIXATION_COLUMNS.items()
    }
)


def read_kept_fixations(path: Path) -> None:
    assert list(read_fixations(path)) == list(FIXATION_COLUMNS)


# Archives


def read_archive(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        dandi.unpack(path, Path(folder, "unpacked"))
        inside = [item for item in Path(folder).rglob("*")]
        assert not any(item.is_symlink() for item in inside)
        assert sum(item.stat().st_size for item in inside if item.is_file()) < 100 << 20


def forge_archives(_sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    for name in ("../a.png", "/tmp/a.png", "C:\\a.png", "..\\a.png", "a/../../b.png", "x\n\nPath = y", "x" * 5000):
        yield zip_of((name, b"1"), ("b.png", b"2"))
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    yield zip_of((link, b"/etc/passwd"), ("link.png/x", b"1"))
    yield zip_of(("a.png", bytes(200 << 20)), compression=zipfile.ZIP_DEFLATED)
    kinds = {"../a": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE}
    for name, kind in kinds.items():
        yield tar_of({name: b""}, kind)


def tar_of(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


WANTED = {"sessions.txt": "", "a/b.csv": ""}


def read_tables_archive(path: Path) -> None:
    for name, data in dandi._files_of_db(path, WANTED):
        assert name in WANTED and len(data) < 100 << 20


def forge_tables_archives(_sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, b"\xff"):
        yield gzip.compress(tar_of({"x/db/sessions.txt": b""}, kind))
    yield gzip.compress(tar_of({"../../db/sessions.txt": b"1", "/db/a/b.csv": b"2"}))
    huge = tarfile.TarInfo("x/db/sessions.txt")
    huge.size = 2 << 40
    yield gzip.compress(huge.tobuf() + bytes(2048))
    huge.size = 1 << 20
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", 1) as file:
        huge.size = 2 << 30
        file.write(huge.tobuf())
        file.write(bytes(64 << 20))
    yield bomb.getvalue()
    yield gzip.compress(b"\x1f\x8b" + struct.pack("<Q", 1) * 500)


def listing() -> bytes:
    files = [
        {
            "attributes": {"kind": "file", "name": name, "size": 5, "extra": {"hashes": {"sha256": "0" * 64}}},
            "links": {"download": f"https://osf.io/{name}"},
        }
        for name in dandi.STIMULI
    ]
    return json.dumps({"data": files, "links": {"next": None}}).encode()


def read_listing(path: Path) -> None:
    """The listing of a server that gives the same page at every address."""

    def page(_urls: list[str], target: Path, **_options: object) -> None:
        Path(target).write_bytes(path.read_bytes())

    with patch.object(dandi, "fetch", page), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for name, told in dandi.list_osf("https://osf.io", Path(folder, "page")).items():
            assert isinstance(name, str) and isinstance(told.url, str) and told.size >= 0 and len(told.sha256) == 64


TARGETS = [
    Target("xiao_image_nwb", ".nwb", 150, lambda _: [made(image_file)], read_behaviour, forge_hdf5),
    Target("xiao_rasters_nwb", ".nwb", 150, make_rasters, read_rasters, forge_hdf5),
    Target("rigs", ".csv", 40, make_rigs, read_rigs),
    Target("tracker_delays", ".csv", 40, make_delays, read_delays),
    Target("banks", ".csv", 40, lambda _: [BANKS], read_banks),
    Target("latencies", ".csv", 40, lambda _: [LATENCIES], read_latencies),
    Target("latencies_gz", ".csv.gz", 30, lambda _: [gzip.compress(LATENCIES)], read_latencies),
    Target("fields_gz", ".csv.gz", 40, lambda _: [FIELDS], read_receptive_fields, wrap=gzip.compress),
    Target("boxes", ".csv", 50, lambda _: [BOXES], read_boxes),
    Target("mask", ".png", 60, lambda _: [picture("PNG"), picture("JPEG")], read_mask),
    Target("similar_images", ".txt", 30, lambda _: [b"a.png b.jpg\nc.png d.png e.png\n"], read_similar),
    Target("session_names", ".txt", 30, lambda _: [f"Bo200712\n{SESSION}\nRe210512\n".encode()], read_names),
    Target("session_table", ".csv", 30, lambda _: [SESSIONS[:3000].rpartition(b"\n")[0]], read_chosen),
    Target("fixations", ".csv", 40, lambda _: [FIXATIONS], read_kept_fixations),
    Target("stimuli_archive", ".zip", 40, lambda _: [zip_of(("a/b.png", picture()))], read_archive, forge_archives),
    Target(
        "tables_archive",
        ".tar.gz",
        60,
        lambda _: [tar_of({"x/db/sessions.txt": b"Pa1\n", "x/db/a/b.csv": b"a,b\n"})],
        read_tables_archive,
        forge_tables_archives,
        gzip.compress,
    ),
    Target("osf_listing", ".json", 80, lambda _: [listing()], read_listing),
]

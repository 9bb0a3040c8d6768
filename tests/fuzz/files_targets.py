"""Readers to fuzz: images in files and archives, the user's own tables and arrays, files of Majaj & Hong 2015."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
import xarray as xr
from PIL import Image

from tests.fuzz.target import Target, forge_hdf5
from ventral.data.images import open_images, read_images
from ventral.data.majaj.course import read_course_responses
from ventral.data.majaj.course_files import read_course_images
from ventral.data.majaj.files import read_majaj_images, read_stimuli
from ventral.data.majaj.responses import read_majaj_responses
from ventral.data.majaj.simulation import simulate
from ventral.data.own.recordings import read_recordings
from ventral.data.pixels import decode_image
from ventral.data.responses import N_PAIRS
from ventral.data.sources.kriegeskorte92 import REGIONS, read_kriegeskorte

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
NAMES = ("a1.png", "a2.png", "b/a10.png")
SETTINGS = {"name": "mine", "layout": ["stimulus", "neuroid", "repeat"], "region": "IT", "subject": "x", "units": "Hz"}
SPLIT = {"val": 0.1, "test": 0.2}
N = 12


def picture(format_: str = "PNG", side: int = 12, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((side, side)).convert(mode).save(buffer, format_)
    return buffer.getvalue()


# Images


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def make_zips(_folder: Path) -> list[bytes]:
    entries = [(name, picture(side=8 + i)) for i, name in enumerate(NAMES)]
    return [zip_of(*entries), zip_of(*entries, compression=zipfile.ZIP_DEFLATED)]


def forge_zips(sound: list[bytes], rng: random.Random) -> Iterator[bytes]:
    image = picture()
    odd = ("../a.png", "/a.png", "C:\\a.png", "..\\a.png", "a\x00.png", "\x1b[2J.png", "é\udc80.png", "x" * 60000)
    odd += (".", "..", "a/../../b.png", "//a.png", "a/./b.png", "con.png", "\N{RIGHT-TO-LEFT OVERRIDE}.png", " ", "\n")
    for name in odd:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name.encode("utf-8", "replace").decode()
        yield zip_of(("a1.png", image), (info, image))
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    yield zip_of((link, b"/etc/passwd"))
    yield zip_of(("a.png", image), ("a.png", picture("JPEG")))
    yield zip_of(("a.png", bytes(300 << 20)), compression=zipfile.ZIP_DEFLATED)
    yield zip_of(("a.png", zip_of(("a.png", image))))
    yield zip_of()
    whole = sound[0]
    for marker, places in ((b"PK\x03\x04", (6, 8, 18, 22, 26, 28)), (b"PK\x01\x02", (8, 10, 20, 24, 28, 30, 42))):
        for place in places:
            for value in (0, 1, 0x7FFF, 0xFFFF):
                at = whole.index(marker) + place
                yield whole[:at] + struct.pack("<H", value) + whole[at + 2 :]
    for value in (0xFFFF_FFFF, 0x7FFF_FFFF):  # declared sizes
        at = whole.index(b"PK\x01\x02") + 24
        yield whole[:at] + struct.pack("<I", value) + whole[at + 4 :]


def read_zip(path: Path) -> None:
    names, read = open_images(path)
    assert names and all(name.isprintable() for name in names)
    images = read_images(path, names, read, side=16)
    assert images.shape == (len(names), 16, 16, 3) and images.dtype == np.uint8


def read_picture(path: Path) -> None:
    image = decode_image(path.read_bytes(), path, path.name)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size


def forge_pictures(_sound: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """PNGs with sound checksums and wrong contents; formats that need a program; pictures of a terabyte."""
    whole = picture()
    for _ in range(150):
        chunks = list(png_chunks(whole))
        for _ in range(rng.choice((1, 2))):
            i = rng.randrange(len(chunks))
            kind, body = chunks[i]
            damaged = bytearray(body)
            for _ in range(rng.choice((1, 4))):
                if damaged:
                    damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 3, 4, 6, 16, 0x7F, 0xFF))
            chunks[i] = (rng.choice((kind, b"tRNS", b"PLTE", b"iTXt", kind)), bytes(damaged))
        yield png_of(chunks)
    header = b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    yield png_of([header, (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")])
    text = b"zTXt", b"a\0\0" + zlib.compress(bytes(80 << 20))
    first, *rest = png_chunks(whole)
    yield png_of([first, text, *rest])
    yield b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    for mode in ("1", "L", "LA", "P", "RGBA", "I", "F", "I;16"):
        yield picture("TIFF", 6, mode)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# Responses of the user's own


def rates() -> np.ndarray:
    """(stimulus, neuroid, repeat)"""
    return np.random.default_rng(0).normal(size=(N, 3, 4)) + np.arange(N)[:, None, None]


def own_images(folder: Path) -> None:
    (folder / "images").mkdir()
    for i in range(N):
        Image.new("L", (4, 4), i).save(folder / "images" / f"im{i}.png")


def read_own(path: Path) -> None:
    found = read_recordings(path.parent.parent / "images", path, SETTINGS, SPLIT, seed=0)
    n = found.sizes["neuroid"]
    assert found["rate"].shape == (N, n) and found["rate_half"].shape == (2 * N_PAIRS, N, n) and n
    assert found["rate"].dtype == np.float64 and not np.isinf(found["rate"].values).any()
    assert {found[name].dims for name in ("neuroid_id", "region", "subject", "session")} == {("neuroid",)}


def make_npy(folder: Path) -> list[bytes]:
    own_images(folder)
    return [npy(rates()), npy(rates().astype(np.float32)), npy(np.rint(rates()).astype(np.int16))]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def forge_npy(sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    whole = rates()
    for array in (
        whole[0],
        whole[:5],
        whole[:, :0],
        whole[None],
        whole * np.nan,
        whole * np.inf,
        whole * 0,
        whole + 1j,
    ):
        yield npy(array)
    for dtype in ("U5", "S3", object, "M8[ns]", bool, np.longdouble, [("a", float)]):
        yield npy(whole.astype(dtype))
    spoilt = whole.copy()
    spoilt[3, 1, 2] = np.inf
    yield npy(spoilt)
    for shape in (
        "1" * 30,
        "-5",
        "2**40",
        "99999999999, 3, 4",
        "1099511627776, 1, 1",
        "[" * 3000,
        "True, 3, 4",
        "'a', 3",
    ):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape},), }}".encode().ljust(117) + b"\n"
        yield b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100)
    yield zip_of(("rate.npy", npy(whole)))


def make_own_csv(folder: Path) -> list[bytes]:
    own_images(folder)
    rows = [{"image": f"im{i}.png"} | dict(zip("abc", rates()[i, :, r], strict=True)) for r in (0, 1) for i in range(N)]
    return [pd.DataFrame(rows).round(3).to_csv(index=False).encode()]


def make_nc(folder: Path) -> list[bytes]:
    own_images(folder)
    plain = xr.Dataset({"rate": (("stimulus", "neuroid", "repeat"), rates())})
    labelled = plain.assign_coords(
        neuroid_id=("neuroid", ["a", "b", "c"]), region=("neuroid", ["V4", "V4", "IT"]), session="s"
    )
    labelled["rate"].encoding = {"zlib": True}
    found = []
    for i, dataset in enumerate((plain, labelled)):
        dataset.to_netcdf(folder / f"{i}.nc", engine="h5netcdf")
        found.append((folder / f"{i}.nc").read_bytes())
    return found


# Files of Majaj & Hong 2015


def majaj(folder: Path) -> None:
    names = ("assembly.nc", "stimuli.csv", "images.zip", "truth.nc", "IT_data.h5")
    simulate(*(folder / name for name in names), n_images=64, image_size=16, n_sites=6, repetitions=2, seed=1)


def make_of_majaj(name: str):
    def make(folder: Path) -> list[bytes]:
        majaj(folder)
        return [(folder / name).read_bytes()]

    return make


def read_assembly(path: Path) -> None:
    stimuli, images = (path.parent.parent / name for name in ("stimuli.csv", "images.zip"))
    found = read_majaj_responses(path, stimuli, SPLIT, seed=0)
    assert found["rate"].shape == (found.sizes["stimulus"], found.sizes["neuroid"])
    assert np.isfinite(found["rate"].values).any(axis=0).all() and not np.isinf(found["rate"].values).any()
    assert set(found["split"].values) <= {"train", "val", "test"}
    assert len(read_majaj_images(path, stimuli, images)[0]) == found.sizes["stimulus"]


def some_hdf5(sound: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Half of the changes, as the assembly has many variables of one kind."""
    return (data for data in forge_hdf5(sound, rng) if rng.random() < 0.5)


def read_course(path: Path) -> None:
    found = read_course_responses(path)
    known = found["split"].values != "test"
    assert np.isfinite(found["rate"].values[known]).all() and found.sizes["neuroid"]
    images, labels = read_course_images(path)
    assert images.dtype == np.uint8 and len(images) == found.sizes["stimulus"] == len(labels["object_name"])


def read_majaj_csv(path: Path) -> None:
    table = read_stimuli(path)
    assert table.index.is_unique and {"object_name", "category_name"} <= set(table.columns)


def make_mat(_folder: Path) -> list[bytes]:
    """As the supplement of Kriegeskorte et al. 2008, of five photographs of 4 x 4 pixels."""
    objects = np.empty((1, 5), dtype=[("image", object), ("category", object)])
    for i in range(5):
        objects[0, i] = (np.full((4, 4, 3), i, np.uint8), "face" if i else "place")
    rdms = np.empty((1, 2), dtype=[("name", object), ("RDM", object)])
    for i, name in enumerate(REGIONS):
        rdms[0, i] = (name, np.linspace(0, 1, 10)[None])
    content = {"stimuli_92objs": objects, "RDMs_mIT_hIT_fig1": rdms}
    found = []
    for compressed in (False, True):
        buffer = io.BytesIO()
        scipy.io.savemat(buffer, content, do_compression=compressed)
        found.append(buffer.getvalue())
    return found


def read_mat(path: Path) -> None:
    images, found = read_kriegeskorte(path)
    n = len(images)
    assert images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3
    assert found["rdm"].shape == (2, n, n) and np.isfinite(found["rdm"].values).all()


TARGETS = [
    Target("image_zip", ".zip", 150, make_zips, read_zip, forge_zips),
    Target("image_zip_inside", ".zip", 60, lambda _: [picture()], read_zip, wrap=lambda d: zip_of(("a.png", d))),
    Target("image", ".img", 200, lambda _: [picture(name) for name in FORMATS], read_picture, forge_pictures),
    Target("own_npy", ".npy", 120, make_npy, read_own, forge_npy),
    Target("own_csv", ".csv", 120, make_own_csv, read_own),
    Target("own_nc", ".nc", 100, make_nc, read_own, forge_hdf5),
    Target("majaj_csv", ".csv", 80, make_of_majaj("stimuli.csv"), read_majaj_csv),
    Target("majaj_assembly", ".nc", 80, make_of_majaj("assembly.nc"), read_assembly, some_hdf5),
    Target("course_file", ".h5", 80, make_of_majaj("IT_data.h5"), read_course, forge_hdf5),
    Target("kriegeskorte92_mat", ".mat", 120, make_mat, read_mat),
]

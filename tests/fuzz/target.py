"""A target of fuzzing: a reader, inputs that it accepts, and what it promises about others."""

import io
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def _as_it_is(data: bytes) -> bytes:
    return data


def _none(_sound: list[bytes], _rng: random.Random) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: of the folder that it works in.
        suffix: of its inputs.
        mutations: number of damaged inputs.
        make: valid inputs; in the given folder whatever must lie beside them.
        read: reads the input at a path; an assertion fails where the result is not as promised.
        forge: from the valid inputs, others that are whole as files and wrong in what they say.
        wrap: puts a damaged content into a sound container.
    """

    name: str
    suffix: str
    mutations: int
    make: Callable[[Path], list[bytes]]
    read: Callable[[Path], Any]
    forge: Callable[[list[bytes], random.Random], Iterable[bytes]] = _none
    wrap: Callable[[bytes], bytes] = _as_it_is


def datasets(data: bytes) -> list[str]:
    """Names of all datasets of an HDF5 file."""
    found: list[str] = []
    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def forge_hdf5(sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    """Every dataset in turn missing, of another shape or type, absurdly large, not finite, or somewhere else."""
    for data in sound:
        for name in datasets(data):
            for change in CHANGES:
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as file:
                    before = file[name]
                    del file[name]
                    change(file, name, before)
                    with suppress(RuntimeError, KeyError):  # of links that lead nowhere
                        for key, value in before.attrs.items():  # by which netCDF finds dimensions
                            file[name].attrs[key] = value
                yield buffer.getvalue()


def _filled(value: Any, dtype: Any = float) -> Callable[[h5py.File, str, h5py.Dataset], Any]:
    return lambda file, name, before: file.create_dataset(name, data=np.full(before.shape, value, dtype=dtype))


def _declared(rows: int) -> Callable[[h5py.File, str, h5py.Dataset], Any]:
    """So many rows, of which none is stored."""

    def change(file: h5py.File, name: str, before: h5py.Dataset) -> None:
        shape = (rows, *before.shape[1:])
        file.create_dataset(name, shape=shape, dtype=before.dtype, chunks=(1, *(max(1, n) for n in shape[1:])))

    return change


CHANGES: tuple[Callable[[h5py.File, str, h5py.Dataset], Any], ...] = (
    lambda file, name, before: None,
    _filled(np.nan),
    _filled(np.inf),
    _filled(-1, np.int64),
    _filled(2**63 - 1, np.int64),
    _filled(1 + 2j, np.complex128),
    _filled(True, bool),
    _filled(b"../../x", "S16"),
    _filled(b"\xff\xfe", "S2"),
    _filled(0, [("a", int), ("b", float)]),
    lambda file, name, before: file.create_dataset(
        name, data=np.full(before.shape, "a\tb", dtype=object), dtype=h5py.string_dtype()
    ),
    lambda file, name, before: file.create_dataset(name, data=1),
    lambda file, name, before: file.create_dataset(name, data="text"),
    lambda file, name, before: file.create_dataset(name, data=h5py.Empty("f8")),
    lambda file, name, before: file.create_dataset(name, data=np.zeros((0, *before.shape[1:]), before.dtype)),
    lambda file, name, before: file.create_dataset(name, data=np.zeros((*before.shape, 2))),
    lambda file, name, before: file.create_dataset(name, data=[file.ref], dtype=h5py.ref_dtype),
    lambda file, name, before: file.create_group(name),
    lambda file, name, before: file.__setitem__(name, h5py.SoftLink(f"/{name}")),
    lambda file, name, before: file.__setitem__(name, h5py.SoftLink("/")),
    lambda file, name, before: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x")),
    _declared(10**9),
    _declared(2**40),
)

"""HDF5 files of the user's, among them netCDF and NWB: opened, and refused if they are damaged or unsafe."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import h5py

from ventral.files.atomic import CLOSE, HELD, is_held
from ventral.files.crashes import comes_back
from ventral.files.errors import InputError, refusing

INFLATION = 1032  # most bytes that one compressed byte can become (zlib technical details)

SCALES = "DIMENSION_LIST"  # the attribute by which netCDF-4 names the axes of a variable


@contextmanager
def open_hdf5(path: str | Path, field: str, problem: str, remedy: str) -> Iterator[h5py.File]:
    """Open a file to read.

    Args:
        path: of the file.
        field: as errors name what is read.
        problem: as errors name what cannot be read, now or inside the block.
        remedy: against it.

    Raises:
        InputError: if anything in the file cannot be read, lies in another file, or claims to be larger than the file
            can hold.
    """
    with refusing(path, field, problem, remedy):
        if not comes_back(partial(_read_all_varying, path), path):
            raise InputError(path, field, problem, remedy)
        with opened(path) as file:
            check_contained(file, remedy)
            yield file


def opened(path: str | Path) -> h5py.File:
    """Open a file to read, also on disks without file locks.

    Raises:
        InputError: if another process holds it.
    """
    try:
        return h5py.File(path, locking="best-effort")
    except OSError as error:
        if is_held(error):
            raise InputError(path, "file", HELD, CLOSE) from None
        if "unable to lock" not in str(error):
            raise
        return h5py.File(path, locking=False)


def _read_all_varying(path: str | Path) -> None:
    """Read all data of varying length in a file: if damaged, its heaps can make HDF5 crash or hang."""
    with opened(path) as file:
        _read_varying(file)
        file.visititems(lambda _, item: _read_varying(item))


def _read_varying(item: h5py.Group | h5py.Dataset) -> None:
    """Read what HDF5 keeps in heaps: attributes and values of varying length."""
    with suppress(Exception):
        for name in item.attrs:
            item.attrs[name]
    with suppress(Exception):
        if isinstance(item, h5py.Dataset) and item.dtype.hasobject:
            item[()]


def check_contained(file: h5py.File, remedy: str) -> None:
    """Refuse a file that takes data from other files, or declares arrays larger than its bytes can hold.

    Raises:
        InputError: naming the object at fault.
    """
    room = INFLATION * Path(file.filename).stat().st_size

    def outside(name: bytes) -> bytes | None:
        inside = file.id.links.get_info(name).type in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT)
        return None if inside else name

    def check_dataset(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise InputError(file.filename, name, "lies in another file", remedy)
        if item.shape is not None and item.nbytes > room:
            raise InputError(file.filename, name, f"shape {item.shape} is more than the file can hold", remedy)
        if SCALES in item.attrs:
            told = item.attrs.get_id(SCALES)
            # HDF5's library of dimension scales trusts this list, and writes out of bounds if the list is too long.
            if told.shape != (len(item.shape or ()),) or h5py.check_vlen_dtype(told.dtype) != h5py.ref_dtype:
                raise InputError(file.filename, name, f"{SCALES} is not one list of references an axis", remedy)

    found = file.id.links.visit(outside)  # returned, since h5py cannot pass on an exception of this visitor
    if found is not None:
        raise InputError(file.filename, found.decode(errors="replace"), "lies in another file", remedy)
    file.visititems(check_dataset)

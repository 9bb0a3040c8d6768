"""Files that are whole or not there: written under a temporary name, renamed, and sealed with a checksum."""

import errno
import io
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ventral.files.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT)
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EIO)
HELD = "in use: another program, such as a notebook, holds it open"
CLOSE = "close it there and run again"
SEAL = b"\nCRC-32 %08x\n"  # after the last byte, where readers of HDF5, netCDF and torch files do not look
SEAL_SIZE = len(SEAL % 0)
CHUNK = 1 << 24
LEAST_ROOM = 1 << 16  # less than Snakemake itself writes in a run


@contextmanager
def writing(path: str | Path, *, sealed: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on any failure.

    The temporary name keeps the suffix of `path`, because some writers choose the format by it.

    Args:
        path: file to write. Temporary files that killed jobs left beside it are deleted.
        sealed: append a checksum, which `reading` checks. Without it, an HDF5, netCDF or torch file with a flipped byte
            can be read as wrong numbers.

    Raises:
        InputError: if the disk is full or cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in _temporaries(path):
            left.unlink(missing_ok=True)
        try:
            yield temporary
            if sealed:
                with open(temporary, "ab") as file:
                    file.write(SEAL % _checksum(temporary, temporary.stat().st_size))
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def enduring(path: str | Path) -> Iterator[io.FileIO]:
    """Open a new file for h5py, xarray or torch to write into; a full disk is reported when the block ends.

    When a write fails, HDF5 itself prints pages of errors or crashes, and torch does not give the reason.

    Raises:
        OSError: the first failure of a write.
    """
    with _Enduring(path, "w+b") as file:
        try:
            yield file
        finally:
            if file.fault is not None:
                raise file.fault from None


class _Enduring(io.FileIO):
    fault: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        while left and self.fault is None:
            try:
                left = left[super().write(left) :]
            except OSError as fault:
                self.fault = fault
        return memoryview(data).nbytes


def _temporaries(path: Path) -> list[Path]:
    """The files under the temporary names that any process uses for `path`."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.\d+{re.escape(path.suffix)}")
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name)]


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Check the seal of a file that the study wrote. Report it as damaged if the seal is wrong or reading fails.

    Raises:
        InputError: naming `path`, in place of any error of the library that reads it.
    """
    try:
        status = os.stat(path)
        _check_seal(str(path), status.st_size, status.st_mtime_ns)
        yield
    except InputError:
        raise
    except Exception as error:
        if is_held(error):
            raise InputError(path, "file", HELD, CLOSE) from None
        raise InputError(
            path, "file", f"damaged or incomplete ({type(error).__name__})", "delete it, run again"
        ) from None


def is_held(error: BaseException) -> bool:
    """Whether HDF5 refused a file because another process has it open."""
    told = str(error)
    return isinstance(error, BlockingIOError) or "already open for write" in told or "already open for read" in told


@cache  # once for all layers of a file
def _check_seal(path: str, size: int, _mtime_ns: int) -> None:
    with open(path, "rb") as file:
        file.seek(max(size - SEAL_SIZE, 0))
        if file.read() != SEAL % _checksum(path, max(size - SEAL_SIZE, 0)):
            raise InputError(path, "file", "damaged or incomplete (its checksum differs)", "delete it, run again")


def _checksum(path: str | Path, size: int) -> int:
    """CRC-32 of the first `size` bytes of a file."""
    value = 0
    with open(path, "rb") as file:
        for start in range(0, size, CHUNK):
            value = zlib.crc32(file.read(min(CHUNK, size - start)), value)
    return value


def check_writable(folder: str | Path) -> None:
    """Refuse a folder that cannot be written to. A folder that does not exist yet is accepted.

    Raises:
        InputError: if it is read-only or its disk is full.
    """
    folder = Path(folder).resolve()
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise InputError(folder, "disk", "read-only", "make it writable, or run in another folder")
    if folder.is_dir() and shutil.disk_usage(folder).free < LEAST_ROOM:
        raise InputError(folder, "disk", "no space left", "free some and run again")


@contextmanager
def disk_faults(path: str | Path) -> Iterator[None]:
    """Turn a failure to write `path`, as on a full or read-only disk, into one line.

    Raises:
        InputError: in place of the OSError, or of the error that HDF5 or safetensors raise for it.
    """
    try:
        yield
    except Exception as error:
        told = re.search(r"(?:errno =|os error) (\d+)", str(error))  # HDF5 and safetensors put the number into the text
        number = int(told[1]) if told else getattr(error, "errno", None)
        if number in FULL:
            raise InputError(path, "disk", "no space left", "free some and run again") from None
        if number in UNWRITABLE:
            at_fault = getattr(error, "filename", None) or path
            raise InputError(at_fault, "disk", os.strerror(number), "correct it and run again") from None
        raise

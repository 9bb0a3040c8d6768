"""Download a file over HTTP(S): try mirrors in turn, resume after a cut, verify before the file gets its name."""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests  # type: ignore[import-untyped]

from ventral.files.atomic import disk_faults
from ventral.files.console import SECONDS_BETWEEN_LINES
from ventral.files.errors import InputError
from ventral.files.stand_in import stand_in

CHUNK = 1 << 13  # a cut connection loses at most so many bytes
MEGABYTE = 1e6
GIT, GIT_ID = "git", "git blob id"
SHORTEST = 8  # digits of a digest; publishers put so many into names of files
PASSING = (408, 425, 429)  # HTTP errors that may pass, like any 5xx


class _Fault(Exception):
    """Why one try at one mirror failed, and whether it is useless to ask that mirror again."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def fetch(
    urls: Sequence[str],
    path: str | Path,
    *,
    digest: str | None = None,
    size: int | None = None,
    attempts: int = 6,
    backoff: float = 1.0,
    stall: float = 60.0,
    refuse: Callable[[Path], str] | None = None,
    otherwise: str = "",
) -> None:
    """Download a file. Afterwards the right file is at `path`, or none.

    After a cut, the bytes so far stay as `{path}.part`; the next try, or the next run, asks for the rest. Without a
    digest a wrong splice would go unnoticed, so every try then starts from the first byte.

    Args:
        urls: addresses of the file, best first. Every round asks all of them but those that are known to be useless.
        path: where the file goes; its folder is made. If a file with the digest is there, nothing is downloaded.
        digest: expected hash, such as "sha256:09524d...", "md5:..." or "git:...", the id of a git blob; the first eight
            digits or more are enough.
        size: its length in bytes.
        attempts: rounds without a new byte after which it gives up.
        backoff: seconds before the second round; doubled before every further one.
        stall: seconds without a byte after which a connection is given up.
        refuse: says what a wrong file is, such as a page of HTML, or returns "" for the right kind; a wrong file is
            deleted.
        otherwise: what the user can do without a connection; told if no mirror gives the file.

    Raises:
        InputError: if no mirror gives the file, with the reason of each, or if it cannot be written.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    waiting, reasons = list(urls), dict.fromkeys(urls, "not asked")
    failures = furthest = 0
    with disk_faults(path):
        if digest and path.is_file() and not difference(path, digest, size):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        while waiting and failures < attempts:
            if failures:
                time.sleep(backoff * 2 ** (failures - 1))
            for url in list(waiting):
                try:
                    _complete(url, part, digest, size, stall, refuse)
                    os.replace(part, path)
                    return
                except _Fault as fault:
                    reasons[url] = str(fault)
                    print(f"{path.name}: {_host(url)}: {fault}", file=sys.stderr)
                    if fault.final:
                        waiting.remove(url)
            arrived = part.stat().st_size if part.is_file() else 0
            failures, furthest = (1 if arrived > furthest else failures + 1), max(arrived, furthest)
    told = ", ".join(f"{_host(url)}: {reason}" for url, reason in reasons.items())
    kept = ": it goes on where it stopped" if digest and part.is_file() else ""
    beside = f", or {otherwise}" if otherwise else ""
    raise InputError(path, "download", told, f"check the connection and run again{kept}{beside}")


def fetch_text(url: str) -> str:
    """The text at an address.

    Raises:
        InputError: if it cannot be downloaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text")
        fetch([url], path)
        return path.read_text(errors="replace")


def difference(path: Path, digest: str | None, size: int | None) -> str:
    """How a file differs from this digest and size; empty if it does not."""
    found = path.stat().st_size
    if size is not None and found != size:
        return f"{found} bytes in place of {size}"
    algorithm, _, expected = (digest or "").partition(":")
    if algorithm:
        # A git blob id is the sha1 of a header and the bytes (Git's documentation, "Git Objects").
        start = partial(hashlib.sha1, b"blob %d\0" % found) if algorithm == GIT else algorithm
        with open(path, "rb") as file:
            found_digest = hashlib.file_digest(file, start).hexdigest()
            if found_digest[: max(len(expected), SHORTEST)] != expected.lower():
                return f"wrong {GIT_ID if algorithm == GIT else algorithm}"
    return ""


@contextmanager
def filling(folder: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it takes the place of `folder` on success and is deleted on any failure."""
    folder = Path(folder)
    # The same name for all processes, so that what a killed one left is cleared here.
    temporary = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _complete(
    url: str, part: Path, digest: str | None, size: int | None, stall: float, refuse: Callable[[Path], str] | None
) -> None:
    """Bring `part` to its full length from one mirror, and verify it."""
    if digest is None or (part.is_file() and size is not None and part.stat().st_size > size):
        part.unlink(missing_ok=True)
    before = part.stat().st_size if part.is_file() else 0
    if size is None or before < size:
        try:
            before = _receive(url, part, before, size, stall)
        except requests.RequestException as error:
            # ValueError: what requests raises for an invalid address.
            raise _Fault(_short(error, stall), final=isinstance(error, ValueError)) from None
    arrived = part.stat().st_size
    if size is not None and arrived < size:
        raise _Fault(f"connection cut after {arrived} of {size} bytes")
    if wrong := difference(part, digest, size):
        came = stand_in(part)
        part.unlink()
        wrong += f": {came}" if came else ""
        # After a resumption the first bytes may be wrong because of another mirror. This one may try again from the
        # start.
        raise _Fault(wrong, final=not before)
    if refuse is not None and (came := refuse(part)):
        part.unlink()
        raise _Fault(f"{came} came in its place", final=True)


def _receive(url: str, part: Path, before: int, size: int | None, stall: float) -> int:
    """Append what the server sends to the first `before` bytes of `part`. Return how many of these stayed."""
    headers = {"Accept-Encoding": "identity"}  # in a compressed answer, bytes, length and ranges are others
    if before:
        headers["Range"] = f"bytes={before}-"
    with requests.get(url, headers=headers, stream=True, timeout=stall) as response:
        code = response.status_code
        resumed = code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {before}-")
        if code in (206, 416) and not resumed:
            part.unlink(missing_ok=True)
            raise _Fault("cannot resume")
        if code not in (200, 206):
            passing = code in PASSING or code >= 500
            raise _Fault(f"HTTP {code} {response.reason or ''}".strip(), final=not passing)
        before = before if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = before + int(length) if length.isdecimal() else size
        if size is not None and total != size:
            raise _Fault(f"{total} bytes in place of {size}", final=True)
        with open(part, "ab" if before else "wb") as file:
            for chunk in _reported(response.iter_content(CHUNK), part.stem, before, total):
                file.write(chunk)
    return before


def _reported(chunks: Iterable[bytes], name: str, done: int, total: int | None) -> Iterator[bytes]:
    """Yield the chunks; every few seconds and at the end, print how many bytes have come, and how fast."""
    before, start = done, time.monotonic()
    last = start
    whole = f" of {total / MEGABYTE:.1f}" if total else ""
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            rate = (done - before) / MEGABYTE / (now - start)
            print(f"{name}: {done / MEGABYTE:.1f}{whole} MB, {rate:.1f} MB/s", file=sys.stderr)
            last = now
    print(f"{name}: {done / MEGABYTE:.1f}{whole} MB in {time.monotonic() - start:.1f} s", file=sys.stderr)


def _short(error: Exception, stall: float) -> str:
    """The reason of a failed request in a few words."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"stalled for {stall:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "connection cut"
    if isinstance(error, requests.exceptions.SSLError):
        return "untrusted certificate"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {error}" if isinstance(error, ValueError) else type(error).__name__


def _host(url: str) -> str:
    """The server of an address; the address itself if it names none."""
    return urlsplit(url).netloc.rpartition("@")[2] or url  # without a password

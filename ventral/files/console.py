"""What a job prints while it runs: progress, and one line if its input cannot be used."""

import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeVar

from ventral.files.errors import InputError

SECONDS_BETWEEN_LINES = 5.0
T = TypeVar("T")


class _Tee:
    """Writes to the terminal and to the log file of a job. If the disk is full, only the log goes silent."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal, self.log = terminal, log

    def write(self, text: str) -> int:
        self.terminal.write(text)
        self.terminal.flush()
        with suppress(OSError):
            self.log.write(text)
            self.log.flush()
        return len(text)

    def flush(self) -> None:
        self.terminal.flush()


@contextmanager
def _opened(log: str | Path) -> Iterator[TextIO]:
    """Open a log to write. If the disk is full or read-only, write nowhere: the job itself will report that."""
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        file = open(log, "w")  # noqa: SIM115 (closed below)
    except OSError:
        file = open(os.devnull, "w")  # noqa: SIM115 (closed below)
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def logged(log: str | Path) -> Iterator[None]:
    """Copy stderr to `log`. On bad input, end the process with one line; the traceback goes to the log only.

    Raises:
        SystemExit: with code 1, after an `InputError` or any other exception inside the block.
    """
    terminal = sys.stderr
    with _opened(log) as file:
        sys.stderr = _Tee(terminal, file)
        try:
            yield
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        except Exception as error:
            trace(error)
            print(f"error: {type(error).__name__}: {error} (traceback in {log})", file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            sys.stderr = terminal


def trace(error: Exception) -> None:
    """Write the traceback of an exception to the log; to the terminal if there is no log."""
    with suppress(OSError):
        traceback.print_exception(error, file=getattr(sys.stderr, "log", sys.stderr))


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items; every few seconds and at the end, print how many are done and how long the rest takes."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            left = f" of {total}, {(now - start) / done * (total - done):.0f} s left" if total else ""
            print(f"{what}: {done}{left}", file=sys.stderr)
            last = now
    print(f"{what}: {done} done in {time.monotonic() - start:.1f} s", file=sys.stderr)

"""Files whole or not at all: written under a temporary name and renamed; damaged ones named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ventral.errors import InputError


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on any failure.

    The temporary name keeps the suffix of `path`, so that writers which go by the suffix behave alike.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Report a file of the study's own that cannot be read as damaged.

    Raises:
        InputError: naming `path`, in place of whatever error the library that reads it raises.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            path, "file", f"damaged or incomplete ({type(error).__name__})", "delete it, run again"
        ) from None

"""The one exception a user sees: one line that names the file, what is wrong with it, and what to do."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

LONGEST = 1000  # characters of each part of a message; names in damaged files can have any length


class InputError(ValueError):
    """Input that cannot be used, as one printable line: ``file: field: problem; remedy``.

    Args:
        file: the file (or config file) that holds the fault.
        field: the entry of the file at fault: a key, column, variable, image or neuroid.
        problem: what is wrong with it.
        remedy: what the user does next.
    """

    def __init__(self, file: str | Path, field: str, problem: str, remedy: str) -> None:
        file, field, problem, remedy = (printable(part) for part in (file, field, problem, remedy))
        self.file, self.field, self.problem, self.remedy = file, field, problem, remedy
        super().__init__(" ".join(f"{file}: {field}: {problem}; {remedy}".split()))


def printable(part: object) -> str:
    """A part of a message without control characters and lone surrogates, which break terminals and logs."""
    text = " ".join(str(part).split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def refuse_all(faults: Sequence[InputError]) -> None:
    """Report all faults of a file at once, on one line.

    Raises:
        InputError: if there is any.
    """
    if faults:
        first, *others = faults
        also = [f"{fault.field}: {fault.problem}; {fault.remedy}" for fault in others]
        raise InputError(first.file, first.field, first.problem, " | ".join([first.remedy, *also]))


@contextmanager
def refusing(file: str | Path, field: str, problem: str, remedy: str) -> Iterator[None]:
    """Report any exception in the block in the given words: decoders raise all kinds of exceptions on damaged files.

    Raises:
        InputError: in place of any other exception. An InputError that the block raises itself is kept.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(file, field, problem, remedy) from error


def listed(names: Collection[object], limit: int = 12) -> str:
    """The names, comma-separated and cut after `limit`, for use in a message."""
    shown = ", ".join(str(name) for name in list(names)[:limit])
    return shown if len(names) <= limit else f"{shown}, ... ({len(names)} in all)"


def nearest(name: str, known: Collection[str]) -> str:
    """A remedy that names the closest known spelling, or else lists what is known."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {listed(known)}"

"""The one exception a user sees: what is wrong with which file, and what to do about it, on one line."""

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
    """A part of a message without what a terminal or a log would choke on: controls, halves of surrogates."""
    text = " ".join(str(part).split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def refuse_all(faults: Sequence[InputError]) -> None:
    """Refuse a file for all its faults at once, on one line.

    Raises:
        InputError: if there is any.
    """
    if faults:
        first, *others = faults
        also = [f"{fault.field}: {fault.problem}; {fault.remedy}" for fault in others]
        raise InputError(first.file, first.field, first.problem, " | ".join([first.remedy, *also]))


@contextmanager
def refusing(file: str | Path, field: str, problem: str, remedy: str) -> Iterator[None]:
    """Refuse a file, in the words given, whatever goes wrong in the block: decoders meet damage with any exception.

    Raises:
        InputError: in place of any other exception; one that is raised in the block stays as it is.
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

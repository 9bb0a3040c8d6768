"""The one exception a user sees: what is wrong with which file, and what to do about it, on one line."""

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path


class InputError(ValueError):
    """Input that cannot be used, as one line: ``file: field: problem; remedy``.

    Args:
        file: the file (or config file) that holds the fault.
        field: the entry of the file at fault: a key, column, variable, image or neuroid.
        problem: what is wrong with it.
        remedy: what the user does next.
    """

    def __init__(self, file: str | Path, field: str, problem: str, remedy: str) -> None:
        super().__init__(" ".join(f"{file}: {field}: {problem}; {remedy}".split()))


def listed(names: Collection[object], limit: int = 12) -> str:
    """The names, comma-separated and cut after `limit`, for use in a message."""
    shown = ", ".join(str(name) for name in list(names)[:limit])
    return shown if len(names) <= limit else f"{shown}, ... ({len(names)} in all)"


def nearest(name: str, known: Collection[str]) -> str:
    """A remedy that names the closest known spelling, or else lists what is known."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {listed(known)}"

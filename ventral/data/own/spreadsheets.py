"""Tables as spreadsheets save them: any separator, decimal commas, in one of the usual encodings."""

import codecs
import csv
import io
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.own.naming import IMAGES
from ventral.files.errors import InputError, listed, refusing

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LOOKED_AT = 200  # rows that tell the separator
ONE_A_ROW = "write one row a presentation, image name first"
# Columns that count what was shown, by what they are called in lower case.
COUNTERS = {
    *("trial", "trials", "trial_id", "trial_number", "trial_index", "repeat", "repetition", "rep", "block"),
    *("presentation", "presentation_id", "run", "order"),
}


def read_presentations(path: str | Path) -> tuple[list[str], pd.DataFrame]:
    """Read a table with one row a presentation: which image each shows, and one column of numbers a neuroid.

    The names of images are in the first column, or in one that is called so (`IMAGES`). Columns that count what was
    shown (`COUNTERS`) are passed over. What is not a plain csv in UTF-8 with decimal points is said on stderr.

    Raises:
        InputError: if it is no text, cannot be taken apart, names a column twice, or a column is not of numbers.
    """
    text = read_text(path)
    separator = find_separator(text, path)
    with refusing(path, "table", "not a readable csv", ONE_A_ROW):
        header = next(csv.reader(io.StringIO(text), delimiter=separator), [])
    if not header:
        raise InputError(path, "table", "not a readable csv, but empty", ONE_A_ROW)
    twice = sorted({name for name in header if name.strip() and header.count(name) > 1})
    if twice:
        raise InputError(path, f"column {listed(twice, 3)}", "named twice", "give every column its own name")
    plain = [name.strip().lower() for name in header]
    counters = [i for i, name in enumerate(plain) if name in COUNTERS or (not name and set(plain) & IMAGES)]
    left = [i for i in range(len(header)) if i not in counters] or [0]
    images = next((i for i in left if plain[i] in IMAGES), left[0])

    def parse(decimal: str) -> pd.DataFrame:
        with refusing(path, "table", "not a readable csv", ONE_A_ROW):
            return pd.read_csv(io.StringIO(text), sep=separator, dtype={images: str}, decimal=decimal)

    table = parse(".")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus first cells for an index
        raise InputError(path, "table", "rows longer than the header", "write one cell a column in every row")
    neuroids = [str(name) for i, name in enumerate(table.columns) if i not in (images, *counters)]
    if separator != "," and _not_of_numbers(table[neuroids]):
        with_commas = parse(",")
        if not _not_of_numbers(with_commas[neuroids]):
            print(f"{path}: commas in numbers are decimal", file=sys.stderr)
            table = with_commas
    wrong = _not_of_numbers(table[neuroids])
    if wrong or not neuroids:
        remedy = "image name first, then one column a neuroid"
        raise InputError(path, f"column {listed(wrong)}", f"not of numbers{_first_of(table, wrong)}", remedy)
    if counters:
        print(f"{path}: no neuroids, passed over: {listed([str(table.columns[i]) for i in counters])}", file=sys.stderr)
    return [str(name) for name in table.iloc[:, images]], table[neuroids].rename(columns=str.strip)


def _not_of_numbers(columns: pd.DataFrame) -> list[str]:
    return [str(name) for name in columns if not pd.api.types.is_numeric_dtype(columns[name])]


def _first_of(table: pd.DataFrame, wrong: Sequence[str]) -> str:
    """What to add about the first cell at fault, if it is a number written another way."""
    if not wrong or table.empty:
        return ""
    column = table[wrong[0]]
    at_fault = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    if not at_fault.any():
        return ""
    cell = str(column[at_fault].iloc[0])
    return f" ({cell!r}: decimal points alone are read)" if not cell.strip("+-0123456789.,' ") else ""


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8, UTF-16 or, failing these, Windows-1252.

    Raises:
        InputError: if it is none.
    """
    with refusing(path, "table", "cannot be read", "copy it again"):
        data = Path(path).read_bytes()
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), None) or _unmarked(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(path, "table", f"not a readable csv in {encoding}", "save it as csv in UTF-8") from None
    if "\0" in text:
        raise InputError(path, "table", "not a readable csv, but other bytes", "save it as csv in UTF-8")
    if not encoding.startswith("utf-8"):
        print(f"{path}: read as {encoding}, not UTF-8", file=sys.stderr)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked(data: bytes) -> str:
    """The encoding of a text that does not begin by saying it."""
    start = data[:1000]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if start and zeros.count(0) > 0.4 * len(start) / 2 and len(data) % 2 == 0:
            return encoding
    try:
        data.decode()
    except UnicodeDecodeError:
        return "utf-8" if b"\0" in data else "cp1252"
    return "utf-8"


def find_separator(text: str, path: str | Path) -> str:
    """What stands between the cells: that of commas, semicolons and tabs by which all rows are as long as the header.

    Raises:
        InputError: if more than one does.
    """
    wide = []
    for separator in SEPARATORS:
        rows = csv.reader(io.StringIO(text), delimiter=separator)
        try:
            widths = {len(row) for row in islice(rows, LOOKED_AT) if row}
        except csv.Error:
            continue
        if len(widths) == 1 and max(widths) > 1:
            wide.append(separator)
    if len(wide) > 1:
        names = " or ".join(SEPARATORS[separator] for separator in wide)
        raise InputError(path, "table", f"cells may be separated by {names}", "save it with one of them alone")
    header = text.partition("\n")[0]
    found = wide[0] if wide else max(SEPARATORS, key=header.count)
    if found != ",":
        print(f"{path}: cells are separated by {SEPARATORS[found]}", file=sys.stderr)
    return found


def read_cells(path: str | Path) -> list[list[str]]:
    """The cells of a table beside responses, row by row; empty rows are left out.

    Raises:
        InputError: if it is no text, or cannot be taken apart.
    """
    text = read_text(path)
    with refusing(path, "table", "not a readable csv", "correct it, or keep it in another folder"):
        return [row for row in csv.reader(io.StringIO(text), delimiter=find_separator(text, path)) if row]


def read_labels_of_rows(path: str | Path, n: int) -> dict[str, NDArray]:
    """The columns of a table of n rows, with or without a header, by what they are called; none of one of other length.

    Raises:
        InputError: if it is no text.
    """
    rows = read_cells(path)
    name = Path(path).name
    if len(rows) not in (n, n + 1) or len({len(row) for row in rows}) != 1:
        print(f"{path}: {len(rows)} rows beside responses to {n} stimuli, so it does not name them", file=sys.stderr)
        return {}
    titles = rows[0] if len(rows) == n + 1 else [f"column_{i + 1}" for i in range(len(rows[0]))]
    columns = zip(titles, zip(*rows[-n:], strict=True), strict=True)
    return {f"{name} {title.strip()}": np.array(cells, dtype=object) for title, cells in columns}

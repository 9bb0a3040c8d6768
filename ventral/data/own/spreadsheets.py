"""Read tables as spreadsheets save them: any separator, decimal commas, one of the usual encodings."""

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
LOOKED_AT = 200  # rows from which the separator is guessed
ONE_A_ROW = "write one row a presentation, image name first"
# Names of columns that count presentations, in lower case.
COUNTERS = {
    *("trial", "trials", "trial_id", "trial_number", "trial_index", "repeat", "repetition", "rep", "block"),
    *("presentation", "presentation_id", "run", "order"),
}


def read_presentations(path: str | Path) -> tuple[list[str], pd.DataFrame]:
    """Read a table with one row for each presentation: the name of the image, and a column of numbers for each neuroid.

    The names of images are in a column with such a title (`IMAGES`), or else in the first one. Columns that count
    presentations (`COUNTERS`) are skipped. All that differs from a plain csv in UTF-8 with decimal points is reported
    on stderr.

    Returns:
        (rows,) names of the images, and (rows, neuroid) numbers.

    Raises:
        InputError: if the file is not text or has no clear columns, if two columns have the same name, or if a column
            does not hold numbers.
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
    if not isinstance(table.index, pd.RangeIndex):  # pandas makes an index of surplus first cells
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
        print(f"{path}: skipped columns: {listed([str(table.columns[i]) for i in counters])}", file=sys.stderr)
    return [str(name) for name in table.iloc[:, images]], table[neuroids].rename(columns=str.strip)


def _not_of_numbers(columns: pd.DataFrame) -> list[str]:
    return [str(name) for name in columns if not pd.api.types.is_numeric_dtype(columns[name])]


def _first_of(table: pd.DataFrame, wrong: Sequence[str]) -> str:
    """Describe the first faulty cell, if it is a number that is written in another way."""
    if not wrong or table.empty:
        return ""
    column = table[wrong[0]]
    at_fault = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    if not at_fault.any():
        return ""
    cell = str(column[at_fault].iloc[0])
    return f" ({cell!r}: write numbers with a decimal point)" if not cell.strip("+-0123456789.,' ") else ""


def read_text(path: str | Path) -> str:
    """Read a text file in UTF-8, UTF-16 or, if it is neither, Windows-1252.

    Raises:
        InputError: if the file is not text.
    """
    with refusing(path, "table", "cannot be read", "copy it again"):
        data = Path(path).read_bytes()
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), None) or _unmarked(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(path, "table", f"not a readable csv in {encoding}", "save it as csv in UTF-8") from None
    if "\0" in text:
        raise InputError(path, "table", "not a readable csv, but a binary file", "save it as csv in UTF-8")
    if not encoding.startswith("utf-8"):
        print(f"{path}: read as {encoding}, not UTF-8", file=sys.stderr)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked(data: bytes) -> str:
    """Guess the encoding of a text without a byte order mark."""
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
    """Find the separator of a table: the one of comma, semicolon and tab that makes all rows as long as the header.

    Raises:
        InputError: if this holds for more than one of them.
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
        raise InputError(path, "table", f"cells may be separated by {names}", "save it with only one of them")
    header = text.partition("\n")[0]
    found = wide[0] if wide else max(SEPARATORS, key=header.count)
    if found != ",":
        print(f"{path}: cells are separated by {SEPARATORS[found]}", file=sys.stderr)
    return found


def read_cells(path: str | Path) -> list[list[str]]:
    """Read the cells of a table beside responses, row by row, without empty rows.

    Raises:
        InputError: if the file is not text, or has no clear columns.
    """
    text = read_text(path)
    with refusing(path, "table", "not a readable csv", "correct it, or keep it in another folder"):
        return [row for row in csv.reader(io.StringIO(text), delimiter=find_separator(text, path)) if row]


def read_labels_of_rows(path: str | Path, n: int) -> dict[str, NDArray]:
    """Read the columns of a table of n rows, with or without a header, by title. Empty if it has another length.

    Raises:
        InputError: if the file is not text.
    """
    rows = read_cells(path)
    name = Path(path).name
    if len(rows) not in (n, n + 1) or len({len(row) for row in rows}) != 1:
        print(f"{path}: ignored, since it has {len(rows)} rows for {n} stimuli", file=sys.stderr)
        return {}
    titles = rows[0] if len(rows) == n + 1 else [f"column_{i + 1}" for i in range(len(rows[0]))]
    columns = zip(titles, zip(*rows[-n:], strict=True), strict=True)
    return {f"{name} {title.strip()}": np.array(cells, dtype=object) for title, cells in columns}

"""Tables as CSV files: written whole and the same every time, read with names as text."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ventral.files.atomic import writing
from ventral.files.errors import InputError, nearest

# Columns that hold names. They stay text, even if a layer is called 3, a unit 030 and a region NA.
NAMES = (
    *("dataset", "protocol", "source", "region", "encoder", "network", "weights", "readout", "neuroid", "layer"),
    *("compared_with", "split", "session", "unit", "neuroid_id", "array", "hemisphere"),
)
DIGITS = 6


def write_csv(table: pd.DataFrame, path: str | Path, digits: int | None = DIGITS) -> None:
    """Write a table without its index.

    Args:
        table: what to write.
        path: file to write.
        digits: significant digits of a fraction. Six hide differences in the last bits, so that a rerun writes the
            same bytes; None writes every digit.
    """
    with writing(path) as temporary:
        table.to_csv(temporary, index=False, float_format=f"%.{digits}g" if digits else None, lineterminator="\n")


def read_table(path: str | Path, dataset: str | None = None) -> pd.DataFrame:
    """Read a table that `write_csv` wrote, or its rows of one dataset.

    The columns in `NAMES` stay text; an empty cell is a missing value.
    """
    table = pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])
    return table if dataset is None else table[table["dataset"] == dataset]


def read_columns(path: str | Path, columns: Sequence[str], types: Any = str) -> pd.DataFrame:
    """Read a table that the study did not make, or that somebody may have edited, and check that it has some columns.

    Args:
        path: CSV file, compressed or not.
        columns: names of the columns that must be there.
        types: of all columns, or by column. By default every cell is text: the word `None` and the unit `30` stay what
            they are.

    Raises:
        InputError: if the file cannot be read, a cell has another type, a row is longer than the header, or one of
            `columns` is missing.
    """
    remedy = "make or download it again"
    try:
        table = pd.read_csv(path, dtype=types, keep_default_na=types is not str)
    except FileNotFoundError:
        raise InputError(path, "table", "no such file", "put it there") from None
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, zlib.error):
        raise InputError(path, "table", "not a readable CSV table", remedy) from None
    except ValueError:
        raise InputError(path, "table", f"not a readable CSV table{_mistyped(path, types)}", remedy) from None
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(path, "table", "rows longer than the header", remedy)
    for name in columns:
        if name not in table:
            raise InputError(path, name, "column missing", nearest(name, table.columns))
    return table


def _mistyped(path: str | Path, types: Any) -> str:
    """What to add to the message: the first column in which a cell has another type."""
    for name in types if isinstance(types, dict) else ():
        try:
            pd.read_csv(path, dtype=types, usecols=name.__eq__)
        except ValueError:
            return f": a cell of {name} is empty or of another type"
    return ""

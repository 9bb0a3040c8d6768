"""Tables as spreadsheets save them in other countries."""

import numpy as np
import pytest

from ventral.data.own.spreadsheets import read_presentations
from ventral.files.errors import InputError

ROWS = [("Bär.png", 1.5, -2.25), ("b.png", 3.5, 400.0), ("c 1.png", np.nan, 5e-3)]


def table(separator=",", decimal=".", header=("image", "unit 1", "unit 2"), end="\n"):
    cells = [[name, *("" if np.isnan(v) else str(v).replace(".", decimal) for v in values)] for name, *values in ROWS]
    return end.join(separator.join(row) for row in [list(header), *cells]) + end


def read(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_presentations(path)


@pytest.mark.parametrize(
    "data, said",
    [
        (table(), ""),
        (table(";"), "separated by semicolons"),
        (table(";", ","), "commas in numbers are decimal"),
        (table("\t"), "separated by tabs"),
        (table("\t", ","), "commas in numbers are decimal"),
        (table(end="\r\n"), ""),
        (table(end="\r"), ""),
        (table().encode("utf-8-sig"), ""),
        (table().encode("utf-16"), "read as utf-16"),
        (table("\t").encode("utf-16-le"), "read as utf-16-le"),
        (table(";").encode("utf-16-be"), "read as utf-16-be"),
        (table().encode("latin-1"), "read as cp1252"),
        (table(";", ",").encode("cp1252"), "read as cp1252"),
        (table(header=(" image ", "unit 1", " unit 2 ")), ""),
    ],
)
def test_tables_as_they_are_saved(tmp_path, data, said, capsys):
    shown, values = read(tmp_path / "r.csv", data)
    assert shown == [name for name, *_ in ROWS]
    np.testing.assert_array_equal(values.to_numpy(), [numbers for _, *numbers in ROWS])
    assert list(values.columns) == ["unit 1", "unit 2"]
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, counted",
    [
        ("image,trial,a,b\nx.png,1,3,4\ny.png,2,5,6\n", "trial"),
        ("trial,image,a,b\n1,x.png,3,4\n2,y.png,5,6\n", "trial"),
        ("image,a,b,Repeat,block\nx.png,3,4,0,1\ny.png,5,6,0,1\n", "Repeat, block"),
        (",image,a,b\n0,x.png,3,4\n1,y.png,5,6\n", "Unnamed: 0"),
        ("a,b,stimulus_id\n3,4,x.png\n5,6,y.png\n", None),
        ("stimulus;a;b\nx.png;3;4\ny.png;5;6\n", None),
    ],
)
def test_columns_that_count_presentations_are_no_neuroids(tmp_path, text, counted, capsys):
    shown, values = read(tmp_path / "r.csv", text)
    assert shown == ["x.png", "y.png"]
    assert list(values.columns) == ["a", "b"]
    assert values.to_numpy().tolist() == [[3, 4], [5, 6]]
    said = capsys.readouterr().err
    assert (f"skipped columns: {counted}" in said) if counted else "skipped" not in said


@pytest.mark.parametrize(
    "data, words",
    [
        ("image,a,a\nx.png,1,2\n", "column a: named twice; give every column its own name"),
        (
            "image;a;b\nx.png;1.234,5;2,5\n",
            "column a, b: not of numbers ('1.234,5': write numbers with a decimal point)",
        ),
        ("image;a;b\nx.png;1,5;2.5\n", "column a: not of numbers ('1,5': write numbers with a decimal point)"),
        ("image,a;b\nx.png,1;2\ny.png,1;3\n", "cells may be separated by commas or semicolons"),
        (b"image,a\nx.png,\xff\x00\n", "not a readable csv"),
        (b"PK\x03\x04\x00\x00\x00", "not a readable csv"),
        (b"", "not a readable csv, but empty"),
        ("image" * 30_000 + ",a\nx.png,1\n", "not a readable csv"),
        ("image,trial\nx.png,1\n", "column: not of numbers; image name first, then one column a neuroid"),
    ],
)
def test_tables_that_cannot_be_taken_apart(tmp_path, data, words):
    with pytest.raises(InputError) as error:
        read(tmp_path / "r.csv", data)
    assert words in str(error.value)

"""Files appear whole or not at all; and what a job writes on the terminal and in its log."""

import sys

import pytest

from ventral.files import console
from ventral.files.atomic import writing
from ventral.files.console import logged, progress
from ventral.files.errors import InputError, listed, nearest


def test_writing_renames_on_success_and_keeps_the_suffix(tmp_path):
    path = tmp_path / "folder" / "table.tar.gz"
    with writing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".gz"
        assert temporary.name.startswith(".")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_writing_leaves_the_old_file_on_failure(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(error), writing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_nothing_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError), writing(tmp_path / "table.csv"):
        pass
    assert not list(tmp_path.iterdir())


def test_logged_copies_stderr_to_the_log(tmp_path, capsys):
    log = tmp_path / "logs" / "job.txt"
    before = sys.stderr
    with logged(log):
        print("working", file=sys.stderr)
        assert log.read_text() == "working\n"  # at once, for whoever follows the log
    assert sys.stderr is before
    assert capsys.readouterr().err == "working\n"


def test_logged_ends_bad_input_with_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop, logged(tmp_path / "log"):
        raise InputError("a.csv", "column x", "not of\n  numbers", "correct it")
    assert stop.value.code == 1
    assert stop.value.__suppress_context__
    assert capsys.readouterr().err == "error: a.csv: column x: not of numbers; correct it\n"
    assert (tmp_path / "log").read_text() == "error: a.csv: column x: not of numbers; correct it\n"


def test_logged_keeps_the_traceback_of_other_errors_in_the_log(tmp_path, capsys):
    before = sys.stderr
    with pytest.raises(SystemExit) as stop, logged(tmp_path / "log"):
        _ = 1 / 0
    terminal, log = capsys.readouterr().err, (tmp_path / "log").read_text()
    assert stop.value.code == 1
    assert sys.stderr is before
    assert terminal == f"error: ZeroDivisionError: division by zero (traceback in {tmp_path / 'log'})\n"
    assert "Traceback (most recent call last)" in log
    assert "_ = 1 / 0" in log
    assert terminal in log


def test_logged_lets_an_interrupt_through(tmp_path):
    with pytest.raises(KeyboardInterrupt), logged(tmp_path / "log"):
        raise KeyboardInterrupt


def test_progress_passes_items_on_and_counts_them(capsys):
    assert list(progress("abc", "letters")) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("letters: 3 done in ")


@pytest.mark.parametrize(
    "items, total, expected", [("abcd", None, "2 of 4, "), (iter("abcd"), 8, "2 of 8, "), (iter("abcd"), None, "2")]
)
def test_progress_says_how_much_is_left(items, total, expected, monkeypatch, capsys):
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.0)
    assert len(list(progress(items, "steps", total))) == 4
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[1].startswith(f"steps: {expected}")
    assert ("s left" in lines[1]) == ("of" in expected)


def test_progress_of_nothing(capsys):
    assert list(progress([], "steps")) == []
    assert "steps: 0 done" in capsys.readouterr().err


def test_names_in_messages_are_cut_and_spellings_found():
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(20), 3) == "0, 1, 2, ... (20 in all)"
    assert nearest("ridgee", ["ridge", "ols"]) == "did you mean ridge?"
    assert nearest("zzz", ["ridge", "ols"]) == "known are: ridge, ols"

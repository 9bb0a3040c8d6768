"""The content of files is compared by hashes, whatever their dates; an unchanged file is read once."""

import json
import os
import time

import pytest

from ventral.files.contents import SETTLED_S, Contents
from ventral.files.listing import list_files


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "deep/b.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_bytes(name.encode())
    return tmp_path / "images"


def hashed(tmp_path, *paths):
    """By a run of its own."""
    return Contents(tmp_path / "kept" / "contents.json").of(paths)


def test_content_decides_and_not_the_date(tmp_path, folder):
    first = hashed(tmp_path, folder)
    os.utime(folder / "a.png", (1e9, 1e9))
    os.utime(folder)
    assert hashed(tmp_path, folder) == first
    status = (folder / "a.png").stat()
    (folder / "a.png").write_bytes(b"other")
    os.utime(folder / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns))  # of the same size and date
    second = hashed(tmp_path, folder)
    assert second != first
    (folder / "a.png").rename(folder / "c.png")
    assert hashed(tmp_path, folder) not in (first, second)


def test_a_file_replaced_by_one_of_the_same_size_and_date(tmp_path, folder):
    before = hashed(tmp_path, folder / "a.png")
    status = (folder / "a.png").stat()
    (tmp_path / "new").write_bytes(b"b.png")
    os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(tmp_path / "new", folder / "a.png")
    assert hashed(tmp_path, folder / "a.png") != before


def test_what_systems_leave_beside_files_is_no_content(tmp_path, folder):
    before = hashed(tmp_path, folder)
    for name in ("Thumbs.db", ".DS_Store", "deep/desktop.ini", "deep/._b.png"):
        (folder / name).write_bytes(b"of a system")
    assert hashed(tmp_path, folder) == before


def test_linked_folders_are_entered_once_and_dangling_links_are_listed(tmp_path, folder):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.png").write_bytes(b"c")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "deep" / "round").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    assert list_files(folder) == ["a.png", "deep/b.png", "gone.png", "linked/c.png"]
    before = hashed(tmp_path, folder)
    (tmp_path / "elsewhere" / "c.png").write_bytes(b"C")
    assert hashed(tmp_path, folder) != before


def test_settled_files_are_read_once(tmp_path, folder, monkeypatch):
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 2 * SETTLED_S)
    first = hashed(tmp_path, folder)
    kept = tmp_path / "kept" / "contents.json"
    table = json.loads(kept.read_text())
    assert set(table) == {str(folder / "a.png"), str(folder / "deep" / "b.png")}
    kept.write_text(json.dumps({path: [*stamp[:-1], "as kept"] for path, stamp in table.items()}))
    assert hashed(tmp_path, folder) != first  # taken from there


@pytest.mark.parametrize("damage", ["{", "[]", '{"x": 1}', ""])
def test_damaged_records_are_made_again(tmp_path, folder, damage):
    first = hashed(tmp_path, folder)
    (tmp_path / "kept").mkdir(exist_ok=True)
    (tmp_path / "kept" / "contents.json").write_text(damage)
    assert hashed(tmp_path, folder) == first


def test_what_cannot_be_read_is_left_for_the_rule_to_name(tmp_path):
    assert hashed(tmp_path, tmp_path / "absent.npy") == hashed(tmp_path, tmp_path / "gone.npy")

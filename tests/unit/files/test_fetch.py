"""Every fault of a server ends in the right file or in one line, never in a wrong file."""

import hashlib
import io
import itertools
import random
import zipfile
from pathlib import Path

import pytest
import torch

from tests.loopback import Loopback, closed_port
from ventral.files import fetch as module
from ventral.files.errors import InputError
from ventral.files.fetch import fetch, filling
from ventral.networks.state_files import not_weights

BODY = random.Random(0).randbytes(400_000)
DIGESTS = {name: f"{name}:{hashlib.new(name, BODY).hexdigest()}" for name in ("sha256", "sha1", "md5")}
RIGHT = {"digest": DIGESTS["sha256"], "size": len(BODY), "backoff": 0.0, "stall": 5.0}


@pytest.fixture
def server():
    with Loopback() as server:
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file.nwb"


def refused(*arguments, **options) -> str:
    """The one line of a fetch that must fail."""
    with pytest.raises(InputError) as error:
        fetch(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def save(content, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def files_beside(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


@pytest.mark.parametrize("digest", [*DIGESTS.values(), DIGESTS["md5"].replace("d", "D").replace("mD5", "md5"), None])
def test_a_file_arrives_alone(server, path, digest, capsys):
    fetch([server.add("/a", BODY)], path, digest=digest)
    assert path.read_bytes() == BODY
    assert files_beside(path) == {path.name}
    assert "file.nwb: 0.4 of 0.4 MB in " in capsys.readouterr().err


def test_progress_tells_bytes_total_and_rate(server, path, capsys, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    fetch([server.add("/a", BODY)], path, **RIGHT)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.startswith("file.nwb: 0.") and " of 0.4 MB, " in line and "MB/s" in line for line in lines[:-1])


def test_a_busy_server_is_asked_again_ever_later(server, path, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    fetch([server.add("/a", BODY, "500", "503", "429")], path, **{**RIGHT, "backoff": 1.0})
    assert path.read_bytes() == BODY
    assert waits == [1, 2, 4]


def test_a_cut_connection_is_resumed(server, path):
    fetch([server.add("/a", BODY, "cut", "cut")], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert files_beside(path) == {path.name}
    assert [span for _, span in server.asked] == ["", "bytes=196608-", "bytes=294912-"]  # whole chunks are kept


def test_the_next_run_resumes(server, path):
    url = server.add("/a", BODY, "cut")
    line = refused([url], path, **RIGHT, attempts=1)
    assert line.endswith("cut; check the connection and run again: it goes on where it stopped")
    assert files_beside(path) == {"file.nwb.part"}
    fetch([url], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert server.asked[-1] == ("/a", "bytes=196608-")


@pytest.mark.parametrize("fault", ["norange", "shifted", "416"])
def test_without_ranges_it_starts_anew(server, path, fault):
    fetch([server.add("/a", BODY, "cut", fault)], path, **RIGHT)
    assert path.read_bytes() == BODY


def test_without_a_digest_nothing_is_spliced(server, path):
    fetch([server.add("/a", BODY, "cut")], path, backoff=0)
    assert path.read_bytes() == BODY
    assert {span for _, span in server.asked} == {""}


def test_every_new_byte_renews_patience(server, path):
    fetch([server.add("/a", BODY, *["cut"] * 4)], path, **RIGHT, attempts=2)
    assert path.read_bytes() == BODY


def test_no_new_byte_ends_it(server, path):
    url = server.add("/a", BODY, "cut", always="500")
    assert "HTTP 500" in refused([url], path, **RIGHT, attempts=3)
    assert len(server.asked) == 3
    assert not path.exists()


@pytest.mark.parametrize("left", [bytes(200_000), bytes(400_000), bytes(500_000), BODY[:-1], b"", BODY])
def test_what_another_run_left_does_no_harm(server, path, left):
    path.parent.mkdir()
    path.with_name("file.nwb.part").write_bytes(left)
    fetch([server.add("/a", BODY)], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert files_beside(path) == {path.name}
    assert len(server.asked) == (0 if left == BODY else 2 if left[:1] == b"\0" and len(left) == 200_000 else 1)


@pytest.mark.parametrize("fault", ["other", "short", "404", "403"])
def test_a_wrong_mirror_is_asked_once_and_the_next_one_then(server, path, fault):
    fetch([server.add("/a", BODY, always=fault), server.add("/b", BODY, "500")], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert [asked for asked, _ in server.asked] == ["/a", "/b", "/b"]


def test_a_mirror_that_cuts_is_left_for_the_next_with_what_it_gave(server, path):
    fetch([server.add("/a", BODY, "cut"), server.add("/b", BODY)], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert server.asked == [("/a", ""), ("/b", "bytes=196608-")]


def test_a_wrong_beginning_is_not_blamed_on_the_mirror_that_ends_it(server, path):
    fetch([server.add("/a", bytes(400_000), "cut", always="500"), server.add("/b", BODY)], path, **RIGHT)
    assert path.read_bytes() == BODY
    assert [asked for asked, _ in server.asked] == ["/a", "/b", "/a", "/b"]


def test_wrong_everywhere_is_one_line_and_no_file(server, path):
    urls = [server.add("/a", BODY, always="other"), server.add("/b", BODY, always="404"), f"{closed_port()}/c"]
    line = refused(urls, path, **RIGHT, attempts=2)
    host = server.url.removeprefix("http://")
    assert line.startswith(f"{path}: download: {host}: wrong sha256, {host}: HTTP 404 Not Found, 127.0.0.1:")
    assert line.endswith(": no connection; check the connection and run again")
    assert files_beside(path) == set()


STAND_INS = {
    "a web page": b"\n<!DOCTYPE html>\n<html><title>Quota exceeded</title>",
    "a login form": b"<form action='/login'>",
    "a page that begins with a comment": b"<!-- saved -->\n<html>",
    "a bucket's refusal": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>',
    "a page with a byte order mark": b"\xef\xbb\xbf<HTML>",
    "a page in UTF-16": "\ufeff<html>".encode("utf-16-le"),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
    "a message in JSON": b'{"error": "not found"}',
    "an empty file": b"",
    "words": b"Not found",
    "a photograph": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("body", STAND_INS.values(), ids=STAND_INS)
def test_what_comes_in_place_of_weights_is_never_kept(server, path, body):
    line = refused([server.add("/a", body)], path, refuse=not_weights, backoff=0)
    assert " came in its place; check the connection" in line and files_beside(path) == set()
    assert server.asked == [("/a", "")]  # it would not be another at once
    good = save({"a": torch.ones(2)})
    fetch([server.add("/a", body), server.add("/b", good) + "?X-Sig=a%2Fb&id=1"], path, refuse=not_weights)
    assert path.read_bytes() == good


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_files_of_torch_of_any_age_are_kept(server, path, options):
    good = save({"a": torch.ones(2)}, **options)
    fetch([server.add("/a", good)], path, refuse=not_weights)
    assert path.read_bytes() == good


def test_an_archive_of_other_files_is_not_kept(server, path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("repository/weights.pth", b"")
    line = refused([server.add("/a", buffer.getvalue())], path, refuse=not_weights)
    assert "an archive of other files came in its place" in line and files_beside(path) == set()


def test_a_wrong_digest_says_what_came(server, path):
    line = refused([server.add("/a", b"<html>Log in</html>")], path, digest=DIGESTS["sha256"])
    assert "wrong sha256: a web page; " in line and files_beside(path) == set()


def test_a_password_in_an_address_is_not_told(path):
    line = refused([closed_port().replace("://", "://me:secret@") + "/a"], path, attempts=1)
    assert "secret" not in line and "no connection" in line


def test_a_file_without_length_is_not_taken_for_whole(server, path):
    fetch([server.add("/a", BODY, "nolength")], path, **RIGHT)
    assert path.read_bytes() == BODY
    line = refused([server.add("/b", BODY, always="nolength")], path.with_name("b"), digest=DIGESTS["md5"])
    assert "wrong md5" in line


def test_a_silent_server_is_given_up(server, path):
    options = {**RIGHT, "stall": 0.2}
    fetch([server.add("/a", BODY, "stall")], path, **options)
    assert path.read_bytes() == BODY
    line = refused([server.add("/b", BODY, "stall")], path.with_name("b"), **options, attempts=1)
    assert "stalled for 0.2 s" in line


def test_a_word_that_is_not_an_address_is_refused(path):
    assert "nowhere: MissingSchema" in refused(["nowhere"], path, **RIGHT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line(server, path):
    path.parent.mkdir()
    path.with_name("file.nwb.part").symlink_to("/dev/full")
    line = refused([server.add("/a", BODY)], path, size=len(BODY), digest=DIGESTS["md5"])
    assert line == f"{path}: disk: no space left; free some and run again"


def test_a_folder_that_cannot_be_made_is_one_line(server, path):
    path.parent.write_text("a file where the folder should be")
    assert f"{path.parent}: disk: " in refused([server.add("/a", BODY)], path, **RIGHT)


def test_a_right_file_is_kept_and_a_wrong_one_replaced_only_by_the_right_one(server, path):
    path.parent.mkdir()
    path.write_bytes(BODY)
    fetch([server.add("/a", BODY)], path, **RIGHT)
    assert not server.asked
    path.write_bytes(b"old")
    refused([server.add("/a", BODY, always="other")], path, **RIGHT)
    assert path.read_bytes() == b"old"
    fetch([server.add("/a", BODY)], path, **RIGHT)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("seed", range(25))
def test_any_faults_in_any_order(server, path, seed):
    rng = random.Random(seed)
    kinds = ["", "500", "cut", "other", "short", "nolength", "norange", "shifted", "404", "416"]
    urls = [server.add(f"/{k}", BODY, *rng.choices(kinds, k=6), always=rng.choice(kinds)) for k in range(2)]
    for _ in range(3):
        try:
            fetch(urls, path, **RIGHT, attempts=3)
        except InputError as error:
            assert "\n" not in str(error)
            assert not path.exists()
        else:
            assert path.read_bytes() == BODY
            assert files_beside(path) == {path.name}


def test_a_folder_appears_when_complete(tmp_path):
    for content, fails in itertools.product(["first", "second"], [True, False]):
        before = {file.name: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
        try:
            with filling(tmp_path / "folder") as temporary:
                (temporary / "file").write_text(content)
                if fails:
                    raise InputError("a", "b", "c", "d")
        except InputError:
            assert {file.name: file.read_text() for file in tmp_path.rglob("*") if file.is_file()} == before
        else:
            assert (tmp_path / "folder" / "file").read_text() == content
        assert {file.name for file in tmp_path.iterdir()} <= {"folder"}

"""Downloads of recordings, some of whose mirrors fail: the right file, or one line and none."""

import hashlib
import random
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.loopback import Loopback, closed_port
from ventral.data.sources.cowley_v4 import COMMIT, read_catalogue
from ventral.data.sources.majaj import PUBLISHED, addresses
from ventral.files import fetch as fetch_module
from ventral.files.fetch import difference
from ventral.study.recordings import source_of

SCRIPT = Path(__file__).parents[3] / "scripts" / "download_recordings.py"
BODY = random.Random(0).randbytes(100_000)
BLOB = hashlib.sha1(b"blob 100000\0" + BODY).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(fetch_module.time, "sleep", lambda seconds: None)
    with Loopback() as server:
        yield server


def download(folder: Path, *urls: str, kind: str = "cowley_v4", digest: str = f"git:{BLOB}", size=None) -> Path:
    path = folder / "images.zip"
    job = SimpleNamespace(
        params=SimpleNamespace(urls=urls, digest=digest, size=size),
        wildcards=SimpleNamespace(kind=kind),
        output=SimpleNamespace(file=str(path)),
        log=[str(folder / "log")],
    )
    runpy.run_path(str(SCRIPT), {"snakemake": job})
    return path


def refused(capsys, *arguments, **options) -> str:
    """The one line of a download that must fail."""
    with pytest.raises(SystemExit):
        download(*arguments, **options)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_a_dead_and_a_corrupt_mirror_are_passed_over(tmp_path, server):
    corrupt, right = server.add("/corrupt", BODY[::-1]), server.add("/right", BODY)
    assert download(tmp_path, f"{closed_port()}/dead", corrupt, right).read_bytes() == BODY


@pytest.mark.parametrize(
    "faults, size",
    [
        (faults, size)
        for faults in (["cut"], ["cut", "cut"], ["500", "503"], ["cut", "shifted"])
        for size in (None, len(BODY))
    ]
    + [(["nolength"], len(BODY))],
)
def test_a_fault_that_passes_leaves_the_right_file(tmp_path, server, faults, size):
    assert download(tmp_path, server.add("/a", BODY, *faults), size=size).read_bytes() == BODY
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images.zip", "log"]


@pytest.mark.parametrize(
    "fault, size, reason",
    [
        ("500", None, "HTTP 500"),
        ("404", None, "HTTP 404"),
        ("other", None, "wrong git blob id"),
        ("short", None, "wrong git blob id"),
        ("short", len(BODY), "99990 bytes in place of 100000"),
    ],
)
def test_a_fault_that_stays_is_one_line_and_no_file(tmp_path, server, capsys, fault, size, reason):
    line = refused(capsys, tmp_path, server.add("/a", BODY, always=fault), size=size)
    assert reason in line and line.endswith("or copy the files to this machine and give source: files")
    assert not (tmp_path / "images.zip").exists()


def test_without_a_connection_the_line_names_the_remedy_of_the_kind(tmp_path, server, capsys):
    for kind, remedy in {
        "majaj": "give source: files",
        "files": "copy the file to this machine and give its path",
    }.items():
        line = refused(capsys, tmp_path, f"{closed_port()}/a", kind=kind)
        assert "no connection; check the connection and run again, or " in line and line.endswith(remedy)


def test_the_id_of_a_blob_is_that_of_git(tmp_path):
    """`printf 'hello\\n' | git hash-object --stdin`."""
    (tmp_path / "a").write_bytes(b"hello\n")
    assert difference(tmp_path / "a", "git:ce013625030ba8dba906f756967f9e9ca394464a", None) == ""
    assert difference(tmp_path / "a", "sha1:ce013625030ba8dba906f756967f9e9ca394464a", None) == "wrong sha1"


def test_every_file_of_majaj_has_a_hash_and_three_mirrors():
    for name, sha1 in PUBLISHED.values():
        assert len(sha1) == 40
        assert [url.rsplit("/", 1)[1] for url in addresses(name)][:2] == [name, name]
    assert addresses("stimulus_hvm-public.zip")[2].endswith("brainio.dicarlo/image_dicarlo_hvm-public.zip")


def test_every_file_of_cowley_is_pinned_by_its_blob():
    wanted = source_of("cowley_v4", {"sessions": "all"}).fetched()
    assert len(wanted) == 90 and all(len(entry.digest) == len("git:") + 40 for entry in wanted.values())
    assert all(COMMIT in url for entry in wanted.values() for url in entry.urls)
    default = source_of("cowley_v4", {}).fetched()
    assert {name: entry.size for name, entry in default.items()} == {
        "images/images_210325.zip": 1_841_475,
        "responses_raw/responses_210325.npy": 2_560_128,
    }
    roles = [row["role"] for row in read_catalogue().values()]
    assert {role: roles.count(role) for role in set(roles)} == {"test": 5, "validation": 1, "train": 44}

"""Recordings, stimuli and tables from servers that answer like those of the publishers, and fail like them."""

import hashlib
import io
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.loopback import DANDISET, Loopback, closed_port
from ventral.data.xiao.dandi import STIMULI, asset_url, fetch_asset, fetch_stimuli, fetch_tables, list_osf
from ventral.data.xiao.sessions import FILES, expected_files, read_sessions
from ventral.files.errors import InputError

CONFIG = Path(__file__).parents[4] / "config"
FAST = {"backoff": 0.0, "stall": 5.0}
BODY = random.Random(1).randbytes(50_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
ASSET = "sub-An/sub-An_ses-20220105T173929.nwb"


@pytest.fixture
def server():
    with Loopback() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """The client asks 12 times over a minute."""
    monkeypatch.setattr("dandi.dandiapi.REQUEST_RETRIES", 2)


def refused(function, *arguments, **options) -> str:
    """The one line of a call that must fail."""
    with pytest.raises(InputError) as error:
        function(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# Recordings


def test_a_real_session_arrives_as_the_table_says(server, shared_data, tmp_path):
    table = read_sessions(CONFIG / "xiao_sessions.csv")
    row = table.loc["An220105"]
    real = shared_data / "xiao" / "000628"
    api = server.add_dandiset(
        {f"{row.stem}{suffix}": (real / f"{row.stem}{suffix}").read_bytes() for suffix in FILES.values()}
    )
    server.faults[f"/blobs/{row.stem}.nwb"] = ["503", "cut"]
    for kind, expected in expected_files(table, row.stem).items():
        suffix = FILES[kind]
        path = tmp_path / f"{row.stem}{suffix}"
        fetch_asset(f"{row.stem}{suffix}", path, **expected, api_url=api, **FAST)
        assert path.read_bytes() == (real / f"{row.stem}{suffix}").read_bytes()
    assert server.asked[-1][1] == ""


def test_the_range_survives_the_redirect(server, tmp_path):
    api = server.add_dandiset({ASSET: BODY})
    server.faults[f"/blobs/{ASSET}"] = ["cut"]
    fetch_asset(ASSET, tmp_path / "a.nwb", size=len(BODY), sha256=SHA256, api_url=f"{api}/", **FAST)
    assert (tmp_path / "a.nwb").read_bytes() == BODY
    asked, span = server.asked[-1]
    assert asked == f"/blobs/{ASSET}"
    assert span.startswith("bytes=2")


def test_a_busy_archive_is_asked_again(server, tmp_path):
    api = server.add_dandiset({ASSET: BODY})
    server.faults[f"{DANDISET}/assets/"] = ["502"]
    assert asset_url(ASSET, api).startswith(f"{api}/assets/")


def test_only_the_file_itself_is_found(server):
    api = server.add_dandiset({f"{ASSET}.old": BODY, ASSET: BODY, "sub-An/other.nwb": BODY})
    assert server.redirects[asset_url(ASSET, api).removeprefix(server.url)].endswith(f"/blobs/{ASSET}")
    line = refused(asset_url, "sub-An/sub-An_ses-20220105T17392", api)
    assert line == (
        f"sub-An/sub-An_ses-20220105T17392: {api}: DANDI 000628/0.230922.1642: no such file; "
        "try again later; if it stays, report it to the project"
    )


@pytest.mark.parametrize("answer", [b"<html>maintenance</html>", b"", b"[]", b"{}", b'{"results": [1], "next": null}'])
def test_an_archive_that_talks_nonsense(server, answer):
    server.add(f"{DANDISET}/assets/", answer)
    assert "check the connection and run again" in refused(asset_url, ASSET, f"{server.url}/api")


def test_an_archive_that_is_down_or_silent(server, caplog):
    assert "no such file" in refused(asset_url, ASSET, f"{server.url}/api")
    assert "ConnectionError" in refused(asset_url, ASSET, f"{closed_port()}/api")
    server.add(f"{DANDISET}/assets/", BODY, always="stall")
    assert "when asked for its address" in refused(asset_url, ASSET, f"{server.url}/api", stall=0.2)
    server.add(f"{DANDISET}/assets/", BODY, always="500")
    assert "HTTPError" in refused(asset_url, ASSET, f"{server.url}/api")
    assert "Traceback" not in caplog.text


def test_another_file_than_the_table_says(server, tmp_path):
    api = server.add_dandiset({ASSET: BODY[::-1]})
    options = {"sha256": SHA256, "api_url": api, **FAST}
    assert "wrong sha256" in refused(fetch_asset, ASSET, tmp_path / "a", size=len(BODY), **options)
    assert "50000 bytes in place of 7" in refused(fetch_asset, ASSET, tmp_path / "a", size=7, **options)
    assert not list(tmp_path.iterdir())


# Stimuli


def two_parts(files: dict[str, bytes], links: tuple[str, ...] = ()) -> dict[str, bytes]:
    """A zip file cut in two inside the data of its second entry, as `zip -s` cuts it."""
    whole = io.BytesIO(b"PK\x07\x08")
    whole.seek(4)
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (0o120777 if name in links else 0o100644) << 16
            archive.writestr(info, data)
        entries, directory = archive.infolist(), archive.start_dir
    cut = entries[1].header_offset + 30 + len(entries[1].filename.encode()) + 1
    data, at = bytearray(whole.getvalue()), directory
    for entry in entries:
        disk = int(entry.header_offset >= cut)
        struct.pack_into("<H", data, at + 34, disk)
        struct.pack_into("<L", data, at + 42, entry.header_offset - disk * cut)
        at += 46 + len(entry.filename.encode())
    struct.pack_into("<HH", data, at + 4, 1, 1)
    struct.pack_into("<L", data, at + 16, directory - cut)
    return dict(zip(STIMULI, (bytes(data[:cut]), bytes(data[cut:])), strict=True))


def named_by_md5(*contents: bytes) -> dict[str, bytes]:
    return {f"{hashlib.md5(content).hexdigest()}.png": content for content in contents}


IMAGES = named_by_md5(*(random.Random(seed).randbytes(3000) for seed in range(4)))
ARCHIVED = {f"Stimuli/{name}": content for name, content in IMAGES.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_stimuli_are_unpacked_side_by_side(server, tmp_path, capsys):
    strangers = {"Stimuli/README.txt": b"read me", f"__MACOSX/{'0' * 32}.png": b"other", "Stimuli/ä b.png": b"x"}
    listing = server.add_osf({"notes.pdf": b"n", **two_parts(ARCHIVED | strangers)})
    server.faults["/osf/Stimuli.z01"] = ["503", "cut"]
    fetch_stimuli(listing, tmp_path / "Stimuli", **FAST)
    assert contents(tmp_path) == {f"Stimuli/{name}": content for name, content in IMAGES.items()}
    told = capsys.readouterr().err
    assert "3 files left out, as their MD5 is not their name" in told
    assert "README.txt" in told
    assert "/osf/notes.pdf" not in {path for path, _ in server.asked}


def test_real_stimuli(server, shared_data, tmp_path):
    real = contents(shared_data / "xiao" / "Stimuli")
    fetch_stimuli(server.add_osf(two_parts({f"Stimuli/{n}": c for n, c in real.items()})), tmp_path / "new", **FAST)
    assert contents(tmp_path / "new") == real


def test_verified_parts_are_kept_until_the_folder_is_complete(server, tmp_path):
    listing = server.add_osf(two_parts(ARCHIVED))
    server.always["/osf/Stimuli.zip"] = "500"
    assert "Stimuli.parts/Stimuli.zip: download: " in refused(
        fetch_stimuli, listing, tmp_path / "Stimuli", **FAST, attempts=2
    )
    assert not (tmp_path / "Stimuli").exists()
    server.always.clear()
    server.asked.clear()
    fetch_stimuli(listing, tmp_path / "Stimuli", **FAST)
    assert contents(tmp_path / "Stimuli") == IMAGES
    assert "/osf/Stimuli.z01" not in {path for path, _ in server.asked}


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_a_name_that_leads_out(server, tmp_path, name):
    listing = server.add_osf(two_parts({**ARCHIVED, name: b"evil"}))
    line = refused(fetch_stimuli, listing, tmp_path / "in" / "Stimuli", **FAST)
    assert "leads out of the folder" in line
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {*STIMULI, "listing.json"}


def test_a_link_is_refused(server, tmp_path):
    listing = server.add_osf(two_parts({**ARCHIVED, "Stimuli/link": b"/etc"}, links=("Stimuli/link",)))
    assert "Stimuli/link: a link" in refused(fetch_stimuli, listing, tmp_path / "Stimuli", **FAST)
    assert not (tmp_path / "Stimuli").exists()


def test_a_damaged_archive_and_one_of_other_files(server, tmp_path):
    parts = two_parts(ARCHIVED)
    for wrong in (b"not a zip", parts["Stimuli.zip"][:-30]):
        listing = server.add_osf({**parts, "Stimuli.zip": wrong})
        assert "Stimuli.zip: archive: 7-Zip: " in refused(fetch_stimuli, listing, tmp_path / "Stimuli", **FAST)
    listing = server.add_osf({**parts, "Stimuli.z01": parts["Stimuli.z01"][:-200] + bytes(200)})
    assert "Stimuli.zip: archive: 7-Zip: " in refused(fetch_stimuli, listing, tmp_path / "Stimuli", **FAST)
    listing = server.add_osf(two_parts({"a.png": b"1", "b.png": b"2", "c.png": b"3"}))
    assert "no file has its MD5 as its name" in refused(fetch_stimuli, listing, tmp_path / "Stimuli", **FAST)
    assert {path.name for path in tmp_path.iterdir()} == {"Stimuli.parts"}


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b"{}", b'{"data": [{"attributes": {"name": "a"}}], "links": {}}', b'{"data": 3}']
)
def test_a_listing_without_files_is_refused(server, tmp_path, answer):
    line = refused(list_osf, server.add("/v2", answer), tmp_path / "page", **FAST)
    assert line.startswith(f"{server.url}/v2: listing: not a list of files")


def test_a_listing_without_the_archive_and_an_empty_one(server, tmp_path):
    line = refused(fetch_stimuli, server.add_osf({"Stimuli.z02": b"x"}), tmp_path / "Stimuli", **FAST)
    assert "Stimuli.z01: not in the listing; did you mean Stimuli.z02?" in line
    itself = {"data": [], "links": {"next": f"{server.url}/v2"}}
    assert list_osf(server.add("/v2", lambda _: itself), tmp_path / "page", **FAST) == {}
    assert "no connection" in refused(list_osf, closed_port(), tmp_path / "page", **FAST, attempts=2)


# Tables


def archive_of(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A tar.gz of files and symbolic links."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return whole.getvalue()


DB = {"units.csv": b"units", "ROIs/Stimuli/face.csv": b"faces", "ROIs/Stimuli/face/a.png": b"face"}
ROOT = "free_viewing-8b0c4af/db"


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.csv"
    rows = [f"{name},{hashlib.sha256(data).hexdigest()}\n" for name, data in DB.items()]
    path.write_text("path,sha256\n" + "".join(rows))
    return path


def in_repository(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{ROOT}/{name}": data for name, data in files.items()}


def test_listed_tables_arrive_alone(server, tmp_path, manifest):
    decoys = {
        f"{ROOT}/more.csv": b"m",
        f"{ROOT}/../../../evil.csv": b"e",
        "x/units.csv": b"u",
        "y/db/units.csv": b"old",
    }
    archive = archive_of({**decoys, **in_repository(DB)}, {f"{ROOT}/link.csv": "/etc/passwd"})
    gone = server.add("/gone", b"", always="404")
    fetch_tables([gone, server.add("/tar", archive, "503", "cut")], tmp_path / "in" / "db", manifest, **FAST)
    assert contents(tmp_path / "in") == {f"db/{name}": data for name, data in DB.items()}


def test_the_real_tables(server, shared_data, tmp_path):
    real = contents(shared_data / "xiao" / "db")
    url = server.add("/tar", archive_of(in_repository(real)))
    (tmp_path / "db").mkdir()  # as Snakemake makes it for the files in it
    fetch_tables([url], tmp_path / "db", CONFIG / "xiao_tables.csv", **FAST)
    assert contents(tmp_path / "db") == real


@pytest.mark.parametrize(
    "members, links, said",
    [
        ({**DB, "units.csv": b"other"}, {}, "units.csv: another sha256"),
        ({"units.csv": b"units"}, {}, "ROIs/Stimuli/face.csv, ROIs/Stimuli/face/a.png: not in it"),
        (
            {name: DB[name] for name in list(DB)[1:]},
            {f"{ROOT}/units.csv": "ROIs/Stimuli/face.csv"},
            "units.csv: not in it",
        ),
        ({}, {}, "not in it"),
    ],
)
def test_another_archive_leaves_nothing(server, tmp_path, manifest, members, links, said):
    url = server.add("/tar", archive_of(in_repository(members), links))
    line = refused(fetch_tables, [url], tmp_path / "in" / "db", manifest, **FAST)
    assert line.startswith(f"{url}: ")
    assert said in line
    assert not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize("kept", [0, 5, 60, 150])
def test_a_damaged_archive_leaves_nothing(server, tmp_path, manifest, kept):
    url = server.add("/tar", archive_of(in_repository(DB))[:kept])
    line = refused(fetch_tables, [url], tmp_path / "in" / "db", manifest, **FAST)
    assert "not a readable tar.gz" in line or "not in it" in line
    assert not list((tmp_path / "in").iterdir())

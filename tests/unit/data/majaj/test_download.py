"""Downloads of the published files of Majaj & Hong 2015 from mirrors, some of which fail."""

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.loopback import Loopback, closed_port
from ventral.data.sources.majaj import PUBLISHED, addresses

SCRIPT = Path(__file__).parents[4] / "scripts" / "download_majaj.py"
BODY = b"image_id,object_name\n" * 1_000


def download(folder: Path, urls: list[str]) -> Path:
    path = folder / "stimulus_hvm-public.csv"
    job = SimpleNamespace(
        params=SimpleNamespace(urls=urls, sha1=hashlib.sha1(BODY).hexdigest()),
        output=SimpleNamespace(file=str(path)),
        log=[str(folder / "log")],
    )
    runpy.run_path(str(SCRIPT), {"snakemake": job})
    return path


def test_every_file_has_a_hash_and_three_mirrors():
    for name, sha1 in PUBLISHED.values():
        assert len(sha1) == 40
        assert [url.rsplit("/", 1)[1] for url in addresses(name)][:2] == [name, name]
    assert addresses("stimulus_hvm-public.zip")[2].endswith("brainio.dicarlo/image_dicarlo_hvm-public.zip")


def test_a_dead_and_a_corrupt_mirror_are_passed_over(tmp_path):
    with Loopback() as server:
        corrupt, right = server.add("/corrupt.csv", BODY[::-1]), server.add("/right.csv", BODY)
        assert download(tmp_path, [f"{closed_port()}/dead.csv", corrupt, right]).read_bytes() == BODY


def test_no_good_mirror_is_one_line_and_no_file(tmp_path, capsys):
    with Loopback() as server, pytest.raises(SystemExit):
        download(tmp_path, [server.add("/corrupt.csv", BODY[::-1])])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "wrong sha1" in lines[0] and "run again" in lines[0]
    assert not (tmp_path / "stimulus_hvm-public.csv").exists()

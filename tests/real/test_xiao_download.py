"""A real session and the tables, downloaded by the workflow from a server on this machine in place of the archives."""

import io
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.loopback import Loopback
from tests.workflow.conftest import run_snakemake
from ventral.data.responses import read_responses

STEM = "sub-An/sub-An_ses-20220105T173929"


def archive_of(folder: Path) -> bytes:
    """The authors' repository as the archive that their host makes of it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, "free_viewing-8b0c4af/db")
    return buffer.getvalue()


@pytest.fixture
def study(shared_data, tmp_path):
    """`study(server, sessions)` writes a config whose archives are all on the server; returns its path."""
    xiao = shared_data / "xiao"
    sessions = {
        f"{STEM}{suffix}": (xiao / "000628" / f"{STEM}{suffix}").read_bytes() for suffix in (".nwb", "_image.nwb")
    }

    def write(server: Loopback, wanted) -> Path:
        servers = {
            "dandi": server.add_dandiset(sessions),
            "osf": server.add_osf({"Stimuli.z01": b"", "Stimuli.zip": b""}),
            "tables": server.add("/tables.tar.gz", archive_of(xiao / "db")),
        }
        config = {
            "datasets": {"xiao": {"source": "dandi", "sessions": wanted, "servers": servers, "permutations": 100}},
            "networks": {"pixels": {"architecture": "pixels"}},
            "readouts": {"ols": {"alpha": 0}},
        }
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    return write


def test_a_dry_run_says_what_would_be_downloaded(study, tmp_path):
    with Loopback() as server:
        config = study(server, "published")
        done = run_snakemake(tmp_path, "-n", "--configfile", config)
        assert done.returncode == 0, done.stdout
        assert "18 of 18 files to download, 36.7 MB; and the archives of stimuli, tables" in done.stdout
        assert not server.asked


def test_a_session_is_downloaded_through_faults_and_read(study, tmp_path):
    target = "results/tables/xiao_units.csv"
    with Loopback() as server:
        config = study(server, ["An220105"])
        server.faults[f"/blobs/{STEM}.nwb"] += ["503", "cut"]
        server.faults["/tables.tar.gz"] += ["cut"]
        done = run_snakemake(tmp_path, target, "results/responses/xiao.nc", "--configfile", config)
        assert done.returncode == 0, done.stdout
        again = run_snakemake(tmp_path, "-n", target, "--configfile", config)
        assert "Nothing to be done" in again.stdout
    assert read_responses(tmp_path / "results/responses/xiao.nc")["rate"].shape == (300, 35)
    assert "all 2 files are in resources/xiao/000628" in again.stdout


def test_a_wrong_file_is_one_line_and_leaves_nothing(study, tmp_path):
    with Loopback() as server:
        config = study(server, ["An220105"])
        server.always[f"/blobs/{STEM}_image.nwb"] = "other"
        done = run_snakemake(tmp_path, "results/sessions/xiao/An220105/fixations.csv", "--configfile", config)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(set(lines)) == 1 and "_image.nwb" in lines[0] and "sha256" in lines[0]
    assert not list(tmp_path.rglob(f"{Path(STEM).name}_image.nwb"))


def test_an_unknown_session_is_named_with_the_nearest(study, tmp_path):
    with Loopback() as server:
        done = run_snakemake(tmp_path, "-n", "--configfile", study(server, ["An230105"]))
    assert done.returncode != 0
    assert "An230105" in done.stdout and "did you mean An2" in done.stdout

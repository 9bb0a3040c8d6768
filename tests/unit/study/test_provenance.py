"""What a study depends on: hashes that anybody can check, and nothing about the machine."""

import hashlib
import json
import shutil
import subprocess

import pytest
from packaging.version import Version

from ventral.study.provenance import describe, git_state, portable, provenance
from ventral.study.versions import installed, required, versions


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "images"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "1.png").write_bytes(b"one")
    (folder / "a.png").write_bytes(b"two!")
    return folder


def test_a_file_and_a_folder_by_their_hashes(recordings, monkeypatch):
    monkeypatch.chdir(recordings.parent)
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two!"))
    assert describe("images/a.png") == {"file": "images/a.png", "bytes": 4, "sha256": two}
    listing = f"{two}  a.png\n{one}  b/1.png\n"
    told = {"folder": "images", "files": 2, "bytes": 7, "sha256": hashlib.sha256(listing.encode()).hexdigest()}
    assert describe("images") == told
    assert describe(recordings) == told  # as well by its absolute path


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum to compare with")
def test_a_folder_can_be_checked_by_hand(recordings):
    command = "find . -type f | cut -c3- | LC_ALL=C sort | xargs sha256sum | sha256sum"
    done = subprocess.run(command, shell=True, cwd=recordings, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == describe(recordings)["sha256"]


def test_all_that_a_study_depends_on(recordings):
    config = {
        "seed": 3,
        "datasets": {"majaj": {"source": "simulated"}, "mine": {"images": str(recordings), "responses": "r.npy"}},
        "networks": {"copy": {"architecture": "/home/somebody/nets.py:build", "seed": 4}, "pixels": {}},
    }
    told = provenance(config, {"majaj": [], "mine": [recordings]}, {"copy": [recordings / "a.png"]}, None, {"a": "1"})
    assert told["code"] is None and told["versions"] == {"a": "1"}
    assert told["seeds"] == {"study": 3, "networks.copy": 4}
    assert told["datasets"]["majaj"] == {"simulated": True, "inputs": []}
    assert told["datasets"]["mine"] == {"simulated": False, "inputs": [describe(recordings)]}
    assert told["weights"]["copy"][0]["file"] == "a.png"
    assert told["config"]["networks"]["copy"]["architecture"] == "nets.py:build"
    assert str(recordings.parent) not in json.dumps(told)
    assert portable(("/x/y", 1, None, "x/y")) == ["y", 1, None, "x/y"]


def test_git_state(tmp_path):
    assert git_state(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "a").write_text("1")
    for command in (["init", "-q"], ["add", "a"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], check=True)
    state = git_state(tmp_path)
    assert len(state["commit"]) == 40 and state["changed"] is False
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table.csv").write_text("")
    assert git_state(tmp_path) == state
    (tmp_path / "a").write_text("2")
    assert git_state(tmp_path) == state | {"changed": True}
    assert git_state(tmp_path / "results") is None  # a copy of the code inside another checkout


def test_versions_are_those_installed(request):
    project = request.config.rootpath / "pyproject.toml"
    found = versions(project)
    assert list(found)[:2] == ["python", "ventral"]
    for requirement in required(project):
        assert requirement.specifier.contains(Version(found[requirement.name]), prereleases=True)
    assert installed("no-such-package") is None

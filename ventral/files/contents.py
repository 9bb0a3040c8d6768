"""Hashes of the contents of files and folders. Snakemake alone sees a change only if the date of a file is newer.

Hashes are kept beside Snakemake's own records, so that not every file is read again at every start.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ventral.files.atomic import writing
from ventral.files.errors import InputError
from ventral.files.listing import list_files

KEPT = Path(".snakemake", "contents.json")
SETTLED_S = 2.0  # a file that changed more recently may change again without a new date: clocks of disks are coarse


class Contents:
    """Hashes of files; a file is hashed again only if it may have changed.

    A file counts as unchanged if its size, inode, modification time and change time are the same. Tools can set the
    modification time back, but not the change time.

    Args:
        kept: file of the hashes from earlier runs. If it is missing or damaged, hashes are made again.
    """

    def __init__(self, kept: str | Path = KEPT) -> None:
        self.kept = Path(kept)
        self._known: dict[str, list[int | str]] | None = None  # by path: size, inode, both times, and the hash
        self._asked: dict[str, str] = {}
        self._is_new = False

    def of(self, paths: Iterable[str | Path]) -> str:
        """One hash of the contents of files and folders, and of the names within folders."""
        parts = [self._of_one(str(path)) for path in paths]
        if self._is_new:
            self._keep()
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _of_one(self, path: str) -> str:
        if path not in self._asked:
            if os.path.isdir(path):
                listing = "".join(f"{self._of_file(os.path.join(path, name))}  {name}\n" for name in list_files(path))
                self._asked[path] = hashlib.sha256(os.fsencode(listing)).hexdigest()
            else:
                self._asked[path] = self._of_file(path)
        return self._asked[path]

    def _of_file(self, path: str) -> str:
        """The hash of a file; "unreadable" if it cannot be read, so that the rule that needs it reports that."""
        try:
            status = os.stat(path)
            stamp = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
            *before, digest = self._table().get(path, [""])
            if before == stamp:
                return str(digest)
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return "unreadable"
        if time.time() - status.st_ctime > SETTLED_S:
            self._table()[path] = [*stamp, digest]
            self._is_new = True
        return digest

    def _table(self) -> dict[str, list[int | str]]:
        if self._known is None:
            self._known = {}
            with suppress(OSError, ValueError):
                found = json.loads(self.kept.read_text())
                if isinstance(found, dict):
                    self._known = {path: entry for path, entry in found.items() if isinstance(entry, list)}
        return self._known

    def _keep(self) -> None:
        self._is_new = False
        with suppress(OSError, InputError), writing(self.kept) as temporary:
            temporary.write_text(json.dumps(self._known))

"""What files and folders hold, told by hashes: Snakemake itself looks at a file again only where its date is newer.

Hashes are kept beside Snakemake's own records, so that a study of many files is not read whole at every start.
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
SETTLED_S = 2.0  # a file that changed later than so long ago may change again within one tick of its disk's clock


class Contents:
    """Hashes of files, each made once for as long as the file stays what it is.

    Whether it does is told by size, number on the disk, and both dates: that of the last change of any kind, which no
    tool can set, moves where another tool sets the first one back.

    Args:
        kept: file of the hashes that earlier runs made; where it is missing or damaged they are made again.
    """

    def __init__(self, kept: str | Path = KEPT) -> None:
        self.kept = Path(kept)
        self._known: dict[str, list[int | str]] | None = None  # by path: what tells that it is the same, and its hash
        self._asked: dict[str, str] = {}
        self._is_new = False

    def of(self, paths: Iterable[str | Path]) -> str:
        """One hash of files and folders: of what they hold, and of the names within folders."""
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
        """Of one that cannot be read a word, so that it is the rule that needs it which says so."""
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

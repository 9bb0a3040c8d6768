"""What lies in a folder or an archive that somebody gave: its files, without those that systems leave beside them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

# Left by Windows, macOS and archives, in lower case; files whose names begin with a dot are passed over anyway.
FOREIGN = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin", "@eadir"}
# Of tables, texts and arrays, which people keep beside their images.
BESIDE = {".csv", ".tsv", ".txt", ".md", ".json", ".yaml", ".yml", ".xml", ".html", ".py", ".npy", ".mat", ".nc"}


def is_foreign(name: str) -> bool:
    """Whether a path within a source is none of its owner's: hidden, or left by an operating system."""
    return any(part.startswith(".") or part.lower() in FOREIGN for part in PurePosixPath(name).parts)


def list_files(folder: str | Path) -> list[str]:
    """Paths of the files within a folder, sorted, as with `/` on every system.

    Folders that are linked are entered, once each; links to nothing are listed like files, so that they can be named.
    """
    return sorted(name for name in _walk(Path(folder), Path(folder), frozenset()) if not is_foreign(name))


def _walk(root: Path, folder: Path, above: frozenset[str]) -> Iterator[str]:
    here = os.path.realpath(folder)
    if here in above:  # a link to a folder that holds it
        return
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir():
                yield from _walk(root, Path(entry.path), above | {here})
            elif entry.is_file() or entry.is_symlink():
                yield Path(entry.path).relative_to(root).as_posix()


def dangling(folder: str | Path, names: Iterable[str]) -> list[str]:
    """Those of the names within a folder that link to nothing."""
    return [name for name in names if not (Path(folder) / name).exists()]

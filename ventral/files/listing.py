"""The files in a folder or archive of the user's, without those that operating systems add."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

# Files of Windows, macOS and archivers, in lower case. Files whose names begin with a dot are always skipped.
FOREIGN = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin", "@eadir"}
# Suffixes of tables, texts and arrays, which people keep beside their images.
BESIDE = {".csv", ".tsv", ".txt", ".md", ".json", ".yaml", ".yml", ".xml", ".html", ".py", ".npy", ".mat", ".nc"}


def is_foreign(name: str) -> bool:
    """Whether a path within a source is hidden or belongs to an operating system."""
    return any(part.startswith(".") or part.lower() in FOREIGN for part in PurePosixPath(name).parts)


def list_files(folder: str | Path) -> list[str]:
    """Paths of the files within a folder, sorted, with `/` on every system.

    Links to folders are followed, each folder once. Broken links are listed like files, so that messages can name them.
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
    """Those names within a folder that are broken links."""
    return [name for name in names if not (Path(folder) / name).exists()]

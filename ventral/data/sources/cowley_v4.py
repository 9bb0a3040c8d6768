"""Cowley et al. 2023: sites of V4 in three monkeys, over 45 sessions with their images.

Cowley, Stan, Pillow & Smith, "Compact deep neural network models of visual cortex". The table of sessions holds the
git blob ids of the published files, which pin them.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ventral.data.source import Source
from ventral.files.addresses import address_fault
from ventral.files.download import Download
from ventral.files.errors import listed, nearest
from ventral.files.keys import Address, key

if TYPE_CHECKING:
    import xarray as xr

    from ventral.data.images import Pictures

CATALOGUE = Path(__file__).parents[3] / "config" / "cowley_v4_sessions.csv"
REPOSITORY, COMMIT = "cowleygroup/V4_compact_models", "f4552ad9d34a466ebc66658f72a08a8e5038f1cf"
FOLDER = "data_V4_responses"  # of the repository
MIRRORS = (
    f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/{FOLDER}",
    f"https://github.com/{REPOSITORY}/raw/{COMMIT}/{FOLDER}",
)
# The files of a session in this folder, by the names of their columns in the table.
FILES = {
    "images": "images/images_{}.zip",
    "raw": "responses_raw/responses_{}.npy",
    "mean": "responses_repeat_averaged/responses_{}.npy",
}
# Of the archive of a session where its size is not known, and of an image in it. The table has no numbers of images.
ARCHIVE_BYTES, IMAGE_BYTES = 3_700_000, 3_100

Session = Annotated[int, Field(ge=100_000, le=999_999)] | Annotated[str, Field(pattern="^[0-9]{6}$")]
Sessions = Annotated[tuple[Session, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]


def read_catalogue(path: str | Path = CATALOGUE) -> dict[str, dict[str, str]]:
    """Read the table of sessions: subject, role, and of every file the git blob id and, where known, the bytes."""
    with open(path, newline="") as file:
        return {row["session"]: row for row in csv.DictReader(file)}


@dataclass(frozen=True, kw_only=True)
class SessionChoice:
    """Conditions that a session must meet."""

    role: Annotated[
        Literal["train", "validation", "test"] | None, key("what the authors use the sessions for", example="test")
    ] = None
    subject: Annotated[Literal["WE", "PE", "RA"] | None, key("animal", example="PE")] = None


@dataclass(frozen=True, kw_only=True)
class CowleyV4(Source):
    """Cowley et al. 2023: V4 of three monkeys, 45 sessions with their images."""

    source: Annotated[
        Literal["published", "files"], key("published: downloaded; files: a local copy of the authors' repository")
    ] = "published"
    path: Annotated[Path | None, key("folder of the repository", example="V4_compact_models")] = None
    sessions: Annotated[
        Literal["all"] | Sessions | SessionChoice,
        key(
            "sessions that are read",
            "give session names such as 210325, all, or {role: .., subject: ..}",
            [190923, 210325],
        ),
    ] = (210325,)
    trials: Annotated[
        bool, key("true: single presentations, which give noise ceilings; false: the authors' means over them")
    ] = True
    server: Annotated[
        Address | None, key("address that replaces that of the folder in the repository", example=MIRRORS[0])
    ] = None

    @cached_property
    def chosen(self) -> dict[str, dict[str, str]]:
        """The rows of the chosen sessions in the table, by name and in its order; all of them have images."""
        known = {name: row for name, row in read_catalogue().items() if row["images_blob"]}
        if isinstance(self.sessions, tuple):
            return {name: row for name, row in known.items() if name in self.named}
        asked = self.sessions if isinstance(self.sessions, SessionChoice) else SessionChoice()
        return {
            name: row
            for name, row in known.items()
            if asked.role in (None, row["role"]) and asked.subject in (None, row["subject"])
        }

    @property
    def n_images(self) -> int:
        return sum(int(row["images_size"] or ARCHIVE_BYTES) // IMAGE_BYTES for row in self.chosen.values())

    @property
    def named(self) -> list[str]:
        """The sessions that the config gives by name. YAML reads these names as numbers."""
        return [str(name) for name in self.sessions] if isinstance(self.sessions, tuple) else []

    @property
    def kinds(self) -> tuple[str, str]:
        """The kinds of files that are read, as in `FILES`."""
        return "images", "raw" if self.trials else "mean"

    @property
    def folder(self) -> Path:
        """The folder of the files: that of downloads, or the user's, with or without the repository around it."""
        if self.source == "published" or self.path is None:
            return Path(self.places.downloaded)
        inside = self.path / FOLDER
        return inside if inside.is_dir() else self.path

    def files(self, kind: str) -> list[str]:
        """The files of all chosen sessions of one kind."""
        return [str(self.folder / FILES[kind].format(session)) for session in self.chosen]

    def image_files(self) -> dict[str, Any]:
        return {"archives": self.files("images")}

    def response_files(self) -> dict[str, Any]:
        table = os.path.relpath(CATALOGUE)
        return {"responses": self.files(self.kinds[1]), "packed": self.places.images, "table": table}

    def from_outside(self) -> list[str]:
        return [file for kind in self.kinds for file in self.files(kind)]

    def fetched(self) -> dict[str, Download]:
        servers = MIRRORS if self.server is None else (self.server,)
        files = [
            (FILES[kind].format(session), row[f"{kind}_size"], row[f"{kind}_blob"])
            for session, row in self.chosen.items()
            for kind in self.kinds
        ]
        return {
            name: Download(
                f"cowley_v4, {name}",
                tuple(f"{server}/{name}" for server in servers),
                int(size) if size else None,
                digest=f"git:{blob}",
            )
            for name, size, blob in files
            if self.source == "published"
        }

    def faults(self) -> Iterator[str]:
        is_local = self.source == "files"
        if is_local and self.path is None:
            yield "source: files needs path; add the path of the folder"
        if not is_local and self.path is not None:
            yield "path: is only for source: files; leave it out"
        if is_local and self.server is not None:
            yield "server: is only for source: published; leave it out"
        if self.server is not None and (fault := address_fault(self.server)):
            yield f"server: {fault}"
        yield from self._faults_of_sessions()
        if is_local and self.path is not None and self.folder.is_dir():
            yield from self._absent_files()

    def _absent_files(self) -> Iterator[str]:
        absent = [file for file in self.from_outside() if not Path(file).is_file()]
        if absent:
            means_would_do = all(Path(file).is_file() for kind in ("images", "mean") for file in self.files(kind))
            yield f"path: no file {listed(absent, 2)}; copy it there{', or set trials: false' * means_would_do}"

    def _faults_of_sessions(self) -> Iterator[str]:
        known = read_catalogue()
        for name in dict.fromkeys(self.named):
            if name not in known:
                yield f"sessions: no session {name}; {nearest(name, known)}"
            elif not known[name]["images_blob"]:
                yield f"sessions: the images of {name} are not published; leave it out"
        if len(set(self.named)) < len(self.named):
            yield "sessions: one is named twice; name it once"
        if self.sessions == SessionChoice():
            yield "sessions: has no condition; give role or subject"
        elif not self.chosen and not self.named:
            yield "sessions: no session meets both conditions; ask for less"

    @staticmethod
    def read_images(files: Mapping[str, Any]) -> "Pictures":
        from ventral.data.cowley.images import read_pictures

        return read_pictures(files["archives"])

    @staticmethod
    def read_responses(
        files: Mapping[str, Any], *, trials: bool, split: Mapping[str, float], seed: int
    ) -> "xr.Dataset":
        from ventral.data.cowley.responses import read_sessions

        subjects = {session: row["subject"] for session, row in read_catalogue(files["table"]).items()}
        return read_sessions(files["responses"], files["packed"], subjects, trials, split, seed)


SOURCE = CowleyV4

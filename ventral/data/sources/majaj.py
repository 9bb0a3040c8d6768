"""Majaj & Hong 2015: responses in IT and V4 of two monkeys, from the publisher's files or from the course's file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from ventral.data.images import LABELS, Pictures
from ventral.data.source import Source
from ventral.files.download import Download
from ventral.files.errors import listed
from ventral.files.keys import key

if TYPE_CHECKING:
    import xarray as xr

PUBLISHED_IMAGES = 3200
# The publisher's files: name and sha1 of each, and the folders that hold them, best first.
PUBLISHED = {
    "assembly": ("assy_dicarlo_MajajHong2015_public.nc", "13d28ca0ce88ee550b54db3004374ae19096e9b9"),
    "stimuli": ("stimulus_hvm-public.csv", "5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af"),
    "images": ("stimulus_hvm-public.zip", "8aa44e038d7b551efa8077467622f9d48d72e473"),
}
MIRRORS = (
    "https://brainscore-storage.s3.amazonaws.com/brainio-brainscore",
    "https://brainio-brainscore.s3.amazonaws.com",
    "https://s3.amazonaws.com/brainio.dicarlo",
)
OTHER_NAMES = {  # names of the same files on the last mirror
    "stimulus_hvm-public.csv": "image_dicarlo_hvm-public.csv",
    "stimulus_hvm-public.zip": "image_dicarlo_hvm-public.zip",
}
COURSE = "IT_data.h5"  # name of the course's file, where it is simulated


def addresses(name: str) -> list[str]:
    """List the addresses of a published file, best first."""
    *first, last = MIRRORS
    return [*(f"{mirror}/{name}" for mirror in first), f"{last}/{OTHER_NAMES.get(name, name)}"]


@dataclass(frozen=True, kw_only=True)
class SimulatedMajaj:
    """The size of simulated recordings."""

    n_images: Annotated[int, key("number of images, at least two an object", ge=128)] = 384
    image_size: Annotated[int, key("side of the images in pixels", ge=32)] = 64
    n_sites: Annotated[int, key("number of sites over IT and V4, in the published proportion", ge=3)] = 48
    repetitions: Annotated[
        int, key("presentations of images of variation 3; of variation 0 more, in the published proportion", ge=2)
    ] = 20


@dataclass(frozen=True, kw_only=True)
class Majaj(Source):
    """Majaj & Hong 2015: sites of IT and V4, images of objects on backgrounds."""

    source: Annotated[
        Literal["simulated", "files", "published", "course_file"],
        key(
            "simulated: written by the study, from known tuning; published: downloaded; files: local copies; "
            "course_file: averages of IT"
        ),
    ]
    assembly: Annotated[Path | None, key("netCDF file of the responses", example="assembly.nc")] = None
    stimuli: Annotated[Path | None, key("table of the stimuli", example="stimuli.csv")] = None
    images: Annotated[Path | None, key("archive of the images", example="stimuli.zip")] = None
    course_file: Annotated[Path | None, key("HDF5 file of averaged responses", example="IT_data.h5")] = None
    simulation: Annotated[SimulatedMajaj, key("size of the simulated recordings")] = field(
        default_factory=SimulatedMajaj
    )

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(LABELS)

    @property
    def n_images(self) -> int:
        return self.simulation.n_images if self.is_simulated else PUBLISHED_IMAGES

    @property
    def is_simulated(self) -> bool:
        return self.source == "simulated"

    @property
    def given(self) -> dict[str, str]:
        """The files that the config names."""
        named = {"assembly": self.assembly, "stimuli": self.stimuli, "images": self.images, "course": self.course_file}
        return {name: str(file) for name, file in named.items() if file is not None}

    @property
    def files(self) -> dict[str, str]:
        """The publisher's three files, whether the user gave them or they are downloaded or simulated."""
        folder = self.places.simulated if self.is_simulated else self.places.downloaded
        made = {name: f"{folder}/{file}" for name, (file, _) in PUBLISHED.items()}
        return (
            made if self.is_simulated else made | {name: self.given[name] for name in PUBLISHED if name in self.given}
        )

    def simulated_files(self) -> dict[str, str]:
        """The files of the simulation: the publisher's files, the course's file, and the true tuning."""
        folder = self.places.simulated
        return {name: f"{folder}/{file}" for name, (file, _) in PUBLISHED.items()} | {
            "truth": f"{folder}/truth.nc",
            "course": f"{folder}/{COURSE}",
        }

    def image_files(self) -> dict[str, str]:
        return {"course": self.given["course"]} if self.source == "course_file" else self.files

    def response_files(self) -> dict[str, str]:
        files = self.given if self.source == "course_file" else self.files
        # With the course's file, the assembly is optional. It gives the reliabilities.
        return {name: files[name] for name in ("assembly", "stimuli", "course") if name in files}

    def keys_of(self, reader: str) -> list[str]:
        found = super().keys_of(reader)
        return [name for name in found if name != "split" or self.source != "course_file"]  # which has its own split

    def from_outside(self) -> list[str]:
        if self.is_simulated:
            return []
        return list((self.image_files() | self.response_files()).values())

    def fetched(self) -> dict[str, Download]:
        return {
            file: Download(f"majaj, {file}", tuple(addresses(file)), digest=f"sha1:{sha1}")
            for name, (file, sha1) in PUBLISHED.items()
            if self.source == "published" and name not in self.given
        }

    def faults(self) -> Iterator[str]:
        needed = {"files": list(PUBLISHED), "course_file": ["course_file"]}.get(self.source, [])
        if missing := [name for name in needed if getattr(self, name) is None]:
            remedy = "add its path" if len(missing) == 1 else "add the path of each"
            yield f"source: {self.source} needs {listed(missing)}; {remedy}"
        if self.source == "course_file" and (self.assembly is None) != (self.stimuli is None):
            given, other = ("stimuli", "assembly") if self.assembly is None else ("assembly", "stimuli")
            yield f"{given}: needs {other} too; add {other}, or leave {given} out"

    @staticmethod
    def read_images(files: Mapping[str, str]) -> Pictures:
        if "course" in files:
            from ventral.data.majaj.course_files import read_course_images

            images, labels = read_course_images(files["course"])
            return Pictures(images, list(labels["stimulus_id"]), {name: labels[name] for name in LABELS})
        from ventral.data.majaj.files import read_majaj_images

        images, table = read_majaj_images(files["assembly"], files["stimuli"], files["images"])
        return Pictures(images, list(table.index), {name: list(table[name]) for name in LABELS})

    @staticmethod
    def read_responses(
        files: Mapping[str, str], *, seed: int, split: Mapping[str, float] | None = None
    ) -> "xr.Dataset":
        if "course" in files:
            from ventral.data.majaj.course import read_course_responses

            published = (files["assembly"], files["stimuli"]) if "assembly" in files else None
            return read_course_responses(files["course"], published, seed)
        from ventral.data.majaj.responses import read_majaj_responses

        return read_majaj_responses(files["assembly"], files["stimuli"], split or {}, seed)


SOURCE = Majaj

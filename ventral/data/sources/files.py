"""The user's own recordings: a folder or zip archive of images, and one file of responses; paths or addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from ventral.data.images import LABELS, Pictures, open_images
from ventral.data.source import Source
from ventral.files.addresses import address_fault, as_file_name, is_address
from ventral.files.download import Download
from ventral.files.keys import Address, Terms, key

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = (".npy", ".csv", ".tsv", ".nc")
EXAMPLE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DIGITS = "give its sha256, 64 digits in lower case"
Sha256 = Annotated[str, Terms(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, kw_only=True)
class Hashes:
    """The sha256 of each file at an address."""

    images: Annotated[Sha256 | None, key("of the archive of images", DIGITS, example=EXAMPLE)] = None
    responses: Annotated[Sha256 | None, key("of the file of responses", DIGITS, example=EXAMPLE)] = None


@dataclass(frozen=True, kw_only=True)
class Files(Source):
    """Your own recordings."""

    by_hand: ClassVar[str] = "copy the file to this machine and give its path"

    images: Annotated[
        Path | Address, key("folder or zip archive of the images, or address of an archive", example="images.zip")
    ]
    responses: Annotated[
        Path | Address, key("file of the responses: .npy, .csv, .tsv or .nc; or its address", example="responses.npy")
    ]
    sha256: Annotated[Hashes | None, key("sha256 of each file at an address")] = None
    layout: Annotated[
        tuple[Literal["stimulus", "neuroid", "repeat"], ...],
        key(
            "axes of an array, in order", "give the axes of the array, such as [stimulus, neuroid, repeat]", unique=True
        ),
    ] = ("stimulus", "neuroid")
    image_size: Annotated[
        int | None,
        key("side in pixels of the squares into which images are fitted; absent: unchanged", example=256, ge=8),
    ] = None
    region: Annotated[str, key("recorded region", "give the name of the recorded region", "IT")] = "all"
    subject: Annotated[str, key("animal", "give the name of the animal")] = "unknown"
    units: Annotated[str, key("unit of the responses", "give the unit of the responses")] = "Hz"

    @property
    def at_addresses(self) -> dict[str, tuple[str, str]]:
        """Of each key that is an address: the address, and the name of its file in the folder of downloads."""
        found = {}
        for name in ("images", "responses"):
            address = str(getattr(self, name))
            if is_address(address):
                parts = urlsplit(address)
                file = (parts.fragment or parts.path).rpartition("/")[2].lstrip(".") or name
                # A folder for each hash, so that no file is taken for a table beside another.
                folder = (getattr(self.sha256, name, None) or "")[:16]
                found[name] = address, f"{folder}/{as_file_name(file)}"
        return found

    def local(self, name: str) -> str:
        """The path of `images` or `responses`, which may have been at an address."""
        given = str(getattr(self, name))
        return f"{self.places.downloaded}/{self.at_addresses[name][1]}" if is_address(given) else given

    def fetched(self) -> dict[str, Download]:
        return {
            file: Download(f"files, {Path(file).name}", (address,), digest=f"sha256:{getattr(self.sha256, name)}")
            for name, (address, file) in self.at_addresses.items()
        }

    @property
    def n_images(self) -> int | None:
        images = self.local("images")
        return len(open_images(images)[0]) if Path(images).exists() else None

    @property
    def to_prepare(self) -> str:
        from ventral.data.own.stimuli import is_netcdf

        file = self.local("responses")  # only netCDF holds labels; a table or an array at an address has none beside it
        return file if "responses" in self.at_addresses and is_netcdf(file) and not Path(file).is_file() else ""

    def prepare(self) -> None:
        if file := self.to_prepare:
            from ventral.files.fetch import fetch

            address, name = self.at_addresses["responses"]
            fetch([address], file, digest=self.fetched()[name].digest, otherwise=self.by_hand)

    def faults(self) -> Iterator[str]:
        for name, (address, file) in self.at_addresses.items():
            if fault := address_fault(address):
                yield f"{name}: {fault}"
            if getattr(self.sha256, name, None) is None:
                yield f"{name}: an address needs the hash of its file; add sha256: {{{name}: ..}}"
            if name == "responses" and not file.lower().endswith(SUFFIXES):
                yield f"{name}: the address does not say the format; add the name of the file, such as #responses.npy"
        for name in ("images", "responses"):
            if getattr(self.sha256, name, None) is not None and name not in self.at_addresses:
                yield f"sha256.{name}: is for a file at an address; leave it out"

    @cached_property
    def known(self) -> frozenset[str]:
        """What the files say about the stimuli: labels, split, groups."""
        from ventral.data.own.stimuli import known_labels

        return known_labels(self.local("responses"))

    @property
    def labels(self) -> frozenset[str]:
        return self.known & set(LABELS)

    @property
    def said_in(self) -> list[str]:
        """The file with the labels of the images, as a list; empty without labels."""
        from ventral.data.own.stimuli import is_netcdf, stimulus_table

        responses = self.local("responses")
        table = responses if is_netcdf(responses) else stimulus_table(responses)
        return [table] if table is not None and self.labels else []

    def image_files(self) -> dict[str, Any]:
        return {"images": self.local("images"), "labels": self.said_in}

    def response_files(self) -> dict[str, Any]:
        from ventral.data.own.naming import companions

        given = {name: self.local(name) for name in ("images", "responses")}
        beside = companions(given["responses"])
        return given | {"packed": self.places.images, "beside": beside}

    def keys_of(self, reader: str) -> list[str]:
        return [name for name in super().keys_of(reader) if name != "split" or "split" not in self.known]

    def from_outside(self) -> list[str]:
        from ventral.data.own.stimuli import stimulus_table

        table = stimulus_table(self.local("responses"))
        return [self.local("images"), self.local("responses"), *([table] if table is not None else [])]

    @staticmethod
    def read_images(files: Mapping[str, Any], *, image_size: int | None) -> Pictures:
        from ventral.data.images import read_images, stimulus_ids
        from ventral.data.own.stimuli import read_image_labels

        names, read = open_images(files["images"])
        pixels = read_images(files["images"], names, read, side=image_size)
        labels = read_image_labels(files["labels"][0], names) if files["labels"] else {}
        return Pictures(pixels, stimulus_ids(names), labels)

    @staticmethod
    def read_responses(
        files: Mapping[str, Any],
        *,
        dataset: str,
        layout: list[str],
        region: str,
        subject: str,
        units: str,
        seed: int,
        split: Mapping[str, float] | None = None,
    ) -> "xr.Dataset":
        from ventral.data.images import read_groups
        from ventral.data.own.recordings import read_recordings

        settings = {"name": dataset, "layout": layout, "region": region, "subject": subject, "units": units}
        copies = read_groups(files["packed"])
        return read_recordings(files["images"], files["responses"], settings, split, seed, copies)


SOURCE = Files

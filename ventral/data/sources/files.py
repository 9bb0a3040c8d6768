"""The user's own recordings: a folder or zip archive of images, and one file of responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ventral.data.images import LABELS, Pictures
from ventral.data.source import Source
from ventral.files.keys import key

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class Files(Source):
    """Your own recordings."""

    images: Annotated[Path, key("folder or zip archive of the images", example="images.zip")]
    responses: Annotated[Path, key("file of the responses: .npy, .csv, .tsv or .nc", example="responses.npy")]
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

    @cached_property
    def known(self) -> frozenset[str]:
        """What the files say about the stimuli: labels, split, groups."""
        from ventral.data.own.stimuli import known_labels

        return known_labels(self.responses)

    @property
    def labels(self) -> frozenset[str]:
        return self.known & set(LABELS)

    @property
    def said_in(self) -> list[str]:
        """The file with the labels of the images, as a list; empty without labels."""
        from ventral.data.own.stimuli import is_netcdf, stimulus_table

        table = str(self.responses) if is_netcdf(self.responses) else stimulus_table(self.responses)
        return [table] if table is not None and self.labels else []

    def image_files(self) -> dict[str, Any]:
        return {"images": str(self.images), "labels": self.said_in}

    def response_files(self) -> dict[str, Any]:
        from ventral.data.own.naming import companions

        beside = companions(self.responses)
        given = {"images": str(self.images), "responses": str(self.responses)}
        return given | {"packed": self.places.images, "beside": beside}

    def keys_of(self, reader: str) -> list[str]:
        return [name for name in super().keys_of(reader) if name != "split" or "split" not in self.known]

    def from_outside(self) -> list[str]:
        from ventral.data.own.stimuli import stimulus_table

        table = stimulus_table(self.responses)
        return [str(self.images), str(self.responses), *([table] if table is not None else [])]

    @staticmethod
    def read_images(files: Mapping[str, Any], *, image_size: int | None) -> Pictures:
        from ventral.data.images import open_images, read_images, stimulus_ids
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

"""What every kind of recording declares, so that rules, tables and figures treat all kinds alike.

A kind is one module `ventral/data/sources/KIND.py`, whose `SOURCE` is a subclass of `Source`. Each dataset of the
config is an object of that class, with the config keys as its fields. Kinds are found by the names of their modules.

The modules import readers and large packages inside methods. So the Snakefile starts fast, and an edit of one reader
reruns that reader alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.json_schema import SkipJsonSchema

from ventral.files.download import Download

if TYPE_CHECKING:
    import xarray as xr

    from ventral.data.images import Pictures


@dataclass(frozen=True)
class Places:
    """Where the files of a dataset are.

    Attributes:
        dataset: its name.
        downloaded: folder of downloads, which all datasets of the kind share.
        simulated: folder of the simulated recordings of this dataset.
        images: the packed images, `images/{dataset}.h5`.
    """

    dataset: str = ""
    downloaded: str = ""
    simulated: str = ""
    images: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset of one kind. A subclass adds the keys of the config as fields, annotated with `ventral.files.keys.key`.

    Two static methods read the recordings. The rules `pack_images` and `read_responses` run them. Their first argument
    maps names to files, as `image_files` and `response_files` return them. Each keyword-only argument is a key of the
    dataset, `split` or `seed` of the study, or `dataset`, the name of the dataset. A change of any other key reruns
    nothing.

    Attributes:
        places: where its files are.
        read_images: `(files, *, KEY, ...) -> Pictures`.
        read_responses: `(files, *, KEY, ...)`. Returns the dataset of `ventral.data.responses.make_responses`.
        has_rates: whether there are responses of neuroids, to which encoders can be fitted. Otherwise there are RDMs.
        by_hand: what a user does instead if the files cannot be downloaded.
        several_sessions: whether the recordings are several sessions, each with its own files.
    """

    places: SkipJsonSchema[Places] = Places()
    read_images: ClassVar[Callable[..., "Pictures"]]
    read_responses: ClassVar[Callable[..., "xr.Dataset"]]
    has_rates: ClassVar[bool] = True
    several_sessions: ClassVar[bool] = False
    by_hand: ClassVar[str] = "copy the files to this machine and give source: files"

    @property
    def kind(self) -> str:
        """The name of the kind, which is the name of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def labels(self) -> frozenset[str]:
        """The labels that its images have: `object_name`, `category_name`, both or neither."""
        return frozenset()

    @property
    def has_categories(self) -> bool:
        """Whether its responses have labels of categories, for figures by category and for co-training."""
        return self.has_rates and "category_name" in self.labels

    @property
    def has_images(self) -> bool:
        """Whether its images are available, so that networks can run."""
        return True

    @property
    def has_rdms(self) -> bool:
        """Whether its stimuli can be compared by representational dissimilarity matrices."""
        return True

    @property
    def has_faces(self) -> bool:
        """Whether networks can learn to detect faces in its images. If so, `region_files` says where the faces are."""
        return False

    @property
    def n_images(self) -> int | None:
        """The number of its images, or about so many; None if that shows only when they are there."""
        return None

    @property
    def is_simulated(self) -> bool:
        """Whether the study simulates the recordings, from known tuning."""
        return False

    def image_files(self) -> dict[str, Any]:
        """The files that `read_images` reads, by name: each a file, a folder or a list of files."""
        return {}

    def response_files(self) -> dict[str, Any]:
        """The files that `read_responses` reads, by name: each a file, a folder or a list of files."""
        return {}

    def keys_of(self, reader: str) -> list[str]:
        """The keys on which `read_images` or `read_responses` depends: its keyword-only arguments."""
        found = signature(getattr(self, reader)).parameters.values()
        return [argument.name for argument in found if argument.kind is Parameter.KEYWORD_ONLY]

    def from_outside(self) -> list[str]:
        """Files and folders that the user gave or the study downloads. Empty if the recordings are simulated."""
        return []

    def fetched(self) -> dict[str, Download]:
        """The files that the rule `download_recordings` downloads, by their names in the folder `places.downloaded`."""
        return {}

    def downloads(self) -> Iterator[Download]:
        """The files that are still to be downloaded."""
        wanted = self.fetched().items()
        return (download for name, download in wanted if not Path(self.places.downloaded, name).is_file())

    @property
    def to_prepare(self) -> str:
        """The file that `prepare` would download; empty if there is none."""
        return ""

    def prepare(self) -> None:
        """Download what the parts of a study depend on, before any job is planned.

        Raises:
            InputError: if it cannot be downloaded.
        """

    def faults(self) -> Iterator[str]:
        """Faults of keys that exclude or need one another, one line each: `KEY: problem; remedy`."""
        return iter(())

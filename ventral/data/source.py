"""What every kind of recording says about itself, so that rules, tables and figures need not know which it is.

A kind is one module `ventral/data/sources/KIND.py`, whose `SOURCE` is a subclass of `Source`. A dataset of the config
is an object of it: the config keys are its fields. Kinds are found by the name of their module and imported one by one.
Their modules import readers and large packages within the methods: so the Snakefile starts fast, and an edit of one
reader reruns that reader alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.json_schema import SkipJsonSchema

from ventral.files.download import Download

if TYPE_CHECKING:
    import xarray as xr

    from ventral.data.images import Pictures


@dataclass(frozen=True)
class Places:
    """Where the files of a dataset lie.

    Attributes:
        dataset: its name.
        downloaded: folder of what is downloaded, shared by all datasets of the kind.
        simulated: folder of simulated recordings, of this dataset alone.
        images: the packed images, `images/{dataset}.h5`.
    """

    dataset: str = ""
    downloaded: str = ""
    simulated: str = ""
    images: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset of one kind. A subclass adds the keys of the config as fields, annotated with `ventral.files.keys.key`.

    Two static methods read the recordings; the rules `pack_images` and `read_responses` run them. Their first argument
    is a mapping from names to files, as `image_files` and `response_files` gave them. Each keyword-only argument is a
    key of the dataset, or `split` or `seed` of the study, or `dataset`, its name: a change of another reruns nothing.

    Attributes:
        places: where its files lie.
        read_images: `(files, *, KEY, ...) -> Pictures`.
        read_responses: `(files, *, KEY, ...)`, returns the dataset of `ventral.data.responses.make_responses`.
        has_rates: whether there are responses of neuroids, to fit encoders to; or only RDMs.
    """

    places: SkipJsonSchema[Places] = Places()
    read_images: ClassVar[Callable[..., "Pictures"]]
    read_responses: ClassVar[Callable[..., "xr.Dataset"]]
    has_rates: ClassVar[bool] = True
    several_sessions: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The name of the kind: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def labels(self) -> frozenset[str]:
        """What its images are labelled with: `object_name`, `category_name`, both or neither."""
        return frozenset()

    @property
    def has_categories(self) -> bool:
        """Whether its responses are labelled with categories, to draw them by category and to co-train on these."""
        return self.has_rates and "category_name" in self.labels

    @property
    def has_images(self) -> bool:
        """Whether its images are at hand, so that networks can run."""
        return True

    @property
    def has_rdms(self) -> bool:
        """Whether its stimuli can be compared by representational dissimilarity matrices."""
        return True

    @property
    def has_faces(self) -> bool:
        """Whether networks can learn to detect faces in its images; then `region_files` says where the faces are."""
        return False

    @property
    def is_simulated(self) -> bool:
        """Whether the study makes the recordings itself, from known tuning."""
        return False

    def image_files(self) -> dict[str, Any]:
        """What `read_images` reads: a file, a folder or a list of files by name."""
        return {}

    def response_files(self) -> dict[str, Any]:
        """What `read_responses` reads: a file, a folder or a list of files by name."""
        return {}

    def keys_of(self, reader: str) -> list[str]:
        """The keys that a reader depends on, `read_images` or `read_responses`: its keyword-only arguments."""
        found = signature(getattr(self, reader)).parameters.values()
        return [argument.name for argument in found if argument.kind is Parameter.KEYWORD_ONLY]

    def from_outside(self) -> list[str]:
        """Files and folders that the user gave or that are downloaded; none where the recordings are simulated."""
        return []

    def downloads(self) -> Iterator[Download]:
        """What is still to be downloaded."""
        return iter(())

    def faults(self) -> Iterator[str]:
        """Keys that do not go together, one line each: `KEY: problem; remedy`."""
        return iter(())

"""What every kind of recording says about itself, so that rules, tables and figures need not know which it is.

A kind is one module `ventral/data/sources/KIND.py`, whose `SOURCE` is a subclass of `Source`. A dataset of the config
is an object of it: the config keys are its fields. Kinds are found by the name of their module and imported one by one.
Their modules import readers and large packages within the methods: so the Snakefile starts fast, and an edit of one
reader reruns that reader alone.
"""

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic.json_schema import SkipJsonSchema

from ventral.data import sources
from ventral.files.download import Download
from ventral.files.errors import nearest

if TYPE_CHECKING:
    import xarray as xr

OWN = "files"  # the kind of a dataset whose name is no kind


class Pictures(NamedTuple):
    """Images in the order that all later matrices of a dataset share.

    Attributes:
        pixels: (n, side, side, 3) uint8.
        stimulus_id: (n,) unique.
        labels: (n,) `object_name`, `category_name`, where known.
    """

    pixels: NDArray[np.uint8]
    stimulus_id: Sequence[str]
    labels: Mapping[str, ArrayLike] = {}


@dataclass(frozen=True)
class Places:
    """Where the files of a dataset lie.

    Attributes:
        dataset: its name.
        downloaded: folder of what is downloaded, shared by all datasets of the kind.
        simulated: folder of simulated recordings, of this dataset alone.
        images: the packed images, `images/{dataset}.h5`.
    """

    dataset: str
    downloaded: str
    simulated: str
    images: str


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

    places: SkipJsonSchema[Places]
    read_images: ClassVar[Callable[..., Pictures]]
    read_responses: ClassVar[Callable[..., "xr.Dataset"]]
    has_rates: ClassVar[bool] = True
    several_sessions: ClassVar[bool] = False

    @property
    def labels(self) -> frozenset[str]:
        """What its images are labelled with: `object_name`, `category_name`, both or neither."""
        return frozenset()

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
        """Whether its images are labelled as faces and others, so that networks can learn to detect faces."""
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
        """Keys that do not go together: `.KEY: problem; remedy`, or `: problem; remedy` of the dataset as a whole."""
        return iter(())


def kinds() -> list[str]:
    """The kinds of recordings there are; none of them is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(sources.__path__))


def kind_of(dataset: str, settings: Mapping[str, Any]) -> str:
    """The kind of a dataset in the config: its `kind`; without one its name where that is a kind, else `files`."""
    return str(settings.get("kind", dataset if dataset in kinds() else OWN))


def find_kind(kind: str) -> type[Source]:
    """The class of a kind.

    Raises:
        KeyError: if there is no such kind; the message names the nearest one.
    """
    if kind not in kinds():
        raise KeyError(f"no kind {kind!r} of recordings; {nearest(kind, kinds())}")
    source: type[Source] = import_module(f"{sources.__name__}.{kind}").SOURCE
    return source

"""The kinds of recordings and of readouts: which there are, which one an entry of the config is, and its keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ventral.files.keys import Count, Sizes, Text, key

OTHER_RECORDINGS, OTHER_READOUTS = "files", "ridge"


def dataset_kinds() -> list[str]:
    """The kinds of recordings, sorted."""
    return sorted(_DATASETS)


def dataset_kind(name: str, entry: Any) -> str:
    """The kind of an entry under `datasets`: its key `kind`, else its name where that is a kind, else `files`."""
    if isinstance(entry, Mapping) and "kind" in entry:
        return str(entry["kind"])
    return name if name in dataset_kinds() else OTHER_RECORDINGS


def dataset_keys(kind: str) -> type:
    """The dataclass of the keys that recordings of a kind take."""
    return _DATASETS[kind]


def readout_kinds() -> list[str]:
    """The kinds of readouts, sorted."""
    return sorted(_READOUTS)


def readout_kind(entry: Any) -> str:
    """The kind of an entry under `readouts`: its key `kind`, else the kind that one of its keys names, else `ridge`."""
    if not isinstance(entry, Mapping):
        return OTHER_READOUTS
    return str(entry["kind"]) if "kind" in entry else next(filter(entry.__contains__, readout_kinds()), OTHER_READOUTS)


def readout_keys(kind: str) -> type:
    """The dataclass of the keys that readouts of a kind take."""
    return _READOUTS[kind]


def _missing(entry: Any, *names: str) -> str:
    return ", ".join(name for name in names if getattr(entry, name) is None)


@dataclass(frozen=True)
class SimulatedMajaj:
    """The size of simulated recordings."""

    n_images: Annotated[int, key("number of images, at least two an object", ge=128)] = 640
    image_size: Annotated[int, key("side of the images in pixels", ge=32)] = 128
    n_sites: Annotated[int, key("number of sites over IT and V4, in the published proportion", ge=3)] = 48
    repetitions: Annotated[
        int, key("presentations of images of variation 3; of variation 0 more, in the published proportion", ge=2)
    ] = 20


@dataclass(frozen=True)
class Majaj:
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

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between keys."""
        if self.source == "files" and (missing := _missing(self, "assembly", "stimuli", "images")):
            yield f"source: files needs {missing}; add the path of each"
        if self.source == "course_file" and (missing := _missing(self, "course_file")):
            yield f"source: course_file needs {missing}; add its path"
        if self.source == "course_file" and (self.assembly is None) != (self.stimuli is None):
            given, other = ("stimuli", "assembly") if self.assembly is None else ("assembly", "stimuli")
            yield f"{given}: goes with {other}; add it, or leave {given} out"


@dataclass(frozen=True)
class Kriegeskorte92:
    """Kriegeskorte et al. 2008: RDMs of monkey and human IT on 92 photographs."""


@dataclass(frozen=True)
class SessionChoice:
    """Sessions by what was recorded."""

    region: Annotated[str | tuple[str, ...] | None, key("their regions", example=["AIT", "CIT"])] = None
    subject: Annotated[str | tuple[str, ...] | None, key("their subjects", example="Bo")] = None
    min_units: Annotated[Count | None, key("their least number of units", example=20)] = None


@dataclass(frozen=True)
class SimulatedXiao:
    """The size of simulated recordings."""

    n_stimuli: Annotated[int, key("number of images", ge=12)] = 150
    minutes: Annotated[float, key("length of each of four sessions in minutes", ge=0.5)] = 10
    n_units: Annotated[int, key("units of each session", ge=5, le=48)] = 16


@dataclass(frozen=True)
class Servers:
    """Addresses in place of the publishers'."""

    dandi: Annotated[Text | None, key("of the DANDI archive", example="https://api.dandiarchive.org/api")] = None
    osf: Annotated[Text | None, key("of OSF", example="https://osf.io")] = None
    tables: Annotated[Text | None, key("of the authors' repository", example="https://github.com")] = None


Session = Annotated[str, Field(pattern="^[A-Z][a-z][0-9]{6}(_[0-9])?$")]
Sessions = Annotated[tuple[Session, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]


@dataclass(frozen=True)
class Xiao:
    """Xiao et al. 2024: free viewing, V1 to AIT (DANDI 000628)."""

    source: Annotated[
        Literal["simulated", "files", "dandi"],
        key("simulated: written by the study, from known tuning; dandi: downloaded; files: local copies"),
    ]
    path: Annotated[Path | None, key("folder of the sessions", example="000628")] = None
    tables: Annotated[Path | None, key("folder of the authors' tables", example="db")] = None
    stimuli: Annotated[Path | None, key("folder of the images", example="stimuli")] = None
    sessions: Annotated[
        Literal["all", "published"] | Sessions | SessionChoice,
        key(
            "sessions that are read",
            "give session names such as An220105, all, published, or {region: .., subject: .., min_units: ..}",
            ["An220105"],
        ),
    ] = "published"
    latency_ms: Annotated[
        Literal["table"] | Annotated[float, Field(ge=0)],
        key("latency of the counting window in ms: of each unit as in the authors' table, or one number for all"),
    ] = "table"
    window_ms: Annotated[int, key("length of the counting window in ms", ge=1)] = 200
    fixations: Annotated[
        Literal["all", "zeroth", "nonzeroth"], key("fixations that count; zeroth: under way when the image came on")
    ] = "all"
    bin_ms: Annotated[int, key("width of the bins of rates around onsets in ms", ge=1, le=200)] = 10
    permutations: Annotated[int, key("permutations behind the p of self-consistency", ge=100)] = 1000
    image_size: Annotated[int, key("side in pixels of the squares that images are fitted into", ge=16)] = 256
    crop_degrees: Annotated[
        float | None,
        key(
            "stimuli are single fixations, seen as squares of so many degrees; absent: images", example=4, ge=0.1, le=60
        ),
    ] = None
    fixations_per_session: Annotated[int, key("single fixations of a session, at most", ge=12)] = 500
    servers: Annotated[Servers | None, key("addresses in place of the publishers'")] = None
    simulation: Annotated[SimulatedXiao, key("size of the simulated recordings")] = field(default_factory=SimulatedXiao)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between keys."""
        if self.sessions == SessionChoice():
            yield "sessions: names no session; give region, subject or min_units"
        if self.source == "files":
            if missing := _missing(self, "path", "tables"):
                yield f"source: files needs {missing}; add the path of each"
            if not isinstance(self.sessions, tuple):
                yield "sessions: source: files needs a list of sessions; give session names such as An220105"


@dataclass(frozen=True)
class Files:
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
        key("side in pixels of the squares that images are fitted into; absent: as they are", example=256, ge=8),
    ] = None
    region: Annotated[str, key("recorded region", "give the name of the recorded region", "IT")] = "all"
    subject: Annotated[str, key("animal", "give the name of the animal")] = "unknown"
    units: Annotated[str, key("unit of the responses", "give the unit of the responses")] = "Hz"


Alpha = Literal["loo", "cv"] | Annotated[float, Field(ge=0)]
Cut = Annotated[
    float | None,
    key(
        "directions of a layer with less than this share of its largest eigenvalue are left out; absent: 1.0e-6",
        example=0,
        ge=0,
        lt=1,
    ),
]


@dataclass(frozen=True)
class Ridge:
    """Ridge regression, least squares among it."""

    alpha: Annotated[
        Alpha,
        key(
            "penalty as in scikit-learn, 0 for least squares; loo: one a neuroid, chosen on held-out stimuli of train; "
            "cv: likewise, one for all neuroids",
            example="loo",
        ),
    ]
    components: Annotated[
        Count | None, key("principal components of the layer that are used; absent: all", example=100)
    ] = None
    rank_cut: Cut = None


@dataclass(frozen=True)
class Pls:
    """Partial least squares."""

    pls: Annotated[Count, key("number of components", example=25)]


@dataclass(frozen=True)
class Mlp:
    """A deep head: a multilayer perceptron."""

    mlp: Annotated[Sizes, key("units of each hidden layer", "give a list of sizes", [512, 256])]
    components: Annotated[
        Count | None, key("principal components of the layer that are used; absent: all", example=100)
    ] = None
    rank_cut: Cut = None


_DATASETS: dict[str, type] = {"majaj": Majaj, "xiao": Xiao, "kriegeskorte92": Kriegeskorte92, "files": Files}
_READOUTS: dict[str, type] = {"ridge": Ridge, "pls": Pls, "mlp": Mlp}

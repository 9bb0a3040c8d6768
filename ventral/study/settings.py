"""The config keys of a whole study, and the default networks and readouts."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from ventral.files.keys import Count, Text, key

Share = Annotated[float, Field(gt=0, le=0.4)]
Protocol = Literal["holdout", "brainscore", "kfold"]
WithoutPdf = tuple[Literal["png"], Literal["svg"]]
WithPdf = tuple[Literal["png"], Literal["svg"], Literal["pdf"]]


@dataclass(frozen=True)
class Split:
    """Shares of the stimuli that are held out. The rest, train, serves to fit encoders and to choose layers."""

    val: Annotated[Share, key("share whose scores are reported for every layer")] = 0.1
    test: Annotated[Share, key("share whose scores are reported for the chosen layer alone")] = 0.2


@dataclass(frozen=True)
class Resources:
    """What a job that runs a network may use."""

    mem_mb: Annotated[int, key("memory in MB; units of a layer are read in blocks that fit into it", ge=500)] = 4000
    threads: Annotated[
        Count, key("processor cores; 1 suits many small networks side by side, more suit a few large networks")
    ] = 1


@dataclass(frozen=True)
class Hmo:
    """Hierarchical modular optimisation (Yamins et al. 2014): how the network `hmo` is made."""

    dataset: Annotated[
        Text | None,
        key(
            "dataset on whose images networks learn to detect faces; absent: the first with labelled faces",
            "give the name of a dataset",
            "xiao",
        ),
    ] = None
    modules: Annotated[Count, key("modules that are drawn at random")] = 30
    chosen: Annotated[Count, key("modules that are chosen from these, for level N1")] = 5
    selection: Annotated[
        Literal["random", "boosting"],
        key("how modules are chosen; random: each by its own accuracy; boosting: modules that complement one another"),
    ] = "random"
    image_size: Annotated[int, key("side in pixels to which images are resized", ge=16)] = 64
    epochs: Annotated[
        Count,
        key("passes over the images that train the upper levels; networks with weights: faces take four times as many"),
    ] = 15
    train_filters: Annotated[bool, key("whether the filters of the modules are trained too")] = False


@dataclass(frozen=True)
class StudySettings:
    """The keys of a whole study."""

    seed: Annotated[int, key("seed of all random numbers: splits, halves, resamples, weights, simulations", ge=0)] = 0
    device: Annotated[Literal["auto", "cpu", "cuda"], key("where networks run; auto: on a GPU if there is one")] = (
        "auto"
    )
    bootstrap: Annotated[int, key("resamples for intervals of RDMs and for the model confidence set", ge=100)] = 1000
    interval_over: Annotated[
        Literal["stimuli", "neuroids", "both", "subjects", "sessions"],
        key(
            "what the intervals of a region's scores generalise over; both: stimuli and neuroids; subjects or "
            "sessions: these and stimuli, if there are several"
        ),
    ] = "both"
    min_reliability: Annotated[
        float,
        key(
            "neuroids with a lower reliability are counted, but left out of means and of the choice of layers; -.inf: "
            "all count",
            "give a reliability below 1",
            lt=1,
        ),
    ] = 0.1
    figure_formats: Annotated[WithoutPdf | WithPdf, key("formats in which every figure is written")] = ("png", "svg")
    download_weights: Annotated[
        bool,
        key("false: networks get random weights in place of weights to download, and every table says so"),
    ] = True
    split: Annotated[Split, key("shares of the stimuli that are held out")] = field(default_factory=Split)
    protocols: Annotated[
        tuple[Protocol, ...],
        key(
            "holdout: val and test as split says; brainscore: ten random 90/10 splits; kfold: ten folds",
            min_length=1,
            unique=True,
        ),
    ] = ("holdout",)
    resources: Annotated[Resources, key("memory and cores of a job that runs a network")] = field(
        default_factory=Resources
    )
    hmo: Annotated[Hmo, key("how the network hmo is made")] = field(default_factory=Hmo)


@dataclass(frozen=True)
class DatasetEntry:
    """The key that every entry under `datasets` has, whatever its kind."""

    kind: Annotated[
        str | None,
        key("kind of the recordings; absent: the entry's name if that is a kind, else files", example="majaj"),
    ] = None


NETWORKS: dict[str, Any] = {
    "pixels": {"architecture": "pixels"},
    "pixels_object": {"architecture": "pixels", "with_category": "object_name"},
    "labels": {"architecture": "labels"},
    "efficientnet_lite0": {"architecture": "efficientnet_lite0", "weights": "pretrained", "image_size": 128},
    "efficientnet_lite0_random": {"architecture": "efficientnet_lite0", "image_size": 128},
    "cornet_z_random": {"architecture": "cornet_z", "image_size": 96},
    "cornet_s_random": {"architecture": "cornet_s", "image_size": 48, "channels_last": False},
    "hmo": {"architecture": "hmo"},
    "cnn_faces": {"architecture": "cnn", "weights": "faces", "image_size": 32},
}
READOUTS: dict[str, Any] = {
    "ridge_loo": {"alpha": "loo"},
    "ols": {"alpha": 0, "networks": ["pixels", "pixels_object", "labels"]},
    "ridge": {"alpha": 1, "networks": ["pixels", "pixels_object", "labels"]},
    "ridge_cv": {"alpha": "cv", "networks": ["pixels", "pixels_object", "labels"]},
    "pca100-ols": {
        "alpha": 0,
        "components": 100,
        "networks": ["pixels", "efficientnet_lite0", "efficientnet_lite0_random"],
    },
    "pca100-ridge_loo": {
        "alpha": "loo",
        "components": 100,
        "networks": ["pixels", "efficientnet_lite0", "efficientnet_lite0_random"],
    },
    "pls5": {"pls": 5, "networks": ["hmo"]},
    "pls25": {"pls": 25, "networks": ["pixels", "efficientnet_lite0", "hmo"]},
    "deep_head": {"mlp": [128], "components": 100, "networks": ["efficientnet_lite0"]},
}

"""The keys of an entry under `trained` in the config."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import Field

from ventral.files.keys import Count, Names, Sizes, Text, key

Depth = Annotated[int, Field(ge=1, le=4)]
Rate = Annotated[float, Field(gt=0)]
Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["constant", "cosine"]


def choices(meaning: str, example: Sequence[Any]) -> Any:
    """Describe a key that holds the values which a search tries."""
    return key(meaning, "give a list of two values or more, each once", example, unique=True, min_length=2)


@dataclass(frozen=True)
class Cnn:
    """The shape of the network `cnn`."""

    layers: Annotated[Depth, key("number of convolutions")] = 2
    channels: Annotated[
        Sizes | None, key("channels of each; absent: 16, 32, 64, 128, as many as there are layers", example=[16, 32])
    ] = None
    kernel: Annotated[Literal[1, 3, 5, 7, 9, 11], key("side of the kernels in pixels")] = 5


@dataclass(frozen=True)
class Over:
    """The settings that a search varies: each a list of values, or two numbers, the ends of a range."""

    layers: Annotated[tuple[Depth, ...] | None, choices("number of convolutions of cnn", [1, 2, 3])] = None
    optimizer: Annotated[tuple[Optimizer, ...] | None, choices("optimizers", ["adam", "sgd"])] = None
    schedule: Annotated[tuple[Schedule, ...] | None, choices("schedules", ["constant", "cosine"])] = None
    batch: Annotated[tuple[Count, ...] | None, choices("numbers of stimuli in each step", [16, 32, 64])] = None
    learning_rate: Annotated[tuple[Rate, ...] | None, choices("learning rates of the head", [1e-4, 1e-2])] = None
    backbone_learning_rate: Annotated[
        tuple[Rate, ...] | None, choices("learning rates of the network", [1e-5, 1e-3])
    ] = None
    weight_decay: Annotated[tuple[Rate, ...] | None, choices("weight decays", [1e-5, 1e-2])] = None

    def given(self) -> dict[str, tuple[Any, ...]]:
        """The settings that are varied, with their values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Search:
    """A search for the settings with the least loss on held-out stimuli of train."""

    over: Annotated[Over, key("settings that are varied: each a list of values, or two numbers for a range")]
    trials: Annotated[Count, key("number of trials; the first has the entry's own settings")] = 20


@dataclass(frozen=True)
class TrainedEntry:
    """A network that is trained on the neurons: an encoder called NAME-HEAD."""

    network: Annotated[
        str,
        key(
            "cnn, hybrid (Swin-T and ResNet-50 in parallel), or an entry under networks, whose architecture, weights, "
            "preprocessing and seed it takes",
            "give cnn, hybrid, or the name of an entry under networks",
            "resnet50",
            min_length=1,
        ),
    ]
    datasets: Annotated[
        Names | None, key("datasets whose neuroids it is trained on, one encoder each; absent: all", example=["majaj"])
    ] = None
    layer: Annotated[
        Text | None, key("layer whose output the head reads; absent: the last", "give the name of a layer", "avgpool")
    ] = None
    cnn: Annotated[Cnn | None, key("shape of the network cnn; absent: its defaults")] = None
    weights: Annotated[
        Literal["random", "pretrained"] | None, key("weights that hybrid starts from; absent: random")
    ] = None
    image_size: Annotated[
        int | None,
        key("side in pixels to which images are resized; absent: the network's, for cnn the images'", example=96, ge=8),
    ] = None
    head: Annotated[
        Literal["linear", "mlp", "factorised"],
        key("how rates are predicted from features; factorised: from a place and features for each neuroid"),
    ] = "linear"
    hidden: Annotated[Sizes | None, key("units of each hidden layer of an mlp; absent: 512, 256", example=[128])] = None
    grid: Annotated[
        Literal["all"] | Count | None,
        key(
            "features are averaged over a mosaic of grid x grid places; all: no average; absent: 1, for cnn all",
            example=2,
        ),
    ] = None
    dropout: Annotated[
        float | None,
        key(
            "share of hidden units, or of features if there are none, that is dropped in training; absent: 0",
            example=0.5,
            ge=0,
            lt=1,
        ),
    ] = None
    sparsity: Annotated[
        float | None, key("weight of the L1 penalty of a factorised head; absent: 0.001", example=0.01, ge=0)
    ] = None
    smoothness: Annotated[
        float | None,
        key(
            "weight of the penalty on differences between neighbouring places of a factorised head; absent: 0.001",
            example=0.01,
            ge=0,
        ),
    ] = None
    trainable: Annotated[
        Literal["all", "none"] | Names,
        key(
            "modules of the network that are trained, by name or pattern",
            "give all, none, or a list of module names or patterns",
            ["layer4*"],
        ),
    ] = "all"
    optimizer: Annotated[Optimizer, key("method of descent; sgd has momentum 0.9")] = "adamw"
    learning_rate: Annotated[Rate, key("learning rate of the head")] = 0.001
    backbone_learning_rate: Annotated[
        Rate | None, key("learning rate of the network; absent: that of the head", example=1e-4)
    ] = None
    weight_decay: Annotated[float, key("weight decay of all that is trained", ge=0)] = 0.001
    batch: Annotated[Count, key("number of stimuli in each step")] = 32
    epochs: Annotated[Count, key("passes over the train stimuli, at most")] = 50
    patience: Annotated[
        Count, key("training stops after so many epochs without a lower loss on held-out stimuli of train")
    ] = 8
    stop_share: Annotated[
        float | None,
        key(
            "share of the train stimuli that is held out to choose the best epoch; absent: 0.1",
            "give a share above 0 and up to 0.4",
            0.2,
            gt=0,
            le=0.4,
        ),
    ] = None
    schedule: Annotated[Schedule, key("course of the learning rates; cosine: down to 0 at the last epoch")] = "constant"
    clip: Annotated[Rate | None, key("largest norm of the gradient; absent: no limit", example=1.0)] = None
    precision: Annotated[
        Literal["float32", "bfloat16"], key("number format of the forward pass; bfloat16: on a GPU alone")
    ] = "float32"
    shift: Annotated[int, key("largest random displacement of the images in training, in pixels", ge=0)] = 0
    category_weight: Annotated[
        float, key("w of the loss mse + w * cross-entropy of object categories (co-training)", ge=0)
    ] = 0
    seeds: Annotated[Count, key("members of an ensemble, whose mean is the prediction")] = 1
    search: Annotated[Search | None, key("search for settings; absent: none")] = None

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between keys."""
        if self.cnn and self.network != "cnn":
            yield "cnn: is only for network: cnn; leave it out"
        if self.weights and self.network != "hybrid":
            yield "weights: is only for network: hybrid; leave it out"
        shape = self.cnn or Cnn()
        if shape.channels and len(shape.channels) != shape.layers:
            yield f"cnn.channels: {len(shape.channels)} for {shape.layers} layers; give one a layer"
        if self.search:
            yield from self._faults_of_search(self.search.over.given(), shape)

    def _faults_of_search(self, over: dict[str, tuple[Any, ...]], shape: Cnn) -> Iterator[str]:
        if not over:
            yield "search.over: names no setting; give one or more, each with a list of values or two ends of a range"
        if "layers" in over and (self.network != "cnn" or shape.channels):
            yield "search.over.layers: is only for network: cnn without channels; leave it out"
            return
        for name, values in over.items():
            own = shape.layers if name == "layers" else getattr(self, name)
            ranged = len(values) == 2 and not isinstance(values[0], str)
            if own is None:
                yield f"search.over.{name}: the entry has no {name} of its own, which is tried first; add it"
            elif not (min(values) <= own <= max(values) if ranged else own in values):
                yield f"search.over.{name}: lacks the entry's own {own}, which is tried first; add it"

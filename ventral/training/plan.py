"""How an encoder is trained, on which examples, and what the training returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ventral.networks.precision import Precision
from ventral.training.loader import Inputs

History = list[dict[str, float]]


@dataclass(frozen=True)
class Plan:
    """How an encoder is trained.

    Attributes:
        optimizer: "adamw", "adam" (with weight decay as part of the gradient) or "sgd" (with momentum 0.9).
        learning_rate: of the head.
        backbone_learning_rate: of the trained parts of the backbone; None for that of the head.
        weight_decay: of all trained parameters.
        batch: number of examples in a step.
        epochs: largest number of epochs.
        patience: training stops after so many epochs without a better one; None for no early stop.
        stop_share: share of the train examples that is held out to choose the epoch, above 0.
        schedule: of the learning rates, "constant" or "cosine" (falling to 0 at the last epoch).
        clip: largest norm of the gradient; None for no limit.
        precision: "float32"; or, on a GPU, "tf32" for all products or "bfloat16" for the forward pass.
        trainable: patterns for the modules of the backbone that are trained, see `Encoder.freeze`.
        shift: largest random displacement of an image in pixels, see `Augmenter`.
        category_weight: w in the loss mse + w * cross-entropy of object categories; 0 for no co-training.
        seed: of the order of examples, shifts, dropout, and the choice of held-out examples.
    """

    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    backbone_learning_rate: float | None = None
    weight_decay: float = 1e-3
    batch: int = 32
    epochs: int = 50
    patience: int | None = 8
    stop_share: float = 0.1
    schedule: Literal["constant", "cosine"] = "constant"
    clip: float | None = None
    precision: Precision = "float32"
    trainable: tuple[str, ...] = ("*",)
    shift: int = 0
    category_weight: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """The train examples only. The examples held out to choose the epoch are drawn from them.

    Attributes:
        inputs: of n examples.
        responses: (n, t), NaN where nothing was recorded.
        categories: (n,) category of each as a number from 0, -1 if unknown; None for no co-training.
        strata: (n,) label of each; the same share of every label is held out. None for one stratum.
        groups: (n,) group of each, such as near duplicates; a group is never divided. None if each is its own group.
    """

    inputs: Inputs
    responses: NDArray[np.floating]
    categories: NDArray[np.integer] | None = None
    strata: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None


@dataclass(frozen=True)
class Training:
    """What training returns besides the weights, which are those of the best epoch.

    Attributes:
        history: for each epoch `epoch`, `train_loss` (the objective), `stop_loss` (mean squared error of the held-out
            examples, in units of each neuroid's variance), `stop_r` (their mean r over neuroids) and `learning_rate`
            (of the head).
        best_epoch: the epoch with the smallest `stop_loss`.
        held_out: (n,) whether the example was held out to choose the epoch.
        predictions: (held out, t) predictions for the held-out examples, in the units of the responses.
    """

    history: History
    best_epoch: int
    held_out: NDArray[np.bool_]
    predictions: NDArray[np.float32]


def make_plan(settings: Mapping[str, Any]) -> Plan:
    """The plan for settings of the config, in which `trainable` is "all", "none" or a list of patterns."""
    given = dict(settings)
    if "trainable" in given:
        trainable = given["trainable"]
        given["trainable"] = {"all": ("*",), "none": ()}[trainable] if isinstance(trainable, str) else tuple(trainable)
    return Plan(**given)

"""How an encoder is trained, on what, and what training leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ventral.training.loader import Inputs

History = list[dict[str, float]]


@dataclass(frozen=True)
class Plan:
    """How an encoder is trained.

    Attributes:
        optimizer: "adamw", "adam" (its weight decay is then part of the gradient) or "sgd", with momentum 0.9.
        learning_rate: of the head.
        backbone_learning_rate: of what is trained of the backbone; None for the head's.
        weight_decay: of all that is trained.
        batch: examples a step.
        epochs: at most.
        patience: epochs without a better one after which training stops; None for never.
        stop_share: share of the train examples that is held out to choose the epoch, above 0.
        schedule: of the learning rates over steps, "constant" or "cosine" (to 0 at the last epoch).
        clip: largest norm of the gradient; None for any.
        precision: "float32", or "bfloat16" of the forward pass on a GPU.
        trainable: patterns of the backbone's modules that are trained, see `Encoder.freeze`.
        shift: largest random displacement of an image in pixels, see `Augmenter`.
        category_weight: w of the loss mse + w * cross-entropy where object categories are given.
        seed: of order, shifts, dropout and of what is held out.
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
    precision: Literal["float32", "bfloat16"] = "float32"
    trainable: tuple[str, ...] = ("*",)
    shift: int = 0
    category_weight: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """The train examples, and nothing else: what is held out of them to choose the epoch is drawn from these.

    Attributes:
        inputs: of n examples.
        responses: (n, t), NaN where nothing was recorded.
        categories: (n,) category of each, from 0, -1 where unknown; None for no co-training.
        strata: (n,) label of each, of which equal shares are held out; None for one stratum.
        groups: (n,) group of each, such as near duplicates, never divided; None: each is its own.
    """

    inputs: Inputs
    responses: NDArray[np.floating]
    categories: NDArray[np.integer] | None = None
    strata: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None


@dataclass(frozen=True)
class Training:
    """What training leaves beside the weights, which are those of the best epoch.

    Attributes:
        history: of each epoch `epoch`, `train_loss` (the objective), `stop_loss` (mean squared error of what was held
            out, in variances of each neuroid), `stop_r` (mean r over neuroids there), `learning_rate` (of the head).
        best_epoch: with the least `stop_loss`.
        held_out: (n,) whether the example was held out to choose the epoch.
        predictions: (held out, t) of those, in the units of the responses.
    """

    history: History
    best_epoch: int
    held_out: NDArray[np.bool_]
    predictions: NDArray[np.float32]


def make_plan(settings: Mapping[str, Any]) -> Plan:
    """The plan of an entry in a config: lists for tuples, "all" or "none" for `trainable`."""
    given = dict(settings)
    if "trainable" in given:
        trainable = given["trainable"]
        given["trainable"] = {"all": ("*",), "none": ()}[trainable] if isinstance(trainable, str) else tuple(trainable)
    return Plan(**given)

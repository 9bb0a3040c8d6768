"""Networks of any architecture, trained on the faces that HMO learns from and scored on the same images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from ventral.faces.hmo import to_input
from ventral.faces.task import FaceTask, score_detection
from ventral.faces.training import FROM_SCRATCH, face_log_odds, train_on_faces
from ventral.networks.zoo import build_network


class Rival(NamedTuple):
    """A network trained on faces.

    Attributes:
        model: in evaluation mode, without its classifier.
        losses: one row an epoch, `epoch` from 1 and `loss`.
        scores: the rows of `score_detection`.
    """

    model: nn.Module
    losses: pd.DataFrame
    scores: pd.DataFrame


def train_rival(
    name: str,
    settings: Mapping[str, Any],
    images: NDArray[np.uint8],
    task: FaceTask,
    *,
    image_size: int,
    epochs: int,
    seed: int,
    device: torch.device,
) -> Rival:
    """Train a network from random weights on the train images of a task, and score it on every set.

    Args:
        name: of the network.
        settings: its entry in the config.
        images: (n, H, W, 3) uint8.
        task: of these images.
        image_size: side in pixels of the images that the pixels baseline sees: that of HMO.
        epochs: of HMO; a network from random weights gets `FROM_SCRATCH` times as many.
        seed: of weights and training, where the entry has none of its own.
        device: where the network runs.

    Raises:
        InputError: as `build_network` and `train_on_faces`.
    """
    seed = settings.get("seed", seed)
    entry = {**settings, "weights": "random", "layers": ["output"]}
    network = build_network(name, entry, weights_file=None, seed=seed)
    train, face = images[task.train], task.face[task.train]
    classifier, losses = train_on_faces(network, train, face, epochs=FROM_SCRATCH * epochs, seed=seed, device=device)
    called = face_log_odds(classifier, network, images, device) > 0
    scores = score_detection(name, called, to_input(images, image_size).numpy(), task)
    table = pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": losses})
    return Rival(network.model, table, scores)

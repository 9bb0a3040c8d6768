"""Train networks to detect faces: one loop for HMO's levels and for all other networks."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ventral.files.console import progress
from ventral.networks.activations import batches
from ventral.networks.precision import products, repeatable
from ventral.networks.weights import seeded
from ventral.networks.zoo import Network
from ventral.training.heads import HeadPlan
from ventral.training.trainable import Encoder, build_encoder

BATCH = 32  # images at a time; a layer's outputs then fit in the cache of a processor
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2
SHIFT = 8  # training shifts images by up to 1 / SHIFT of their width
FROM_SCRATCH = 4  # times as many epochs as HMO's levels, because those start from a finished N1
LOG_ODDS_OF = "output:0"  # the output of a network; the first tensor if there are several

Floats = NDArray[np.float64]
Draw = Callable[[Tensor, Tensor], Tensor]


def learn_faces(
    model: nn.Module, judge: Callable[[Tensor], Tensor], draw: Draw, face: Tensor, *, epochs: int, seed: int
) -> list[float]:
    """Minimise the cross entropy of face detection over all parameters of a model that need gradients.

    Images are mirrored and shifted at random; what leaves at one edge comes in at the other. The optimiser is AdamW
    with a one-cycle learning rate. The same arguments give the same weights on one machine, as for `engine.train`.

    Args:
        model: trained in place, and left in evaluation mode.
        judge: maps what `draw` returns to (b, 1) log odds of a face.
        draw: called with the (b,) indices of images and (b, 1, 1, 1) whether each is mirrored; returns these (b, c, h,
            w) images, or maps of them.
        face: (n,) 1 for a face, 0 for none.
        epochs: passes over the images.
        seed: of the order of the images, their shifts, and dropout.

    Returns:
        (epochs,) mean loss.
    """
    n_batches = -(-len(face) // BATCH)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=epochs * n_batches)
    losses = []
    model.train()
    with repeatable(face.device), seeded(seed):
        for _ in progress(range(epochs), "epochs"):
            loss_sum = 0.0
            for index in torch.randperm(len(face)).to(face.device).tensor_split(n_batches):
                mirrored = (torch.rand(len(index)) < 0.5).to(face.device)[:, None, None, None]
                batch = draw(index, mirrored)
                reach = batch.shape[3] // SHIFT
                batch = batch.roll(torch.randint(-reach, reach + 1, (2,)).tolist(), dims=(2, 3))
                loss = functional.binary_cross_entropy_with_logits(judge(batch)[:, 0], face[index])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                loss_sum += loss.item() * len(index)
            losses.append(loss_sum / len(face))
    model.eval()
    return losses


def train_on_faces(
    network: Network,
    images: NDArray[np.uint8],
    face: NDArray[np.bool_],
    *,
    epochs: int,
    seed: int,
    device: torch.device,
) -> tuple[Encoder, list[float]]:
    """Train a whole network on faces, with a linear classifier on its output; maps are averaged over places.

    Args:
        network: from `build_network`, with random weights; its model is trained in place.
        images: (n, H, W, 3) train images.
        face: (n,) whether there is a face.
        epochs: passes over the images.
        seed: of the classifier and the order of the images.
        device: where the network runs.

    Returns:
        The network with its classifier, in evaluation mode, and the (epochs,) mean losses.

    Raises:
        InputError: if the network returns no tensor.
    """
    # Half precision saves memory, and is enough for images that had eight bits.
    shown = torch.cat([batch.half() for _, batch in batches(images, network, BATCH, device)])
    example = shown[:1].float().cpu()
    classifier = build_encoder(network.model, LOG_ODDS_OF, HeadPlan(grid=1), example, 1, seed=seed)
    classifier.freeze(("*",))
    classifier.to(device)

    def draw(index: Tensor, mirrored: Tensor) -> Tensor:
        batch = shown[index].float()
        return torch.where(mirrored, batch.flip(3), batch)

    losses = learn_faces(
        classifier,
        lambda batch: classifier(batch)[0],
        draw,
        torch.from_numpy(face).float().to(device),
        epochs=epochs,
        seed=seed,
    )
    return classifier, losses


@torch.no_grad()
def face_log_odds(classifier: Encoder, network: Network, images: NDArray[np.uint8], device: torch.device) -> Floats:
    """(n,) log odds of a face in (n, H, W, 3) images, by the classifier from `train_on_faces`."""
    with products(device):
        odds = [classifier(batch)[0][:, 0].cpu() for _, batch in batches(images, network, BATCH, device)]
    return torch.cat(odds).double().numpy()

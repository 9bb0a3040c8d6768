"""HMO: choose modules by how well a linear classifier detects faces with them; train the levels above together."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ventral.faces.task import FaceTask, first_of_group, score_detection
from ventral.faces.training import BATCH, learn_faces
from ventral.files.console import progress
from ventral.gram.matrix import gram_of
from ventral.gram.spectra import Decomposition
from ventral.networks.hmo import HMO, MEAN, STD, build_hmo, build_module, draw_modules, make_card
from ventral.networks.precision import products
from ventral.readouts.linear import fit_linear

Floats = NDArray[np.float64]

PENALTIES = np.logspace(-4, 2, 13)  # of the classifiers of modules, in units of the mean eigenvalue


def to_input(images: NDArray[np.uint8], size: int) -> Tensor:
    """(n, H, W, 3) uint8 images -> (n, 3, size, size) input of HMO: resized with antialiasing, from -1 to 1.

    The images may be a dataset in an open file; it is read batch by batch.
    """
    parts = []
    for start in range(0, len(images), BATCH):
        part = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2).float() / 255
        if part.shape[2:] != (size, size):
            part = functional.interpolate(part, (size, size), mode="bilinear", antialias=True, align_corners=False)
        parts.append((part - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None])
    return torch.cat(parts)


def run(network: nn.Module, images: Tensor) -> Iterable[Tensor]:
    """Outputs of a network, a batch of images at a time."""

    @torch.no_grad()
    def forward(batch: Tensor) -> Tensor:
        with products(batch.device):
            # In this layout, pooling is several times as fast, and a module nearly twice.
            return network(batch.contiguous(memory_format=torch.channels_last))

    return (forward(images[start : start + BATCH]) for start in range(0, len(images), BATCH))


def summarise(maps: Tensor) -> Tensor:
    """(b, 3 c) mean, maximum and SD over places of (b, c, h, w) outputs: a face may be anywhere in an image."""
    return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3)), maps.std(dim=(2, 3))], dim=1)


def module_gram(module: nn.Module, images: Tensor) -> Floats:
    """(n, n) inner products of the images by a module's standardised summaries, of trace 1; 0 for a dead module.

    The inner products of modules side by side are the sums of theirs, so a mixture needs no further run of a module.
    """
    features = torch.cat([summarise(maps) for maps in run(module, images)]).double().cpu().numpy()
    spread = features.std(axis=0)
    alive = spread > 1e-6 * np.abs(features).max(axis=0)
    if not alive.any():
        return np.zeros((len(features), len(features)))
    inner = gram_of((features[:, alive] - features[:, alive].mean(axis=0)) / spread[alive]).inner
    return inner / np.trace(inner)


def held_out(inner: Floats, target: Floats) -> Floats:
    """(n,) prediction for each image by a ridge classifier fitted to all others; its penalty is chosen in the same way.

    Least squares on a target of -1 and 1 is Fisher's discriminant, and leave-one-out has a closed form.

    Args:
        inner: (n, n) inner products of the images.
        target: (n,) 1 for a face, -1 for none.
    """
    decomposition = Decomposition(inner)
    values = decomposition.spectrum().values
    if not values.size:
        return np.full(len(target), target.mean())
    # Uncut, so that nothing has to be decomposed again without each image: the penalty is above what the cut is for.
    fitted = fit_linear(decomposition, target[:, None], list(PENALTIES * values.mean()), rank_cut=0)
    return fitted.held_out[:, 0]


def weighted_accuracy(values: Floats, target: Floats, weights: Floats | None = None) -> float:
    """Share of the images, by weight, whose value has the sign of their target."""
    return float(np.average((values > 0) == (target > 0), weights=weights))


def choose_modules(inners: Sequence[Floats], target: Floats, n_chosen: int, selection: str) -> list[int]:
    """Choose the modules of level N1 by cross-validated classification of the train images.

    Args:
        inners: (n, n) inner products of the train images by each module, of equal trace.
        target: (n,) 1 for a face, -1 for none.
        n_chosen: how many to choose; fewer where there are fewer.
        selection: "random": the best of those that were drawn at random. "boosting": one after the other; images count
            exp(-margin) by how well the mixture so far tells them (Freund & Schapire 1997), and the next module is the
            one whose own classifier is best by these weights.

    Returns:
        Indices of the chosen modules, in order of choice; of equally accurate ones that of less squared error.
    """
    values = np.array([held_out(inner, target) for inner in inners])
    error = ((values - target) ** 2).mean(axis=1)
    chosen: list[int] = []
    weights = np.ones(len(target))
    while len(chosen) < min(n_chosen, len(inners)):
        accuracy = np.array([weighted_accuracy(own, target, weights) for own in values])
        order = [int(i) for i in np.lexsort((error, -accuracy)) if i not in chosen]
        if selection == "random":
            return order[:n_chosen]
        chosen.append(order[0])
        mixture = held_out(np.sum([inners[i] for i in chosen], axis=0), target)
        weights = np.exp(-target * mixture)
    return chosen


def calibrate(model: HMO, images: Tensor) -> None:
    """Set `n1` to standardise each filter's output over images and places."""
    n1 = model.n1
    n1.mean.zero_()
    n1.scale.fill_(1)
    total, squares, count = torch.zeros_like(n1.mean).double(), torch.zeros_like(n1.mean).double(), 0
    for maps in run(n1, images):
        maps = maps.double()
        total += maps.sum(dim=(0, 2, 3))[:, None, None]
        squares += (maps**2).sum(dim=(0, 2, 3))[:, None, None]
        count += len(maps) * maps.shape[2] * maps.shape[3]
    mean = total / count
    spread = (squares / count - mean**2).clamp(min=0).sqrt()
    n1.mean.copy_(mean)
    n1.scale.copy_(torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), 0))


def train_levels(
    model: HMO, images: Tensor, face: Tensor, *, epochs: int, train_filters: bool, seed: int
) -> list[float]:
    """Train N2, N3, the top level and the classifier together, end to end, as `learn_faces` does.

    If the filters of N1 are not trained, its outputs are computed once, and these are shifted.

    Args:
        model: from `build_hmo`, calibrated; trained in place.
        images: (n, 3, h, w) from `to_input`, on the device of the model.
        face: (n,) 1 for a face, 0 for none.
        epochs: passes over the images.
        train_filters: train the filters of N1 too.
        seed: of the order of the images and their shifts.

    Returns:
        (epochs,) mean loss.
    """
    views = [images, images.flip(3)]
    if not train_filters:
        # Half precision saves memory, and is enough for standardised outputs.
        views = [torch.cat([maps.half() for maps in run(model.n1, view)]) for view in views]

    def draw(index: Tensor, mirrored: Tensor) -> Tensor:
        return torch.where(mirrored, views[1][index], views[0][index]).float()

    model.requires_grad_(True)
    model.n1.requires_grad_(train_filters)
    losses = learn_faces(model, model if train_filters else model.judge, draw, face, epochs=epochs, seed=seed)
    model.requires_grad_(False)
    return losses


def log_odds(model: HMO, images: Tensor) -> Floats:
    """(n,) log odds of a face in (n, 3, h, w) images on the device of the model."""
    return torch.cat(list(run(model, images)))[:, 0].double().cpu().numpy()


class TrainedHMO(NamedTuple):
    """A trained network in evaluation mode, its card, and one row for every candidate module."""

    model: HMO
    card: dict[str, Any]
    candidates: list[dict[str, Any]]


def train_hmo(
    images: Tensor,
    face: NDArray[np.bool_],
    *,
    modules: int,
    selection: str,
    chosen: int,
    epochs: int,
    train_filters: bool,
    seed: int,
    distinct: NDArray[np.bool_] | None = None,
    device: torch.device | str = "cpu",
) -> TrainedHMO:
    """Draw modules, choose those of N1, and train the levels above; all on the train images alone.

    Args:
        images: (n, 3, size, size) train images from `to_input`.
        face: (n,) whether there is a face.
        modules: number of modules that are drawn.
        selection: as for `choose_modules`.
        chosen: number of modules in N1.
        epochs: of training.
        train_filters: train the filters of N1 too.
        seed: of all draws.
        distinct: (n,) images by which modules are chosen: one of each group of near duplicates, because a classifier
            must not be tested on duplicates of what it was fitted to. None for all.
        device: where networks run.
    """
    images = images.to(device)
    kept = np.ones(len(face), dtype=bool) if distinct is None else distinct
    target = np.where(face[kept], 1.0, -1.0)
    plans, seeds = draw_modules(modules, seed), np.random.default_rng(seed).integers(0, 2**31, modules).tolist()
    pairs = progress(list(zip(plans, seeds, strict=True)), "modules scored")
    seen = images[torch.from_numpy(kept).to(images.device)]
    inners = [module_gram(build_module(plan, s).to(device), seen) for plan, s in pairs]
    best = choose_modules(inners, target, chosen, selection)
    card = make_card([plans[i] for i in best], [seeds[i] for i in best], images.shape[3], seed)
    model = build_hmo(card).to(device)
    calibrate(model, images)
    labels = torch.from_numpy(face).float().to(device)
    train_levels(model, images, labels, epochs=epochs, train_filters=train_filters, seed=seed)
    rows = [
        {
            "module": i,
            "layers": len(plan),
            "filters": plan[-1].filters,
            "accuracy": weighted_accuracy(held_out(inner, target), target),
            "rank": best.index(i) + 1 if i in best else None,
        }
        for i, (plan, inner) in enumerate(zip(plans, inners, strict=True))
    ]
    return TrainedHMO(model.eval(), card, rows)


def train_on_task(
    images: NDArray[np.uint8], task: FaceTask, *, image_size: int, device: torch.device, **options: Any
) -> tuple[TrainedHMO, pd.DataFrame]:
    """Train an HMO on the train images of a task, and score it on every set.

    Args:
        images: (n, H, W, 3) uint8, or such a dataset in an open file.
        task: of these images.
        image_size: side in pixels of the images that HMO sees.
        device: where networks run.
        options: `modules`, `selection`, `chosen`, `epochs`, `train_filters` and `seed` of `train_hmo`.

    Returns:
        What was trained, and the rows of `score_detection`.
    """
    shown, train = to_input(images, image_size), task.train
    distinct = first_of_group(task.group[train])
    trained = train_hmo(shown[torch.from_numpy(train)], task.face[train], distinct=distinct, device=device, **options)
    called = log_odds(trained.model, shown.to(device)) > 0
    return trained, score_detection("hmo", called, shown.numpy(), task)

"""Networks that are trained on the neurons, from an entry under `trained` in the config, and their predictions.

A recipe says in JSON all that is needed to make such a network again; a recipe and the weights are the whole encoder.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor, nn

from ventral.data.selection import stimulus_groups
from ventral.gram.file import weights_in
from ventral.networks import activations
from ventral.networks.cnn import build_cnn
from ventral.networks.hybrid import build_hybrid
from ventral.networks.layers import OUTPUT
from ventral.networks.own import IMAGENET_MEAN, IMAGENET_STD
from ventral.networks.published import origin
from ventral.networks.zoo import IN_PLACE, Network, build_network
from ventral.scores.r2 import r2
from ventral.training.engine import CPU, predict, train
from ventral.training.heads import make_head_plan
from ventral.training.loader import Inputs, Rows
from ventral.training.plan import Examples, Plan, Training, make_plan
from ventral.training.search import Found, Report, Settings, search
from ventral.training.trainable import Encoder, build_encoder

Recipe = dict[str, Any]
Entry = Mapping[str, Any]

HEAD_KEYS = ("hidden", "dropout", "sparsity", "smoothness")
PLAN_KEYS = (
    *("optimizer", "learning_rate", "backbone_learning_rate", "weight_decay", "batch", "epochs", "patience"),
    *("schedule", "clip", "precision", "trainable", "category_weight", "shift", "stop_share"),
)
OURS = ("cnn", "hybrid")  # networks that need no entry under `networks`
TRAINED = "trained"  # what tables call the layer of these networks
CATEGORIES = ("category_name", "object_name")  # labels that co-training learns: the first that the stimuli have
CNN_LAYERS = 2
HYBRID_SIZE = 224


def make_recipe(
    entry: Entry,
    settings: Entry | None,
    image_side: int,
    n_neuroids: int,
    *,
    n_categories: int = 0,
    weights_files: Sequence[str] = (),
    seed: int = 0,
) -> tuple[Recipe, str]:
    """The recipe of an entry under `trained`, and what tables call the weights that its training starts from.

    Args:
        entry: with defaults filled in.
        settings: the entry under `networks` that it names; None for `cnn` and `hybrid`.
        image_side: of the dataset's images in pixels, for networks that take images as they are.
        n_neuroids: number of rates.
        n_categories: number of object categories, where the entry is co-trained on them.
        weights_files: as for `build_trained`.
        seed: of random weights.

    Raises:
        InputError: as `build_network`.
    """
    size = entry.get("image_size")
    if settings is None:
        cnn = {"layers": CNN_LAYERS, **entry.get("cnn", {})} if entry["network"] == "cnn" else {}
        pretrained = entry.get("weights", "random") != "random"
        weights = ("pretrained" if weights_files else IN_PLACE) if pretrained else "random"
        network, layer = {"kind": entry["network"], **cnn}, entry.get("layer", OUTPUT)
        size = size or (HYBRID_SIZE if entry["network"] == "hybrid" else image_side)
        images = {"image_size": size, "mean": IMAGENET_MEAN, "std": IMAGENET_STD, "interpolation": "bilinear"}
    else:
        asked = dict(settings) | ({"image_size": size} if size else {})
        built = build_network(entry["network"], asked, weights_file=next(iter(weights_files), None), seed=seed)
        weights, layer = built.weights, entry.get("layer", built.layers[-1])
        images = {key: getattr(built, key) for key in ("image_size", "mean", "std", "interpolation")}
        images["image_size"] = images["image_size"] or image_side
        # A file's weights come with the encoder; a publisher's name also says which variant of the network it is.
        if origin(asked["architecture"], asked["weights"]) in ("file", "address", "study"):
            asked["weights"] = "random"
        network = {"kind": "network", "name": entry["network"], "settings": asked}
    grid = entry.get("grid", "all" if entry["network"] == "cnn" else 1)
    head = {"kind": entry["head"], "grid": None if grid == "all" else grid}
    head |= {key: entry[key] for key in HEAD_KEYS if key in entry}
    recipe = {"network": network, "layer": layer, "head": asdict(make_head_plan(head)), "n_neuroids": n_neuroids}
    return json.loads(json.dumps(recipe | {"n_categories": n_categories, **images})), weights


def build_trained(recipe: Mapping[str, Any], seed: int, weights_files: Sequence[str] = ()) -> Encoder:
    """Make the encoder of a recipe, its random weights drawn from `seed`.

    Args:
        recipe: from `make_recipe`, or from a card.
        seed: of the head, and of a backbone with random weights.
        weights_files: state dicts that the backbone starts from: none, that of a network, or those of the hybrid's
            Swin-T and ResNet-50. None is needed where the state dict of the whole encoder is loaded later.

    Raises:
        InputError: if the network cannot be made, has no such layer, or the head does not fit it.
    """
    network, size = recipe["network"], recipe["image_size"]
    first, second = (*map(Path, weights_files), None, None)[:2]
    backbone: nn.Module
    if network["kind"] == "cnn":
        shape = {key: network[key] for key in ("channels", "kernel") if key in network}
        backbone = build_cnn(network["layers"], **shape, seed=seed)
    elif network["kind"] == "hybrid":
        backbone = build_hybrid(swin_weights=first, resnet_weights=second, seed=seed)
    else:
        settings = network["settings"]
        if first is not None and settings["weights"] == "random":
            settings = settings | {"weights": str(first)}
        file = None if first is None else str(first)
        backbone = build_network(network["name"], settings, weights_file=file, seed=seed).model
    example = torch.zeros(1, 3, size, size)
    head, categories = make_head_plan(recipe["head"]), recipe["n_categories"]
    return build_encoder(
        backbone, recipe["layer"], head, example, recipe["n_neuroids"], n_categories=categories, seed=seed
    )


def preparation(recipe: Mapping[str, Any]) -> Callable[[NDArray[np.uint8] | Tensor], Tensor]:
    """The function from (b, H, W, 3) uint8 images to the (b, 3, size, size) float32 input of a recipe's network.

    A tensor is prepared on its device.
    """
    mean, std = tuple(recipe["mean"]), tuple(recipe["std"])
    network = Network("", nn.Identity(), (), recipe["image_size"], mean, std, recipe["interpolation"])
    return lambda images: activations.prepare(torch.as_tensor(images), network)


@dataclass(frozen=True)
class Job:
    """An encoder to be trained: everything except the stimuli.

    Attributes:
        name: of the encoder, in messages.
        entry: under `trained` in the config, with defaults filled in.
        recipe: from `make_recipe`.
        weights: what tables call the weights that training starts from.
        weights_files: as for `build_trained`.
        seed: of the first member of an ensemble; the others have the seeds that follow.
        folder: where checkpoints and trials are kept.
        device: where it is trained.
        memory_mb: what prepared images may take.
    """

    name: str
    entry: Entry
    recipe: Recipe
    weights: str
    weights_files: Sequence[str]
    seed: int
    folder: Path
    device: torch.device = CPU
    memory_mb: int = 2000

    def inputs(self, images: Rows, rows: NDArray[np.intp]) -> Inputs:
        """Rows of (m, H, W, 3) uint8 images as inputs of the network."""
        return Inputs(images, rows, preparation(self.recipe), self.device, self.memory_mb)


@dataclass(frozen=True)
class Trained:
    """What training on one split leaves: an encoder for each seed, its training, and their common settings."""

    members: list[Encoder]
    trainings: list[Training]
    entry: Entry
    recipe: Recipe
    found: Found | None


def train_members(job: Job, examples: Examples, folder: Path) -> Trained:
    """Search for settings where the entry asks for it, then train an encoder for each seed; go on from checkpoints."""
    entry, found = job.entry, None
    if "search" in entry:
        found = _search(job, examples, folder / "search")
        entry = with_settings(entry, found.settings)
    recipe = with_layers(job.recipe, entry)
    members, trainings = [], []
    for seed in range(job.seed, job.seed + entry["seeds"]):
        encoder, plan = build_trained(recipe, seed, job.weights_files), make_trained_plan(entry, seed)
        name = f"{job.name}, seed {seed}"
        trainings.append(train(encoder, examples, plan, device=job.device, folder=folder / f"seed{seed}", name=name))
        members.append(encoder)
    return Trained(members, trainings, entry, recipe, found)


def make_trained_plan(entry: Entry, seed: int) -> Plan:
    """The plan of training that an entry under `trained` asks for."""
    given = {key: entry[key] for key in PLAN_KEYS if key in entry}
    return make_plan({**given, "seed": seed})


def with_settings(entry: Entry, settings: Settings) -> Entry:
    """The entry with the settings that a search found; `layers` is a setting of a CNN."""
    layers = {key: value for key, value in settings.items() if key == "layers"}
    rest = {key: value for key, value in settings.items() if key != "layers"}
    return {**entry, **rest, **({"cnn": {**entry.get("cnn", {}), **layers}} if layers else {})}


def with_layers(recipe: Recipe, entry: Entry) -> Recipe:
    """The recipe with the number of layers of the entry, where that is a CNN."""
    layers = {key: value for key, value in entry.get("cnn", {}).items() if key == "layers"}
    return recipe | {"network": recipe["network"] | layers}


def _search(job: Job, examples: Examples, folder: Path) -> Found:
    """The settings with the least loss on the train stimuli that are held out to choose the epoch."""
    entry, asked = job.entry, job.entry["search"]
    own = {**entry, "layers": job.recipe["network"].get("layers")}

    def objective(settings: Settings, report: Report) -> float:
        tried = with_settings(entry, settings)
        encoder = build_trained(with_layers(job.recipe, tried), job.seed, job.weights_files)
        plan = make_trained_plan(tried, job.seed)
        losses: list[float] = []

        def told(row: dict[str, float]) -> None:
            losses.append(row["stop_loss"])
            report(len(losses), losses[-1])

        train(encoder, examples, plan, device=job.device, name=f"{job.name}, a trial", report=told)
        return min(losses)

    digest = hashlib.sha256(json.dumps([dict(entry), job.recipe, job.weights], sort_keys=True).encode())
    digest.update(examples.inputs.fingerprint().encode() + np.ascontiguousarray(examples.responses).tobytes())
    return search(
        objective,
        asked["over"],
        {key: own[key] for key in asked["over"]},
        trials=asked["trials"],
        seed=job.seed,
        folder=folder,
        identity=digest.hexdigest(),
        name=job.name,
    )


def fit_trained(
    job: Job, images: Rows, rows: NDArray[np.intp], responses: xr.Dataset, splits: NDArray[np.str_]
) -> tuple[xr.Dataset, pd.DataFrame, Trained]:
    """Train an encoder for every split of a protocol, on its train stimuli alone, and predict the others.

    Args:
        job: the encoder that is trained.
        images: (m, H, W, 3) uint8, in memory or in an HDF5 file.
        rows: (n,) row in `images` of each stimulus.
        responses: of the n stimuli, as in `responses/{dataset}.nc`; all neuroids are trained together.
        splits: (repeat, n) as `draw_splits` gives them.

    Returns:
        Predictions as `fit_protocol` gives them, of one layer, with `train_r2` of the train stimuli that are held out
        to choose the epoch; with several seeds their mean, and each in `prediction_of_seed`. Rows of the learning
        curves: `split`, `seed` (both from 0), each row of the history, and whether it is the `best` epoch. The result
        of training on the first split.

    Raises:
        InputError: as `train`; and as `try_network`, of a user's own code.
    """
    _try_backbone(job, images)
    rates = responses["rate"].values
    held_out = (splits != "train").any(axis=0)
    predictions = np.full((len(splits), job.entry["seeds"], held_out.sum(), rates.shape[1]), np.nan, np.float32)
    train_r2, curves, settings = np.zeros((len(splits), rates.shape[1])), [], []
    first: Trained | None = None
    for i, split in enumerate(splits):
        train_rows = np.flatnonzero((split == "train") & np.isfinite(rates).any(axis=1))
        examples = make_examples(job, images, rows, responses, train_rows)
        trained = train_members(job, examples, job.folder / f"split{i}")
        to_predict = job.inputs(images, rows[split != "train"])
        for k, member in enumerate(trained.members):
            predictions[i, k, (split != "train")[held_out]] = predict(member, to_predict, trained.entry["precision"])
            member.cpu()
        for k, training in enumerate(trained.trainings):
            best = [{**row, "best": row["epoch"] == training.best_epoch} for row in training.history]
            curves.append(pd.DataFrame(best).assign(split=i, seed=k))
            train_r2[i] += r2(rates[train_rows][training.held_out], training.predictions) / job.entry["seeds"]
        settings.append(None if trained.found is None else trained.found.settings)
        first = first or trained
    assert first is not None  # a protocol has a split
    table = pd.concat(curves, ignore_index=True).astype({"epoch": int})
    return _as_dataset(job, first, predictions, train_r2, responses, splits, settings), table, first


def _try_backbone(job: Job, images: Rows) -> None:
    """Refuse a user's own network whose features of one image differ from run to run, before it is trained."""
    recipe = job.recipe
    if ":" not in recipe["network"].get("settings", {}).get("architecture", ""):
        return
    backbone = build_trained(recipe, job.seed, job.weights_files).backbone.eval().to(job.device)
    mean, std = tuple(recipe["mean"]), tuple(recipe["std"])
    layers, name = (recipe["layer"],), recipe["network"]["name"]
    network = Network(name, backbone, layers, recipe["image_size"], mean, std, recipe["interpolation"])
    activations.try_network(network, images, job.device)


def make_examples(
    job: Job, images: Rows, rows: NDArray[np.intp], responses: xr.Dataset, chosen: NDArray[np.intp]
) -> Examples:
    """The chosen stimuli as examples to learn from, with their objects, and with groups of near duplicates."""
    strata = _labels(responses, ("object_name", "category_name"))
    categories = _labels(responses, CATEGORIES) if job.recipe["n_categories"] else None
    codes = None if categories is None else np.searchsorted(np.unique(categories), categories)[chosen]
    groups, rates = stimulus_groups(responses), responses["rate"].values[chosen]
    strata, groups = (None if of is None else of[chosen] for of in (strata, groups))
    return Examples(job.inputs(images, rows[chosen]), rates, codes, strata, groups)


def count_categories(responses: xr.Dataset, entry: Entry) -> int:
    """Number of object categories that an entry is co-trained on; 0 where it is not co-trained."""
    labels = _labels(responses, CATEGORIES) if entry["category_weight"] else None
    return 0 if labels is None else len(np.unique(labels))


def _labels(responses: xr.Dataset, names: Sequence[str]) -> NDArray[np.str_] | None:
    """(n,) the first of the named labels that the stimuli have; None where they have none of them."""
    return next((responses[name].values for name in names if name in responses), None)


def _as_dataset(
    job: Job,
    first: Trained,
    predictions: NDArray[np.float32],
    train_r2: NDArray[np.float64],
    responses: xr.Dataset,
    splits: NDArray[np.str_],
    settings: Sequence[Settings | None],
) -> xr.Dataset:
    """The dataset for `predictions/`, from (repeat, seed, stimulus, neuroid) predictions."""
    held_out = (splits != "train").any(axis=0)
    layer = TRAINED if job.entry["network"] in OURS else first.recipe["layer"]
    found = xr.Dataset(
        {
            "prediction": (("repeat", "layer", "stimulus", "neuroid"), predictions.mean(axis=1)[:, None]),
            "train_r2": (("repeat", "layer", "neuroid"), train_r2[:, None]),
        },
        coords={
            "layer": [layer],
            "dead": ("layer", [False]),
            "stimulus_id": ("stimulus", responses["stimulus_id"].values[held_out]),
            "split": (("repeat", "stimulus"), splits[:, held_out]),
            "neuroid_id": ("neuroid", responses["neuroid_id"].values),
            "region": ("neuroid", responses["region"].values),
            "chosen_layer": (("repeat", "neuroid"), np.full(train_r2.shape, layer)),
        },
    )
    if predictions.shape[1] > 1:
        found["prediction_of_seed"] = ("repeat", "seed", "stimulus", "neuroid"), predictions
    frozen = job.entry["trainable"] == "none"
    weights, on_gpu = job.weights if frozen else f"trained from {job.weights}", job.device.type == "cuda"
    found.attrs["weights"] = weights_in(weights, job.entry["precision"] if on_gpu else "float32")
    if settings[0] is not None:
        found.attrs["searched"] = json.dumps(settings)  # of each split
    return found

"""Train encoders by gradient on the neurons themselves, with any network and head.

The random numbers of an epoch (order, shifts, dropout) depend on the seed and the number of the epoch alone. So a
checkpoint needs no state of a generator, and a killed run continues with the same numbers.
"""

import hashlib
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ventral.data.splits import assign_splits
from ventral.files.errors import InputError
from ventral.networks.precision import repeatable
from ventral.networks.weights import fingerprint
from ventral.training.checkpoints import read_checkpoint, write_checkpoint
from ventral.training.heads import HeadPlan
from ventral.training.loader import Inputs
from ventral.training.loop import Clock, Loop, in_units, predict_standardised
from ventral.training.plan import Examples, History, Plan, Training
from ventral.training.trainable import Encoder, build_encoder

CPU = torch.device("cpu")


def train(
    encoder: Encoder,
    examples: Examples,
    plan: Plan,
    *,
    device: torch.device = CPU,
    folder: str | Path | None = None,
    name: str = "encoder",
    report: Callable[[dict[str, float]], None] | None = None,
) -> Training:
    """Train an encoder in place, until the last epoch or until it stops improving on held-out train examples.

    The loss is the squared error of standardised responses, so that every neuroid counts the same; missing responses do
    not count. The cross-entropy of object categories (if asked for) and the head's penalty are added. On a CPU, the
    same arguments and number of threads give the same weights to the last bit.

    Args:
        encoder: from `build_encoder`, untrained.
        examples: train examples.
        plan: how.
        device: of the encoder; `examples.inputs` are on the same.
        folder: where a checkpoint is written after each epoch and read at the start; None for no checkpoint.
        name: of the encoder, in messages.
        report: called with each new row of the history. An exception from it ends the training.

    Raises:
        InputError: if there are too few examples, a neuroid has no responses, co-training lacks categories, a batch of
            one meets batch norm, the loss is not finite, or half a batch does not fit in GPU memory.
    """
    held_out = _hold_out(examples, plan, name)
    target = _standardise(encoder, examples.responses, ~held_out, name)
    encoder.freeze(plan.trainable)
    _check_plan(encoder, examples, plan, name)
    identity = _identify(encoder, examples, plan)
    encoder.to(device)
    if device.type == "cuda":
        encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fitted, stopping = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    cuda = [device] if device.type == "cuda" else []
    with repeatable(device, plan.precision), torch.random.fork_rng(devices=cuda):
        loop = Loop(encoder, examples, target.to(device), plan, device, fitted, name)
        history: History = []
        best: dict[str, Tensor] = {}
        state = None if folder is None else read_checkpoint(folder, identity)
        if state is not None:
            history, best = state["history"], state["best"]
            encoder.load_state_dict(state["weights"], strict=False)
            loop.optimizer.load_state_dict(state["optimizer"])
            print(f"{name}: resumes after epoch {len(history)}", file=sys.stderr)
        clock = Clock(name, plan.epochs, len(history))
        while len(history) < plan.epochs and not _spent(history, plan.patience):
            row = loop.run_epoch(len(history) + 1, clock)
            row |= loop.judge(stopping)
            _check_finite(row, plan, name)
            history.append(row)
            if _best_epoch(history) == len(history):
                best = {key: value.detach().clone() for key, value in encoder.changing().items()}
            if folder is not None:
                state = {"history": history, "best": best, "weights": encoder.changing()}
                write_checkpoint(folder, identity, {**state, "optimizer": loop.optimizer.state_dict()})
            clock.epoch_done(row)
            if report is not None:
                report(row)
        encoder.load_state_dict(best, strict=False)
        clock.finished(_best_epoch(history), len(history))
        predictions = in_units(encoder, loop.predict(stopping))
    return Training(history, _best_epoch(history), held_out, predictions)


def predict(encoder: Encoder, inputs: Inputs, precision: str = "float32") -> NDArray[np.float32]:
    """(n, t) predicted rates for all inputs, in the units of the responses that the encoder was trained on."""
    encoder.to(inputs.device)
    return in_units(encoder, predict_standardised(encoder, inputs, np.arange(len(inputs)), precision))


@dataclass(frozen=True)
class FittedMLP:
    """A deep head on features such as principal components; `training` has its predictions for held-out examples."""

    encoder: Encoder
    training: Training

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(m, t) predicted rates for (m, k) features of the kind that it was fitted on."""
        return predict(self.encoder, Inputs(features))


# 2,592 x 1,000 features -> 168 neuroids took 14 s on one core.
MLP_PLAN = Plan(learning_rate=1e-3, weight_decay=0.01, batch=64, epochs=60, patience=6, schedule="cosine", clip=1.0)


def fit_mlp(
    features: NDArray[np.floating],
    responses: NDArray[np.floating],
    *,
    head: HeadPlan | None = None,
    plan: Plan = MLP_PLAN,
    seed: int = 0,
    strata: NDArray[np.str_] | None = None,
    groups: NDArray[np.str_] | None = None,
    device: torch.device = CPU,
    name: str = "mlp",
) -> FittedMLP:
    """Fit a deep head to features of train stimuli.

    Features are centred and scaled by one factor to unit variance, so that small components stay small. The examples
    held out to choose the epoch depend on n, seed, strata and groups alone, so that layers can be compared on them.

    Args:
        features: (n, k) of the train stimuli, such as scores of principal components.
        responses: (n, t), NaN where nothing was recorded.
        head: the head; None for hidden layers of 512 and 256 with dropout 0.5.
        plan: how it is trained; its seed is replaced.
        seed: of weights, order, dropout, and the choice of held-out examples.
        strata: as in `Examples`.
        groups: as in `Examples`.
        device: where.
        name: in messages.

    Raises:
        InputError: as `train`.
    """
    chosen = head or HeadPlan("mlp", dropout=0.5)
    inputs = Inputs(features, device=device)
    example = torch.zeros(1, features.shape[1])
    encoder = build_encoder(nn.Identity(), "output", chosen, example, responses.shape[1], seed=seed)
    examples = Examples(inputs, responses, strata=strata, groups=groups)
    return FittedMLP(encoder, train(encoder, examples, replace(plan, seed=seed), device=device, name=name))


def _hold_out(examples: Examples, plan: Plan, name: str) -> NDArray[np.bool_]:
    """(n,) whether each example is held out to choose the epoch."""
    n = len(examples.responses)
    if n != len(examples.inputs):
        raise ValueError(f"{len(examples.inputs)} inputs and {n} responses")
    share = {"val": 0.0, "test": plan.stop_share}
    held_out = assign_splits(n, share, plan.seed, examples.strata, examples.groups) == "test"
    if (~held_out).sum() < 2 or held_out.sum() < 2:
        enough = math.ceil(2 / plan.stop_share)
        raise InputError(
            name,
            "train",
            f"{n} train stimuli, of which {held_out.sum()} are held out to choose the epoch, and two are needed",
            f"give some {enough} train stimuli, by more images or smaller shares under `split`, or leave it out",
        )
    return held_out


def _standardise(encoder: Encoder, responses: NDArray[np.floating], fitted: NDArray[np.bool_], name: str) -> Tensor:
    """(n, t) z-scored responses, NaN where missing. The encoder keeps the mean and sd of each neuroid."""
    values = np.where(np.isfinite(responses), responses, np.nan).astype(np.float64)
    silent = np.flatnonzero(np.isnan(values[fitted]).all(axis=0))
    if silent.size:
        problem = f"{silent.size} neuroids have no response to the train stimuli, number {silent[0]} for one"
        raise InputError(name, "responses", problem, "leave them out")
    mean, std = np.nanmean(values[fitted], axis=0), np.nanstd(values[fitted], axis=0)
    std[std <= 1e-12 * np.abs(mean)] = 1  # a constant neuroid is predicted by its mean
    std[std == 0] = 1
    encoder.mean.copy_(torch.from_numpy(mean))
    encoder.std.copy_(torch.from_numpy(std))
    return torch.from_numpy((values - mean) / std).float()


def _check_plan(encoder: Encoder, examples: Examples, plan: Plan, name: str) -> None:
    """Refuse a plan that does not fit the encoder or the examples."""
    if plan.category_weight and (examples.categories is None or encoder.head.categories is None):
        raise InputError(name, "category_weight", "no object categories to train on", "leave it out")
    encoder.train()
    norms = [part for part, module in encoder.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if plan.batch == 1 and any(encoder.get_submodule(part).training for part in norms):
        raise InputError(name, "batch", f"1, but {norms[0]} is batch norm", "set batch to 2 or more, or freeze it")


def _identify(encoder: Encoder, examples: Examples, plan: Plan) -> str:
    """sha256 of everything that determines the weights: plan, data, and the encoder before training."""
    digest = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode())
    digest.update(f"{encoder.layer} {encoder!r} {fingerprint(encoder)} {examples.inputs.fingerprint()}".encode())
    digest.update(np.ascontiguousarray(examples.responses).tobytes())
    for labels in (examples.categories, examples.strata, examples.groups):
        digest.update(json.dumps(None if labels is None else labels.tolist()).encode())
    return digest.hexdigest()


def _check_finite(row: dict[str, float], plan: Plan, name: str) -> None:
    if math.isfinite(row["train_loss"]) and math.isfinite(row["stop_loss"]):
        return
    losses = "the loss is {train_loss:g} ({stop_loss:g} held out) at learning rate {learning_rate:g}".format(**row)
    remedy = "lower learning_rate tenfold" + (", or set clip: 1" if plan.clip is None else "")
    raise InputError(name, f"epoch {row['epoch']:.0f}", losses, remedy)


def _best_epoch(history: History) -> int:
    """Number of the epoch with the smallest error on held-out examples; 0 before the first."""
    return min(range(len(history)), key=lambda i: history[i]["stop_loss"]) + 1 if history else 0


def _spent(history: History, patience: int | None) -> bool:
    return patience is not None and bool(history) and len(history) - _best_epoch(history) >= patience

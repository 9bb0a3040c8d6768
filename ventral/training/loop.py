"""One epoch of training, and predictions between epochs."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ventral.files import console
from ventral.files.errors import InputError
from ventral.networks.precision import computing
from ventral.networks.prefetch import prefetched
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.training.augment import Augmenter
from ventral.training.heads import channels_first
from ventral.training.loader import AHEAD, Inputs, chunks, epoch_batches
from ventral.training.plan import Examples, Plan
from ventral.training.trainable import Encoder, features_at

MEASURED = 256  # examples on which a head measures the mean and scale of features
OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
MOMENTUM = 0.9  # of sgd


def squared_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Sum of squared differences over the cells of (b, t) `target` that are not NaN."""
    observed = target.isfinite()
    return torch.where(observed, predicted - target.nan_to_num(), 0).square().sum()


class Loop:
    """What an epoch needs: an encoder, its examples on the device, its optimiser."""

    def __init__(
        self,
        encoder: Encoder,
        examples: Examples,
        target: Tensor,
        plan: Plan,
        device: torch.device,
        fitted: NDArray[np.intp],
        name: str,
    ) -> None:
        self.encoder, self.plan, self.device, self.fitted, self.name = encoder, plan, device, fitted, name
        self.target = target
        self.inputs: Inputs = examples.inputs
        self.parts = 1
        known = examples.categories if plan.category_weight and encoder.head.categories is not None else None
        self.categories = None if known is None else torch.from_numpy(known.astype(np.int64)).to(device)
        self.forward: nn.Module = encoder
        frozen = None if plan.trainable or plan.shift else _frozen_features(encoder, self.inputs, plan)
        if frozen is not None:
            self.inputs, self.forward = frozen, encoder.head
        self._measure(fitted)
        self.optimizer = _optimizer(encoder, plan)

    def _measure(self, fitted: NDArray[np.intp]) -> None:
        """Measure mean and scale of the head's features in training mode, in which batch norm uses each batch."""
        torch.manual_seed(self.plan.seed)
        measured = np.random.default_rng(self.plan.seed).permutation(fitted)[:MEASURED]
        parts = [part for part in chunks(measured, min(self.plan.batch, 16)) if len(part) > 1 or self.plan.batch == 1]
        self.encoder.train()
        with torch.no_grad(), forward_in(self.device, self.plan.precision):
            self.encoder.head.standardise.measure(self._features(self.inputs[part]) for part in parts)

    def _features(self, inputs: Tensor) -> Tensor:
        """The input of the head, with channels first."""
        whole = self.forward is self.encoder
        return channels_first(features_at(self.encoder.backbone, self.encoder.layer, inputs) if whole else inputs)

    def run_epoch(self, epoch: int, clock: "Clock") -> dict[str, float]:
        """Train for one epoch; return its row of the history."""
        plan = self.plan
        torch.manual_seed(int(np.random.SeedSequence((plan.seed, epoch, 2)).generate_state(1)[0]))
        augment = Augmenter(plan.shift, len(self.inputs), plan.seed, epoch)
        batches = [self.fitted[batch] for batch in epoch_batches(len(self.fitted), plan.batch, plan.seed, epoch)]
        self.encoder.train()
        losses = []
        varied = prefetched((augment(self.inputs[index], index) for index in batches), AHEAD)
        for i, (index, inputs) in enumerate(zip(batches, varied, strict=True)):
            factor = rate_factor(plan, epoch - 1 + i / len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            losses.append(self._step(inputs, torch.from_numpy(index).to(self.device)))
            clock.batch_done(epoch, i + 1, len(batches))
        loss = float(torch.stack(losses).mean())
        rate = float(self.optimizer.param_groups[0]["lr"])
        return {"epoch": epoch, "train_loss": loss, "learning_rate": rate}

    def judge(self, index: NDArray[np.intp]) -> dict[str, float]:
        """Loss and r for the examples numbered `index`."""
        predicted = self.predict(index)
        target = self.target[torch.from_numpy(index).to(self.device)].cpu()
        seen = max(int(target.isfinite().sum()), 1)
        r = pearson_r(target.double().numpy(), predicted.double().numpy())
        r = r[np.isfinite(r)]
        return {
            "stop_loss": float(squared_error(predicted, target)) / seen,
            "stop_r": float(r.mean()) if r.size else 0.0,
        }

    def predict(self, index: NDArray[np.intp]) -> Tensor:
        """(b, t) standardised rates."""
        return predict_standardised(self.encoder, self.inputs, index, self.plan.precision, self.forward)

    def _step(self, inputs: Tensor, index: Tensor) -> Tensor:
        """One step of the optimiser; returns the loss. If a GPU runs out of memory, batches are halved from then on."""
        loss = self._attempt(inputs, index)
        if loss is None and self.parts == 1 and len(index) >= 4:
            self.parts = 2
            print(f"{self.name}: out of memory, {self.plan.batch} examples go in two halves", file=sys.stderr)
            loss = self._attempt(inputs, index)
        if loss is None:
            remedy = f"set batch below {max(self.plan.batch // 2, 2)}, or a smaller image_size"
            raise InputError(self.name, "batch", f"out of memory with half of {self.plan.batch} too", remedy)
        if self.plan.clip is not None:
            nn.utils.clip_grad_norm_(self.encoder.parameters(), self.plan.clip)
        self.optimizer.step()
        return loss

    def _attempt(self, inputs: Tensor, index: Tensor) -> Tensor | None:
        """The loss, after computing gradients; None if memory ran out."""
        try:
            return self._backward(inputs, index)
        except torch.OutOfMemoryError:
            pass  # the memory of the failed pass is freed with the exception
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _backward(self, inputs: Tensor, index: Tensor) -> Tensor:
        """Gradients of the loss of one batch, in parts if memory is short; the parts add up to the whole batch."""
        self.optimizer.zero_grad()
        target = self.target[index]
        observed = target.isfinite().sum().clamp(min=1)
        labels = None if self.categories is None else self.categories[index]
        total = torch.zeros((), device=self.device)
        # No part has a single example, which batch norm cannot use.
        size = -(-len(index) // self.parts) if len(index) >= 4 else len(index)
        parts = [slice(start, start + size) for start in range(0, len(index), size)]
        for part in parts:
            with forward_in(self.device, self.plan.precision):
                rates, logits = self.forward(inputs[part])
            loss = squared_error(rates.float(), target[part]) / observed
            if labels is not None and logits is not None:
                wrong = functional.cross_entropy(logits.float(), labels[part], ignore_index=-1, reduction="sum")
                loss = loss + self.plan.category_weight * wrong / (labels >= 0).sum().clamp(min=1)
            penalty = self.encoder.head.penalty()
            if penalty is not None:
                loss = loss + penalty / len(parts)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total


def _frozen_features(encoder: Encoder, inputs: Inputs, plan: Plan) -> Inputs | None:
    """Features of a frozen backbone, computed once instead of in every epoch; None if they are too large."""
    rows: list[Tensor] = []
    with inference(encoder, inputs.device, plan.precision):
        for index in chunks(np.arange(len(inputs))):
            rows.append(features_at(encoder.backbone, encoder.layer, inputs[index]).float().cpu())
            if rows[0].nbytes / len(rows[0]) * len(inputs) > inputs.memory_mb * 2**20:
                return None
    return Inputs(torch.cat(rows).numpy(), device=inputs.device, memory_mb=inputs.memory_mb)


def _optimizer(encoder: Encoder, plan: Plan) -> torch.optim.Optimizer:
    """The optimiser with two groups, the head first; `initial_lr` of each is the rate before the schedule."""
    rate = plan.backbone_learning_rate
    rates = (plan.learning_rate, plan.learning_rate if rate is None else rate)
    trained = ([p for p in part.parameters() if p.requires_grad] for part in (encoder.head, encoder.backbone))
    groups = [{"params": own, "lr": lr, "initial_lr": lr} for own, lr in zip(trained, rates, strict=True) if own]
    options: dict[str, Any] = {"momentum": MOMENTUM} if plan.optimizer == "sgd" else {}
    return OPTIMIZERS[plan.optimizer](groups, weight_decay=plan.weight_decay, **options)


def rate_factor(plan: Plan, done: float) -> float:
    """The share of the learning rate that is used after `done` epochs."""
    if plan.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * done / plan.epochs))


def predict_standardised(
    encoder: Encoder, inputs: Inputs, index: NDArray[np.intp], precision: str, forward: nn.Module | None = None
) -> Tensor:
    """(b, t) standardised rates of the examples numbered `index`, on the CPU."""
    with inference(encoder, inputs.device, precision):
        parts = prefetched((inputs[part] for part in chunks(index)), AHEAD)
        return torch.cat([(forward or encoder)(part)[0].float().cpu() for part in parts])


def in_units(encoder: Encoder, rates: Tensor) -> NDArray[np.float32]:
    """(b, t) standardised rates -> in the units of the responses."""
    return (rates * encoder.std.cpu() + encoder.mean.cpu()).numpy()


@contextmanager
def inference(encoder: Encoder, device: torch.device, precision: str) -> Iterator[None]:
    """The encoder in evaluation mode, without gradients."""
    encoder.eval()
    with torch.no_grad(), forward_in(device, precision):
        yield


def forward_in(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Forward passes in a precision on a GPU; a CPU always computes in float32."""
    return computing(device, precision if device.type == "cuda" else "float32")


class Clock:
    """Prints every few seconds how far training is."""

    def __init__(self, name: str, epochs: int, done: int) -> None:
        self.name, self.epochs, self.before = name, epochs, done
        self.start = self.last = time.monotonic()
        self.latest = ""

    def batch_done(self, epoch: int, batch: int, n_batches: int) -> None:
        """One more step."""
        done = epoch - 1 - self.before + batch / n_batches
        self._say(done, f"epoch {epoch} of {self.epochs}, batch {batch} of {n_batches}{self.latest}")

    def epoch_done(self, row: dict[str, float]) -> None:
        """One more row of the history."""
        self.latest = "; last loss {train_loss:.4g}, held out {stop_loss:.4g} (r {stop_r:.3f})".format(**row)
        self.latest += f", rate {row['learning_rate']:.3g}"

    def _say(self, done: float, text: str) -> None:
        now = time.monotonic()
        if now - self.last >= console.SECONDS_BETWEEN_LINES:
            self.last = now
            left = (now - self.start) / done * (self.epochs - self.before - done)
            print(f"{self.name}: {text}; at most {left:.0f} s left", file=sys.stderr)

    def finished(self, best: int, n_epochs: int) -> None:
        """The last line, always printed."""
        elapsed = time.monotonic() - self.start
        print(f"{self.name}: best epoch {best} of {n_epochs}{self.latest}; {elapsed:.1f} s", file=sys.stderr)

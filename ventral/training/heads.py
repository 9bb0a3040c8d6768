"""Readout heads: from the features of a network's layer to the rates of neuroids, trained by gradient."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ventral.files.errors import InputError
from ventral.networks.weights import seeded


@dataclass(frozen=True)
class HeadPlan:
    """What stands between features and neuroids.

    Attributes:
        kind: "linear"; "mlp", with hidden layers; or "factorised", a place and a set of features for each neuroid.
        grid: (c, h, w) features are averaged over a grid x grid mosaic of the image first; 1 is the global average,
            None takes every unit. Of no meaning for "factorised", which keeps the map.
        hidden: sizes of the hidden layers of "mlp", each followed by a ReLU.
        dropout: share of units left out in training: after each hidden layer, or of the features where there is none.
        sparsity: weight of the L1 penalty of "factorised".
        smoothness: weight of the penalty on differences between neighbours in the masks of "factorised".
    """

    kind: Literal["linear", "mlp", "factorised"] = "linear"
    grid: int | None = 1
    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.0
    sparsity: float = 1e-3
    smoothness: float = 1e-3


def make_head_plan(settings: Mapping[str, Any]) -> HeadPlan:
    """The head of an entry in a config, where `hidden` is a list."""
    return HeadPlan(**{**settings, **({"hidden": tuple(settings["hidden"])} if "hidden" in settings else {})})


class Standardise(nn.Module):
    """Features about their mean (of each channel) and of unit variance (of all together), as measured once.

    One scale for all keeps the spectrum: principal components of little variance stay small. Until `measure` is
    called, features pass unchanged.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(n_channels))
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def measure(self, batches: Iterable[Tensor]) -> None:
        """Take mean and scale from batches of (b, c, ...) features; constant ones keep scale 1."""
        count, total, square = 0, torch.zeros(len(self.centre)).double(), torch.zeros(len(self.centre)).double()
        for features in batches:
            values = features.double().transpose(0, 1).flatten(1).cpu()
            count += values.shape[1]
            total += values.sum(dim=1)
            square += values.square().sum(dim=1)
        mean = total / count
        variance = (square / count - mean.square()).mean()
        self.centre.copy_(mean)
        self.scale.copy_(torch.where(variance > 1e-12 * mean.square().mean(), variance.clamp(min=0).sqrt(), 1.0))

    def forward(self, features: Tensor) -> Tensor:
        """(b, c, ...) -> the same shape."""
        return (features - self.centre.view(-1, *[1] * (features.ndim - 2))) / self.scale


class Factorised(nn.Module):
    """For each neuroid a mask over places and weights over features (Klindt, Ecker, Euler & Bethge 2017, equation 3).

    rate_n = sum_c w_nc sum_xy m_nxy feature_cxy + b_n: h w + c weights a neuroid in place of c h w. Its penalty is
    theirs for sparseness, the product of both L1 norms, and a squared difference between neighbouring places of the
    masks for smoothness; both are means over neuroids.
    """

    def __init__(self, shape: tuple[int, int, int], n_neuroids: int, sparsity: float, smoothness: float) -> None:
        super().__init__()
        channels, height, width = shape
        places = height * width
        self.mask = nn.Parameter(torch.full((n_neuroids, height, width), 1 / places))
        self.mask.data += 0.1 / places * torch.randn_like(self.mask)
        self.weight = nn.Parameter(torch.zeros(n_neuroids, channels))
        self.bias = nn.Parameter(torch.zeros(n_neuroids))
        self.sparsity, self.smoothness = sparsity, smoothness

    def forward(self, features: Tensor) -> Tensor:
        """(b, c, h, w) features -> (b, n) rates."""
        at_place = features.flatten(2) @ self.mask.flatten(1).T.to(features.dtype)
        return (at_place * self.weight.T).sum(dim=1) + self.bias

    def extra_repr(self) -> str:
        """What a printed model says of it."""
        return f"sparsity={self.sparsity}, smoothness={self.smoothness}"

    def penalty(self) -> Tensor:
        """What is added to the loss; a scalar."""
        sparse = self.mask.abs().sum(dim=(1, 2)) * self.weight.abs().sum(dim=1)
        rough = self.mask.diff(dim=1).square().sum(dim=(1, 2)) + self.mask.diff(dim=2).square().sum(dim=(1, 2))
        places = self.mask[0].numel()  # masks are averages: a step of 1 / places weighs as much in maps of any size
        return self.sparsity * sparse.mean() + self.smoothness * places * rough.mean()


class Head(nn.Module):
    """Standardised features -> trunk -> rates, and logits of object categories where it is co-trained on them."""

    def __init__(self, n_channels: int, trunk: nn.Module, rates: nn.Module, categories: nn.Module | None) -> None:
        super().__init__()
        self.standardise = Standardise(n_channels)
        self.trunk = trunk
        self.rates = rates
        self.categories = categories

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """(b, ...) features -> (b, neuroid) rates in standard deviations, and (b, category) logits or None."""
        hidden = self.trunk(self.standardise(channels_first(features)))
        return self.rates(hidden), None if self.categories is None else self.categories(hidden)

    def penalty(self) -> Tensor | None:
        """What the readout adds to the loss; None where nothing."""
        return self.rates.penalty() if isinstance(self.rates, Factorised) else None


def channels_first(features: Tensor) -> Tensor:
    """Features as (b, c, ...): tokens (b, t, c) and maps (b, h, w, c), as transformers have them, are transposed.

    A map is taken for channels-last where its first two sides are equal and the last two are not.
    """
    if features.ndim == 3:
        return features.transpose(1, 2)
    if features.ndim == 4 and features.shape[1] == features.shape[2] != features.shape[3]:
        return features.permute(0, 3, 1, 2)
    return features


def build_head(plan: HeadPlan, features: Tensor, n_neuroids: int, *, n_categories: int = 0, seed: int) -> Head:
    """Make a head for features of the shape of an example, with weights drawn from `seed`.

    The last weights are zero: an untrained head predicts the mean rate, and one that finds nothing stays near it.

    Args:
        plan: what to build.
        features: (b, ...) features of any images, for their shape.
        n_neuroids: number of rates t.
        n_categories: number of object categories to co-train on; 0 for none.
        seed: of the weights.

    Raises:
        InputError: if the features have no map that a factorised head or a grid needs.
    """
    shape = channels_first(features).shape[1:]
    needs_map = plan.kind == "factorised" or (plan.grid or 1) > 1
    if needs_map and len(shape) != 3:
        what = plan.kind if plan.kind == "factorised" else f"grid {plan.grid}"
        problem = f"{what} needs features with a height and a width, these are {tuple(features.shape[1:])}"
        raise InputError("config", "head", problem, "choose an earlier layer, or grid 1")
    with seeded(seed):
        if plan.kind == "factorised":
            rates = Factorised((shape[0], shape[1], shape[2]), n_neuroids, plan.sparsity, plan.smoothness)
            categories = nn.Sequential(_pool(shape, 1), nn.Linear(shape[0], n_categories)) if n_categories else None
            return Head(shape[0], nn.Dropout(plan.dropout), rates, categories)
        trunk: list[nn.Module] = [_pool(shape, plan.grid)]
        width = _pool(shape, plan.grid)(torch.zeros(1, *shape)).shape[1]
        hidden = plan.hidden if plan.kind == "mlp" else ()
        for size in hidden:
            trunk += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(plan.dropout)]
            width = size
        if not hidden:
            trunk.append(nn.Dropout(plan.dropout))
        outputs = nn.Linear(width, n_neuroids)
        nn.init.zeros_(outputs.weight)
        nn.init.zeros_(outputs.bias)
        return Head(shape[0], nn.Sequential(*trunk), outputs, nn.Linear(width, n_categories) if n_categories else None)


def _pool(shape: torch.Size, grid: int | None) -> nn.Module:
    """(b, c, ...) features -> (b, units)."""
    if grid is None or len(shape) == 1:
        return nn.Flatten()
    average = nn.AdaptiveAvgPool1d(grid) if len(shape) == 2 else nn.AdaptiveAvgPool2d(grid)
    return nn.Sequential(average, nn.Flatten())

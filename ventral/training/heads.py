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
    """How features become rates.

    Attributes:
        kind: "linear"; "mlp", with hidden layers; or "factorised", with a place and a set of features for each neuroid.
        grid: (c, h, w) features are first averaged within the cells of a grid x grid mosaic; 1 is the global average,
            None takes every unit. Ignored by "factorised", which keeps the map.
        hidden: sizes of the hidden layers of "mlp", each followed by a ReLU.
        dropout: share of units dropped in training: after each hidden layer, or of the features if there is none.
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
    """The head for settings of the config, in which `hidden` is a list."""
    return HeadPlan(**{**settings, **({"hidden": tuple(settings["hidden"])} if "hidden" in settings else {})})


class Standardise(nn.Module):
    """Subtracts the mean of each channel and divides by one standard deviation for all, both measured once.

    One scale for all channels keeps the spectrum: principal components of small variance stay small. Until `measure` is
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
        """Measure mean and scale on batches of (b, c, ...) features; constant features keep scale 1."""
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

    rate_n = sum_c w_nc sum_xy m_nxy feature_cxy + b_n: h w + c weights for a neuroid instead of c h w. The sparsity
    penalty is theirs, the product of both L1 norms; the smoothness penalty is the squared difference between
    neighbouring places of the masks. Both are means over neuroids.
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
        """The penalties, for the printed model."""
        return f"sparsity={self.sparsity}, smoothness={self.smoothness}"

    def penalty(self) -> Tensor:
        """The penalty that is added to the loss, a scalar."""
        sparse = self.mask.abs().sum(dim=(1, 2)) * self.weight.abs().sum(dim=1)
        rough = self.mask.diff(dim=1).square().sum(dim=(1, 2)) + self.mask.diff(dim=2).square().sum(dim=(1, 2))
        places = self.mask[
            0
        ].numel()  # masks are averages, so that a step of 1 / places weighs the same in maps of any size
        return self.sparsity * sparse.mean() + self.smoothness * places * rough.mean()


class Head(nn.Module):
    """Standardised features -> trunk -> rates, and logits of object categories if it is co-trained on them."""

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
        """What the readout adds to the loss; None for nothing."""
        return self.rates.penalty() if isinstance(self.rates, Factorised) else None


def channels_first(features: Tensor) -> Tensor:
    """Features as (b, c, ...). The tokens (b, t, c) and maps (b, h, w, c) of transformers are transposed.

    A map counts as channels-last if its first two sides are equal and its last two are not.
    """
    if features.ndim == 3:
        return features.transpose(1, 2)
    if features.ndim == 4 and features.shape[1] == features.shape[2] != features.shape[3]:
        return features.permute(0, 3, 1, 2)
    return features


def build_head(plan: HeadPlan, features: Tensor, n_neuroids: int, *, n_categories: int = 0, seed: int) -> Head:
    """Make a head for features of the given shape, with weights drawn from `seed`.

    The last weights start at zero: an untrained head predicts the mean rate.

    Args:
        plan: what to build.
        features: (b, ...) features of any images, for their shape.
        n_neuroids: number of rates t.
        n_categories: number of object categories to co-train on; 0 for none.
        seed: of the weights.

    Raises:
        InputError: if a factorised head or a grid needs a map, and the features have none.
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

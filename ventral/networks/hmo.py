"""HMO: networks of modules whose hyper-parameters are drawn and chosen (Yamins et al. 2014, PNAS 111:8619).

A layer is filter -> rectify -> pool -> normalise, a module one to three layers. The chosen modules run side by side as
level N1. Levels N2 and N3 are one layer each. The top level looks for each of its features anywhere in the image.
`ventral.faces.hmo` chooses the modules and trains the levels.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ventral.files.atomic import writing
from ventral.files.errors import InputError
from ventral.networks.weights import seeded, write_state

MEAN = STD = (0.5, 0.5, 0.5)  # of the colour channels of images from 0 to 1; the grey around images becomes 0
CHANNELS, STRIDE = 3, 2
TOP_UNITS = 1250  # as in Yamins et al. 2014
TINY = 1e-12  # added under square roots, whose slope at 0 is infinite


@dataclass(frozen=True)
class LayerPlan:
    """Hyper-parameters of one layer.

    Attributes:
        filters: number of filters.
        size: width and height of a filter, odd, in places of the layer's input.
        threshold: smaller responses are set to this.
        saturation: larger responses are set to this; None for no bound.
        pool: width and height of the neighbourhood that is pooled, odd; its centres are `STRIDE` apart.
        order: p of the pooling, the p-th root of the mean p-th power; None for the maximum.
        norm_size: width and height of the neighbourhood by whose root mean square a response is divided, odd.
        norm_strength: s of the divisor (s + root mean square) / (s + 1): 0 is full normalisation, infinity none.
    """

    filters: int
    size: int
    threshold: float
    saturation: float | None
    pool: int
    order: int | None
    norm_size: int
    norm_strength: float


ModulePlan = tuple[LayerPlan, ...]

# The values from which the hyper-parameters of a layer are drawn, after Yamins et al. 2014, SI, and Pinto et al. 2009
# (PLoS Comput Biol 5:e1000579); the maximum replaces their power of 10. The number of filters is that of the first
# layer; each later layer has as many or twice as many.
DEPTHS, FILTERS = (1, 2, 3), (8, 16, 32)
DRAWN: dict[str, tuple[Any, ...]] = {
    "size": (3, 5, 7),
    "threshold": (0.0, 0.1, 0.3),
    "saturation": (1.0, None),
    "pool": (3, 5, 7),
    "order": (1, 2, None),
    "norm_size": (3, 5, 9),
    "norm_strength": (0.01, 0.1, 1.0),
}
TRAINED = LayerPlan(64, 3, 0.0, None, 3, 2, 3, 0.1)  # N2 and N3; their filters are trained


def draw_modules(n_modules: int, seed: int) -> list[ModulePlan]:
    """Draw the hyper-parameters of modules; all values of a hyper-parameter are equally probable.

    Args:
        n_modules: number of modules.
        seed: of the draws. A longer list begins with the modules of a shorter one.
    """
    rng = np.random.default_rng(seed)

    def pick(values: Sequence[Any]) -> Any:
        return values[int(rng.integers(len(values)))]

    modules = []
    for _ in range(n_modules):
        depth, filters = pick(DEPTHS), pick(FILTERS)
        layers = []
        for _ in range(depth):
            layers.append(LayerPlan(filters, **{name: pick(values) for name, values in DRAWN.items()}))
            filters *= pick((1, 2))
        modules.append(tuple(layers))
    return modules


class Layer(nn.Module):
    """Filter, rectify, pool, normalise. The filters are random, with mean 0 and norm 1."""

    def __init__(self, channels: int, plan: LayerPlan) -> None:
        super().__init__()
        self.plan = plan
        self.filter = nn.Conv2d(channels, plan.filters, plan.size, padding=plan.size // 2, bias=False)
        weight = torch.randn_like(self.filter.weight)
        weight = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
        self.filter.weight = nn.Parameter(weight / weight.flatten(1).norm(dim=1)[:, None, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) -> (b, filters, ceil(h / 2), ceil(w / 2))."""
        plan = self.plan
        x = self.filter(x).clamp(plan.threshold, plan.saturation)
        if plan.order is None:
            x = functional.max_pool2d(x, plan.pool, STRIDE, plan.pool // 2)
        else:
            x = local_mean(x**plan.order, plan.pool, STRIDE)
            x = x if plan.order == 1 else (x + TINY) ** (1 / plan.order)
        rms = (local_mean((x**2).mean(dim=1, keepdim=True), plan.norm_size, 1) + TINY).sqrt()
        return x * ((1 + plan.norm_strength) / (plan.norm_strength + rms))


def local_mean(x: Tensor, size: int, stride: int) -> Tensor:
    """Mean over neighbourhoods of `size` x `size` places; places beyond the edges do not count."""
    return functional.avg_pool2d(x, size, stride, size // 2, count_include_pad=False)


def build_module(plan: ModulePlan, seed: int) -> nn.Sequential:
    """A module for images (b, 3, h, w), with random filters drawn from `seed`."""
    channels = [CHANNELS, *(layer.filters for layer in plan)]
    with seeded(seed):
        return nn.Sequential(*(Layer(c, layer) for c, layer in zip(channels, plan, strict=False)))


class Mixture(nn.Module):
    """Modules side by side: their outputs on one grid of places, each filter standardised over the train images.

    Outputs coarser than the grid are repeated; finer ones are max pooled.
    """

    def __init__(self, modules: Sequence[nn.Sequential], n_filters: int, grid: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.grid = grid
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(n_filters, 1, 1))
        self.register_buffer("scale", torch.ones(n_filters, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b, filters of all modules, grid, grid)."""
        maps = [functional.adaptive_max_pool2d(part(images), self.grid) for part in self.parts]
        return (torch.cat(maps, dim=1) - self.mean) * self.scale


class Anywhere(nn.Module):
    """Units that each detect one feature, wherever in the image it is."""

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(channels, units, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) -> (b, units), the largest rectified response over places."""
        return functional.relu(self.features(x)).amax(dim=(2, 3))


class HMO(nn.Module):
    """Levels `n1`, `n2`, `n3`, `top`, and a classifier of faces; see `build_hmo`."""

    def __init__(self, n1: Mixture, n_filters: int, n2: LayerPlan, n3: LayerPlan, top_units: int) -> None:
        super().__init__()
        self.n1 = n1
        self.n2 = Layer(n_filters, n2)
        self.n3 = Layer(n2.filters, n3)
        self.top = Anywhere(n3.filters, top_units)
        self.classifier = nn.Linear(top_units, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(b, 3, h, w) images -> (b, 1) log odds of a face."""
        return self.judge(self.n1(images))

    def judge(self, maps: Tensor) -> Tensor:
        """(b, filters, grid, grid) outputs of `n1` -> (b, 1) log odds of a face."""
        return self.classifier(self.top(self.n3(self.n2(maps))))


def make_card(
    modules: Sequence[ModulePlan], seeds: Sequence[int], image_size: int, seed: int, top_units: int = TOP_UNITS
) -> dict[str, Any]:
    """All that `build_hmo` needs to build a network, as JSON can hold it.

    Args:
        modules: plans of the modules of N1.
        seeds: of each module's filters.
        image_size: side of the images in pixels.
        seed: of the initial weights of the levels above.
        top_units: number of outputs of the top level.
    """
    drawn = [
        {"seed": int(s), "layers": [asdict(layer) for layer in plan]} for s, plan in zip(seeds, modules, strict=True)
    ]
    levels = {"n1": drawn, "n2": asdict(TRAINED), "n3": asdict(TRAINED), "top_units": top_units}
    return {"architecture": "hmo", "image_size": image_size, "mean": MEAN, "std": STD, "seed": seed, **levels}


def build_hmo(card: Mapping[str, Any]) -> HMO:
    """The network of a card, in evaluation mode, with the weights from which training starts.

    Args:
        card: from `make_card` or `read_hmo_card`.
    """
    plans = [tuple(LayerPlan(**layer) for layer in module["layers"]) for module in card["n1"]]
    modules = [build_module(plan, module["seed"]) for plan, module in zip(plans, card["n1"], strict=True)]
    n_filters = sum(plan[-1].filters for plan in plans)
    n1 = Mixture(modules, n_filters, max(card["image_size"] // STRIDE**2, 1))
    with seeded(card["seed"]):
        return HMO(n1, n_filters, LayerPlan(**card["n2"]), LayerPlan(**card["n3"]), card["top_units"]).eval()


def read_hmo_card(path: str | Path) -> dict[str, Any]:
    """Read a card that `train_hmo` wrote.

    Raises:
        InputError: if it is missing or is not the card of an HMO.
    """
    try:
        card = json.loads(Path(path).read_text())
        build_hmo(card)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(path, "card", "not a card of an HMO", "let rule train_hmo write it") from None
    return card


def write_hmo(model: HMO, card: Mapping[str, Any], state_file: str | Path, card_file: str | Path) -> None:
    """Write the weights as a state dict and the card as JSON. The same network gives the same bytes."""
    write_state(model, state_file)
    with writing(card_file) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n")

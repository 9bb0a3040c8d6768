"""How fast networks run on this machine: a few images through each architecture, with random weights."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from statistics import median
from typing import Any

import numpy as np
import torch

from ventral.networks.activations import batch_size, choose_device, find_layers, inferring, lay_out, prepare
from ventral.networks.own import ARCHITECTURES
from ventral.networks.published import STUDY
from ventral.networks.recording import Records, record
from ventral.networks.zoo import Network, build_network

SECONDS = 10.0  # of one core, or of the GPU; after so many, only small networks are measured
LONG = 0.5  # seconds of a run after which neither it nor a larger batch is tried
SIDE = 128  # of images in pixels, for a network that takes images as they are
MATRIX = 1024  # rows of the matrices of a product
CHOSEN = ("architecture", "image_size", "channels_last", "precision")  # keys of a network on which its speed depends
SUM = 0.042  # seconds of the sum of `slowness` on the machine of `ventral.study.duration.TYPICAL`


@dataclass(frozen=True)
class Cost:
    """What a network takes.

    Attributes:
        forward: seconds of one core, or of the GPU, for an image.
        units: of all recorded layers.
    """

    forward: float
    units: int


@dataclass
class Probe:
    """Measures networks when they are asked for, each architecture and image size once.

    Attributes:
        device: where networks run.
        left: seconds in which large networks may still be measured.
    """

    device: torch.device
    left: float = SECONDS
    _found: dict[tuple[Any, ...], Cost | None] = field(default_factory=dict)

    @classmethod
    def of(cls, device: str) -> "Probe":
        """A probe of the device that the config names."""
        return cls(choose_device(device if torch.cuda.is_available() else "cpu"))

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """The cost of a network of the config; the median of those measured before, if this one cannot be."""
        if settings["architecture"] in ("labels", *STUDY):  # the study itself makes the latter: a small CNN is like it
            settings = {"architecture": "cnn", "image_size": 64}
        settings = {"precision": "float32", "layers": "auto", **settings, "weights": "random"}
        chosen = tuple(settings.get(key) for key in CHOSEN)
        if chosen not in self._found:
            start = self._now()
            is_small = settings["architecture"] in ARCHITECTURES
            self._found[chosen] = self._measure(settings) if is_small or self.left > 0 else None
            self.left -= self._now() - start
        found = self._found[chosen]
        if found is not None:
            return found
        known = [cost for cost in self._found.values() if cost] or [Cost(0.01, 200_000)]
        return Cost(median(cost.forward for cost in known), int(median(cost.units for cost in known)))

    @property
    def unmeasured(self) -> int:
        """The number of networks that were asked for and not measured."""
        return sum(cost is None for cost in self._found.values())

    @property
    def on_gpu(self) -> bool:
        """Whether networks run on a GPU, one job at a time."""
        return self.device.type == "cuda"

    @cached_property
    def product(self) -> float:
        """Seconds in which each unit is multiplied for one pair of images, from a product of two matrices."""
        matrix = torch.rand(MATRIX, MATRIX, device=self.device)
        return self._seconds(lambda: matrix @ matrix) / MATRIX**3

    def _measure(self, settings: Mapping[str, Any]) -> Cost | None:
        try:
            network = build_network("probe", settings, weights_file=None, seed=0)
            side = network.image_size or SIDE
            first = np.random.default_rng(0).integers(256, size=(1, side, side, 3), dtype=np.uint8)
            network = lay_out(network, first, self.device, settings.get("channels_last"))
            with inferring(self.device, settings["precision"]):
                records = find_layers(network, first, self.device)
                units = sum(map(math.prod, records.shapes.values()))
                for n in (2, min(batch_size(network, first, self.device), 32)):  # small networks run in large batches
                    images = torch.from_numpy(first.repeat(n, 0)).to(self.device)
                    seconds = self._seconds(partial(_run, network, records, images))
                    if seconds > LONG:
                        break
                return Cost(seconds / n, units)
        except Exception:  # a user's own network may raise anything; the run itself will say what
            return None

    def _seconds(self, run: Callable[[], object]) -> float:
        """The shorter of two runs on one core or the GPU; a long one runs once."""
        threads, best = torch.get_num_threads(), math.inf
        torch.set_num_threads(1)
        for _ in range(2):
            start = self._now()
            run()
            best = min(best, self._now() - start)
            if best > LONG:
                break
        torch.set_num_threads(threads)
        return best

    def _now(self) -> float:
        """A clock: of this process alone, so that other programs change little, or of the GPU's work."""
        if not self.on_gpu:
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def _run(network: Network, records: Records, images: torch.Tensor) -> None:
    """Run a network as an extraction does, and copy what it hands over."""

    def copy(_: str, rows: torch.Tensor) -> None:
        rows.clone()

    record(network.model, records, prepare(images, network), copy)


def slowness() -> float:
    """How much longer plain Python takes here than on the machine of `ventral.study.duration.TYPICAL`."""
    found = []
    for _ in range(3):
        start = time.process_time()
        sum(i * i for i in range(1_000_000))
        found.append(time.process_time() - start)
    return min(found) / SUM

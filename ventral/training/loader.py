"""Batches of network inputs for training, prepared ahead of use, in an order that depends on seed and epoch alone."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ventral.networks.prefetch import prefetched

AHEAD = 3  # batches prepared ahead of the one in use
CHUNK = 64  # images that are prepared or predicted at a time, without gradients


class Rows(Protocol):
    """(m, ...) numbers, in memory or in an HDF5 file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any) -> NDArray: ...


class Inputs:
    """The inputs of the network for n examples, on the device; indexed by the numbers of examples.

    If all prepared images fit in `memory_mb`, they are prepared once and stay on the device. Otherwise they are
    prepared again for every batch.

    Args:
        source: (m, H, W, 3) uint8 images, or (m, k) float features; an array, or a dataset in an HDF5 file.
        rows: (n,) row of `source` of each example; None for all, in order.
        prepare: (b, H, W, 3) uint8 -> (b, 3, h, w) float32, as for extraction; None for features, which stay as they
            are.
        device: where inputs go.
        memory_mb: what prepared inputs may take.
    """

    def __init__(
        self,
        source: Rows,
        rows: NDArray[np.intp] | None = None,
        prepare: Callable[[NDArray[np.uint8]], Tensor] | None = None,
        device: torch.device | None = None,
        memory_mb: int = 2000,
    ) -> None:
        self.source = source
        self.rows = np.arange(len(source)) if rows is None else np.asarray(rows)
        self.device = device or torch.device("cpu")
        self.memory_mb = memory_mb
        self._prepare = prepare
        self._ready: Tensor | None = None
        first = self._make(np.arange(1))
        if len(self) * first.nbytes <= memory_mb * 2**20:
            layout = torch.channels_last if self._fastest(first) else torch.contiguous_format
            ready = torch.empty((len(self), *first.shape[1:]), device=self.device, memory_format=layout)
            parts = list(chunks(np.arange(len(self))))
            for part, made in zip(parts, prefetched(map(self._make, parts), AHEAD), strict=True):
                ready[part[0] : part[-1] + 1] = made
            self._ready = ready

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: NDArray[np.intp]) -> Tensor:
        """(b, ...) inputs of the examples numbered `index`, on the device."""
        if self._ready is None:
            return self._make(index)
        return self._ready[torch.from_numpy(index).to(self.device)]

    def fingerprint(self) -> str:
        """sha256 of the rows of the source, and of the first prepared input."""
        digest = hashlib.sha256()
        for index in chunks(np.arange(len(self))):
            digest.update(self._read(index).tobytes())
        digest.update(self._make(np.arange(1)).cpu().numpy().tobytes())
        return digest.hexdigest()

    def _read(self, index: NDArray[np.intp]) -> NDArray:
        rows, back = np.unique(self.rows[index], return_inverse=True)  # HDF5 needs rows in ascending order, each once
        return self.source[rows][back]

    def _make(self, index: NDArray[np.intp]) -> Tensor:
        raw = self._read(index)
        made = torch.from_numpy(np.asarray(raw, np.float32)) if self._prepare is None else self._prepare(raw)
        return made.to(self.device, memory_format=torch.channels_last if self._fastest(made) else torch.preserve_format)

    def _fastest(self, made: Tensor) -> bool:
        """Whether channels-last is the layout in which convolutions are fastest."""
        return self.device.type == "cuda" and made.ndim == 4


def chunks(index: NDArray[np.intp], size: int = CHUNK) -> Iterator[NDArray[np.intp]]:
    """`index` in consecutive parts of `size`, the last one shorter."""
    return (index[start : start + size] for start in range(0, len(index), size))


def epoch_batches(n: int, size: int, seed: int, epoch: int) -> list[NDArray[np.intp]]:
    """The numbers 0 ... n - 1 in batches; their order depends on seed and epoch alone.

    A last batch of one example is left out if others are larger, because batch norm needs a variance. Which example
    this is changes with the epoch.
    """
    batches = list(chunks(np.random.default_rng((seed, epoch)).permutation(n), size))
    return batches[:-1] if len(batches) > 1 and size > 1 == len(batches[-1]) else batches

"""Batches of network inputs for training, prepared ahead of use, in an order that depends on seed and epoch alone."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ventral.files.image_hash import hash_images
from ventral.networks.prefetch import prefetched

AHEAD = 3  # batches prepared ahead of the one in use
CHUNK = 64  # images that are prepared or predicted at a time, without gradients


class Rows(Protocol):
    """(m, ...) numbers, in memory or in an HDF5 file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any) -> NDArray: ...


class Inputs:
    """The inputs of the network for n examples, on the device; indexed by the numbers of examples.

    If all prepared images fit in `memory_mb`, they are prepared once and stay on the device. Else, if their bytes fit,
    these stay there, and are prepared again for every batch. Otherwise every batch is read again too.

    Args:
        source: (m, H, W, 3) uint8 images, or (m, k) float features; an array, or a dataset in an HDF5 file.
        rows: (n,) row of `source` of each example; None for all, in order.
        prepare: (b, H, W, 3) uint8 -> (b, 3, h, w) float32, on any device, as for extraction; None for features, which
            stay as they are.
        device: where images are prepared and inputs go.
        memory_mb: what prepared inputs, or bytes, may take.
    """

    def __init__(
        self,
        source: Rows,
        rows: NDArray[np.intp] | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
        device: torch.device | None = None,
        memory_mb: int = 2000,
    ) -> None:
        self.source = source
        self.rows = np.arange(len(source)) if rows is None else np.asarray(rows)
        self.device = device or torch.device("cpu")
        self.memory_mb = memory_mb
        self._prepare = prepare
        self._raw: Tensor | None = None
        self._ready: Tensor | None = None
        room = memory_mb * 2**20 // max(len(self), 1)
        first = self._make(np.arange(1))
        if first.nbytes <= room:
            self._ready = self._gathered(self._make, first)
        elif prepare is not None and (raw := self._read(np.arange(1))).nbytes <= room:
            self._raw = self._gathered(self._read, raw)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: NDArray[np.intp]) -> Tensor:
        """(b, ...) inputs of the examples numbered `index`, on the device."""
        if self._ready is None:
            return self._make(index)
        return self._ready[torch.from_numpy(index).to(self.device)]

    def fingerprint(self) -> str:
        """sha256 of the source, its rows, and the first input as a CPU prepares it."""
        digest = hashlib.sha256(hash_images(self.source).encode() + self.rows.tobytes())
        first = torch.from_numpy(np.asarray(self.source[self.rows[:1]]))
        digest.update((first if self._prepare is None else self._prepare(first)).numpy().tobytes())
        return digest.hexdigest()

    def _gathered(self, make: Callable[[NDArray[np.intp]], Tensor], first: Tensor) -> Tensor:
        """What `make` gives for all examples, made ahead in another thread; `first` is that of the first example."""
        layout = torch.channels_last if self._fastest(first) else torch.contiguous_format
        shape = (len(self), *first.shape[1:])
        found = torch.empty(shape, dtype=first.dtype, device=self.device, memory_format=layout)
        parts = list(chunks(np.arange(len(self))))
        for part, made in zip(parts, prefetched(map(make, parts), AHEAD), strict=True):
            found[part[0] : part[-1] + 1] = made
        return found

    def _read(self, index: NDArray[np.intp]) -> Tensor:
        """(b, ...) rows of the source, on the device."""
        if self._raw is not None:
            return self._raw[torch.from_numpy(index).to(self.device)]
        rows, back = np.unique(self.rows[index], return_inverse=True)  # HDF5 needs rows in ascending order, each once
        return torch.from_numpy(np.asarray(self.source[rows][back])).to(self.device)

    def _make(self, index: NDArray[np.intp]) -> Tensor:
        raw = self._read(index)
        made = raw.float() if self._prepare is None else self._prepare(raw)
        return made.to(memory_format=torch.channels_last if self._fastest(made) else torch.preserve_format)

    def _fastest(self, made: Tensor) -> bool:
        """Whether channels-last is the layout in which convolutions are fastest."""
        return self.device.type == "cuda" and made.ndim == 4 and made.is_floating_point()


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

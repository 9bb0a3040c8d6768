"""How the activations of a network fit into memory: in passes over the images, each for a range of units.

Until the products of a layer are taken, its activations are held on a GPU; those of a CPU pass through a file.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ventral.gram.matrix import WIDTH, Held, Spool
from ventral.networks.prefetch import prefetched

MOST_PASSES = 8  # where a GPU would need more, activations pass through a file

Blocks = Iterator[NDArray[np.floating] | Tensor]


@dataclass(frozen=True)
class Limits:
    """What a run may take.

    Attributes:
        batch: images in a forward pass.
        held: bytes of activations that the device holds at a time; 0 if they pass through a file.
        block: bytes of a block of units that the device holds.
        spooled: bytes of a block of units that passes through a file.
    """

    batch: int
    held: int
    block: int
    spooled: int


def passes(units: Mapping[str, int], n_images: int, limits: Limits) -> Iterator[dict[str, slice]]:
    """Cut the units of all layers, side by side, into passes over the images, by what the device holds at a time.

    Cuts within a layer are at multiples of `WIDTH` where they can be, so that blocks are the same whatever the memory.

    Yields:
        The layers of a pass, and which of the units of each.
    """
    width = max(1, limits.held // (4 * n_images)) if limits.held else sum(units.values())
    step, room = min(WIDTH, width), width
    found: dict[str, slice] = {}
    for name, p in units.items():
        for left in range(0, p, step):
            right = min(left + step, p)
            if found and right - left > room:
                yield found
                found, room = {}, width
            found[name] = slice(found[name].start if name in found else left, right)
            room -= right - left
    yield found


def smaller(limits: Limits, units: Mapping[str, int], n_images: int, name: str) -> Limits | None:
    """Limits for layers that took too much memory: half the batch, then half of what is held; stderr says so.

    Returns:
        None if there is nothing to halve.
    """
    if limits.batch > 1:
        print(f"{name}: out of memory, now batches of {limits.batch // 2} images", file=sys.stderr)
        return replace(limits, batch=limits.batch // 2)
    if limits.held == 0:
        return None
    fewer = replace(limits, held=min(limits.held, 4 * n_images * sum(units.values())) // 2)
    n_passes = len(list(passes(units, n_images, fewer)))
    if n_passes > MOST_PASSES:
        print(f"{name}: out of memory, now activations pass through a file", file=sys.stderr)
        return replace(limits, held=0)
    print(f"{name}: out of memory, now {n_passes} passes over the images, each for some layers", file=sys.stderr)
    return fewer


def store(stores: Mapping[str, Held | Spool], ranges: Mapping[str, slice], start: int, name: str, rows: Tensor) -> None:
    """Copy a range of the (b, n_units) activations of a layer to its store."""
    place, part = stores[name], rows[:, ranges[name]]
    if isinstance(place, Spool):
        place.write(start, part.float().cpu().numpy())
    else:
        place.write(start, part)


def on_device(blocks: Blocks, device: torch.device) -> Blocks:
    """Yield the blocks on the device; the next one is read meanwhile."""
    for block in prefetched(blocks):
        yield torch.from_numpy(block).to(device) if device.type == "cuda" and isinstance(block, np.ndarray) else block


def copied(blocks: Blocks, to: Any) -> Blocks:
    """Yield the blocks, and write each to its columns of an (n, p) array."""
    left = 0
    for block in blocks:
        right = left + block.shape[1]
        to[:, left:right] = block if isinstance(block, np.ndarray) else block.cpu().numpy()
        left = right
        yield block

"""One forward pass over the images, every layer recorded, one Gram matrix a layer left behind."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ventral.console import progress
from ventral.errors import InputError
from ventral.gram import Gram, Spool, gram_of_blocks
from ventral.networks.zoo import Network

BATCH = 32  # images a forward pass; results do not depend on it beyond float32 rounding
SHARE = 16  # of the memory budget, what one block of units takes: products, sums and copies need the like each


class Images(Protocol):
    """(n, H, W, 3) uint8 images, in memory or in a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice) -> NDArray[np.uint8]: ...


def choose_device(wanted: str) -> torch.device:
    """The device of a network: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        InputError: if a GPU is asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("config", "device", "no GPU that torch can use", "set it to auto, or install a CUDA torch")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(images: NDArray[np.uint8], network: Network) -> Tensor:
    """(b, H, W, 3) uint8 images -> (b, 3, size, size) float32, resized with antialiasing and normalised."""
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    size = network.image_size
    if size is not None and batch.shape[2:] != (size, size):
        batch = functional.interpolate(batch, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return (batch - torch.tensor(network.mean)[:, None, None]) / torch.tensor(network.std)[:, None, None]


@contextmanager
def hooked(model: nn.Module, layers: Sequence[str], receive: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `receive(layer, output)` as soon as each layer has run, before a later one changes its output in place."""
    modules = dict(model.named_modules())
    handles = [
        modules[layer].register_forward_hook(lambda _module, _inputs, output, layer=layer: receive(layer, output))
        for layer in layers
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def activations(network: Network, images: NDArray[np.uint8], device: torch.device) -> dict[str, NDArray[np.float32]]:
    """(b, n_units) activations of every layer of the network for a batch of images.

    Raises:
        InputError: if a layer gives no tensor, or runs more or less than once for an image.
    """
    rows: dict[str, NDArray[np.float32]] = {}

    def receive(layer: str, output: Tensor) -> None:
        if layer in rows or not isinstance(output, Tensor):
            why = "runs more than once an image" if layer in rows else "gives no single tensor"
            raise InputError("config", f"networks.{network.name}.layers", f"{layer} {why}", "choose another layer")
        # A copy: an in-place step after the layer must not reach what was recorded.
        rows[layer] = output.detach().flatten(1).to("cpu", torch.float32, copy=True).numpy()

    with torch.inference_mode(), hooked(network.model, network.layers, receive):
        network.model(prepare(images, network).to(device))
    for layer in network.layers:
        if layer not in rows:
            raise InputError(
                "config", f"networks.{network.name}.layers", f"{layer} does not run for an image", "choose another"
            )
    return rows


def extract_grams(
    network: Network, images: Images, *, memory_mb: int, scratch: str | Path | None, device: torch.device
) -> Iterator[tuple[str, Gram]]:
    """Run the network once over the images; yield the layers' Gram matrices, one at a time, early to late.

    Args:
        network: from `build_network`.
        images: (n, H, W, 3) uint8.
        memory_mb: budget; blocks of units are sized by it.
        scratch: folder for the activations on their way, 4 n p bytes in all; None for the system's.
        device: where the network runs.

    Raises:
        InputError: on a layer that cannot be recorded or is not finite, or when `scratch` is full.
    """
    n = len(images)
    network.model.to(device)
    units = {layer: rows.shape[1] for layer, rows in activations(network, images[:1], device).items()}
    block_bytes = memory_mb * 2**20 // SHARE
    with ExitStack() as stack:
        spools = {p: stack.enter_context(Spool(n, units[p], block_bytes, scratch)) for p in network.layers}
        try:
            for start in progress(range(0, n, BATCH), f"{network.name}: batches of {BATCH} images"):
                for layer, rows in activations(network, images[start : start + BATCH], device).items():
                    spools[layer].write(start, rows)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            gigabytes = 4 * n * sum(units.values()) / 1e9
            raise InputError(
                scratch or "temporary folder",
                network.name,
                f"disk full, {gigabytes:.1f} GB needed for a while",
                "set TMPDIR to a larger disk, or name fewer layers",
            ) from None
        for layer in progress(network.layers, f"{network.name}: Gram matrices"):
            gram = gram_of_blocks(spools[layer].blocks(), n, units[layer])
            if not np.isfinite(gram.inner).all():
                raise InputError("config", f"networks.{network.name}", f"{layer} is not finite", "check its weights")
            yield layer, gram

"""One forward pass over the images records every layer and leaves one Gram matrix for each."""

import errno
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ventral.files.console import progress
from ventral.files.errors import InputError, listed
from ventral.gram.matrix import Gram, Held, Spool, gram_of_blocks
from ventral.networks.layers import OUTPUT, running
from ventral.networks.prefetch import prefetched
from ventral.networks.recording import Records, find_records, matches, module_of, record
from ventral.networks.steady import check_anew, check_steady
from ventral.networks.zoo import Network

BATCH = {"cpu": 32, "cuda": 128}  # most images in a forward pass; it changes results by float32 rounding only
SHARE = 16  # one block of units takes this fraction of the memory budget; products, sums and copies take as much each

Blocks = Iterator[NDArray[np.floating] | Tensor]


class Images(Protocol):
    """(n, H, W, 3) uint8 images, in memory or in a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice) -> NDArray[np.uint8]: ...


def choose_device(wanted: str) -> torch.device:
    """The device of a network: "cpu", "cuda", or "auto" for a GPU if there is one.

    Raises:
        InputError: if a GPU is asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("config", "device", "no GPU that torch can use", "set it to auto, or install a CUDA torch")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def free_memory(device: torch.device) -> int:
    """Bytes that activations may take on a GPU; 0 on a CPU, where the memory budget decides."""
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 0


def prepare(images: Tensor, network: Network) -> Tensor:
    """(b, H, W, 3) uint8 images -> (b, 3, size, size) float32, resized with antialiasing and normalised."""
    batch = images.permute(0, 3, 1, 2).float().div_(255)
    size = network.image_size
    if size is not None and batch.shape[2:] != (size, size):
        batch = functional.interpolate(
            batch, (size, size), mode=network.interpolation, antialias=True, align_corners=False
        )
    mean, std = (torch.tensor(values, device=batch.device)[:, None, None] for values in (network.mean, network.std))
    return (batch - mean) / std


def batches(images: Images, network: Network, size: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
    """Yield the first index and the prepared images of every batch, on the device; the next is read meanwhile.

    For a CPU, the thread that reads prepares them; a GPU gets the bytes and prepares them itself.
    """
    on_cpu = device.type == "cpu"

    def load() -> Iterator[tuple[int, Tensor]]:
        for start in range(0, len(images), size):
            read = torch.from_numpy(images[start : start + size])
            yield start, prepare(read, network) if on_cpu else read.pin_memory()

    for start, batch in prefetched(load()):
        yield start, batch if on_cpu else prepare(batch.to(device, non_blocking=True), network)


@contextmanager
def inferring(device: torch.device, precision: str) -> Iterator[None]:
    """Run networks without gradients, in float32 (TF32 off on a GPU) or, if asked for, in bfloat16 by autocast."""
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


def find_layers(network: Network, first: NDArray[np.uint8], device: torch.device) -> Records:
    """Run the network on a batch of its first image (1, H, W, 3) twice, to find the outputs of its layers.

    Raises:
        InputError: naming a layer without an output that can be recorded.
    """
    twice = prepare(torch.from_numpy(first).to(device).repeat(2, 1, 1, 1), network)
    model, field = network.model, f"networks.{network.name}"
    with running(f"{field}.architecture", twice):
        records = find_records(model, network.layers, twice)
    for layer in network.layers:
        if any(matches(layer, name) for name in records.shapes):
            continue
        module = module_of(model, layer)
        others = find_records(model, [module or OUTPUT], twice).shapes if module is not None else {}
        why = "gives no tensor with a row for every image"
        if others:
            why = f"is not there: {module or OUTPUT} gives {listed(others)}"
        elif module is None or not records.runs.get(module):
            why = "does not run for an image"
        raise InputError("config", f"{field}.layers", f"{layer} {why}", "choose another layer")
    return records


def try_network(network: Network, images: Images, device: torch.device, precision: str = "float32") -> Records:
    """Find the outputs of a network's layers, and check that they depend on nothing but the image.

    Args:
        network: its model on the device.
        images: (n, H, W, 3) uint8, of which the first, middle and last are run.
        device: where it runs.
        precision: of the network.

    Raises:
        InputError: as `find_layers`, `check_steady` and `check_anew`.
    """
    few = [torch.from_numpy(images[i : i + 1]).to(device) for i in (0, len(images) // 2, len(images) - 1)]
    again = None if network.anew is None else network.anew().to(device)
    with inferring(device, precision):
        records, batch = find_layers(network, images[:1], device), prepare(torch.cat(few), network)
        check_steady(network, records, batch, precision)
        if again is not None:
            check_anew(network, records, batch, again, precision)
    return records


def choose_kept(keep: Sequence[str], records: Records, field: str) -> set[str]:
    """The records whose activations are written, from names and patterns.

    Raises:
        InputError: if a name or pattern matches no record.
    """
    kept = {wanted: [name for name in records.shapes if matches(wanted, name)] for wanted in keep}
    for wanted, names in kept.items():
        if not names:
            problem = f"no layer {wanted!r} is extracted"
            raise InputError("config", field, problem, f"name some of {listed(records.shapes)}, or add it to layers")
    return {name for names in kept.values() for name in names}


def extract_grams(
    network: Network,
    images: Images,
    *,
    memory_mb: int,
    scratch: str | Path | None,
    device: torch.device,
    precision: str = "float32",
    channels_last: bool = False,
    keep: Sequence[str] = (),
    kept_in: Callable[[str, tuple[int, ...]], Any] | None = None,
) -> Iterator[tuple[str, Gram]]:
    """Run the network once over the images; yield the Gram matrices of its layers one by one, early to late.

    Args:
        network: from `build_network`.
        images: (n, H, W, 3) uint8.
        memory_mb: memory budget, by which blocks of units and batches are sized.
        scratch: folder for the activations before their products are taken, 4 n p bytes in all; None for the system's
            temporary folder. A GPU holds as many of them as fit.
        device: where the network runs. If it is a GPU, the products are taken there too.
        precision: of the network, "float32" or "bfloat16"; products are at least float32.
        channels_last: whether the network runs with channels as the last axis in memory.
        keep: names or patterns of layers whose activations are kept.
        kept_in: called with the name and shape of a kept layer, returns the (n, p) array to write them to.

    Raises:
        InputError: on a layer that cannot be recorded or is not finite, or when `scratch` is full.
    """
    n, field = len(images), f"networks.{network.name}"
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network.model.to(device, memory_format=layout)  # type: ignore[call-overload]
    records = try_network(network, images, device, precision)
    kept = choose_kept(keep, records, f"{field}.keep")
    units = {name: math.prod(shape) for name, shape in records.shapes.items()}
    with ExitStack() as stack:
        stores, size = open_stores(units, n, memory_mb, scratch, device, stack)
        loaded = batches(images, network, size, device)
        for start, batch in progress(loaded, f"{network.name}: batches of {size} images", -(-n // size)):
            receive = partial(store, stores, start)
            try:
                with inferring(device, precision), running(f"{field}.architecture", batch):
                    whole = record(network.model, records, batch.contiguous(memory_format=layout), receive)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                problem = f"disk full, {4 * n * sum(units.values()) / 1e9:.1f} GB needed for a while"
                remedy = "set TMPDIR to a larger disk, or name fewer layers"
                raise InputError(scratch or "temporary folder", network.name, problem, remedy) from None
            if not whole:
                problem = "a layer does not run the same number of times for all images"
                raise InputError("config", f"{field}.layers", problem, "choose other layers")
        for name in progress(list(units), f"{network.name}: Gram matrices"):
            blocks = on_device(stores.pop(name).blocks(), device)
            if name in kept and kept_in is not None:
                blocks = copied(blocks, kept_in(name, records.shapes[name]))
            gram = gram_of_blocks(blocks, n, units[name])
            if not np.isfinite(gram.inner).all():
                raise InputError("config", field, f"{name} is not finite", "check its weights")
            yield name, gram


def open_stores(
    units: Mapping[str, int],
    n_images: int,
    memory_mb: int,
    scratch: str | Path | None,
    device: torch.device,
    stack: ExitStack,
) -> tuple[dict[str, Held | Spool], int]:
    """Storage for the activations of every layer, on a GPU as far as they fit; and the number of images in a batch."""
    free, budget = free_memory(device), memory_mb * 2**20 // SHARE
    block_bytes = free // SHARE or budget
    stores: dict[str, Held | Spool] = {}
    for name, p in units.items():
        if 4 * n_images * p <= free:
            free -= 4 * n_images * p
            stores[name] = Held(n_images, p, block_bytes, device)
        else:
            stores[name] = stack.enter_context(Spool(n_images, p, budget, scratch))
    return stores, max(1, min(BATCH[device.type], block_bytes // (4 * max(units.values()))))


def store(stores: Mapping[str, Held | Spool], start: int, name: str, rows: Tensor) -> None:
    """Copy the (b, n_units) activations of a layer to its store."""
    place = stores[name]
    if isinstance(place, Spool):
        place.write(start, rows.float().cpu().numpy())
    else:
        place.write(start, rows)


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

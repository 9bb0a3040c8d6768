"""A network runs over the images, once or in a few passes, and leaves one Gram matrix for each of its layers."""

import errno
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
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
from ventral.networks.passes import MOST_PASSES, Blocks, Limits, copied, on_device, passes, smaller, store
from ventral.networks.precision import computing, device_name, prepare_cublas, products
from ventral.networks.prefetch import prefetched
from ventral.networks.recording import Records, find_records, matches, module_of, record
from ventral.networks.steady import check_anew, check_steady
from ventral.networks.zoo import Network

BATCH = {"cpu": 32, "cuda": 128}  # most images in a forward pass; it changes results by float32 rounding only
CACHED = 200_000  # pixels of a batch on a CPU: the outputs of a layer then stay in its cache, which halves the time
SHARE = 16  # one block of units takes this fraction of the memory budget; products, sums and copies take as much each


class Images(Protocol):
    """(n, H, W, 3) uint8 images, in memory or in a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice) -> NDArray[np.uint8]: ...


def choose_device(wanted: str) -> torch.device:
    """The device of a network: "cpu", "cuda", or "auto" for a GPU if there is one; if there is none, stderr says so.

    Raises:
        InputError: if a GPU is asked for and there is none.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        prepare_cublas()
        return torch.device("cuda")
    if wanted == "cuda":
        raise InputError("config", "device", "no GPU that torch can use", "set it to auto, or install a CUDA torch")
    print("device: auto: no GPU that torch can use, so the network runs on the CPU", file=sys.stderr)
    return torch.device("cpu")


def free_memory(device: torch.device) -> int:
    """Bytes that activations may take on a GPU; 0 on a CPU, where the memory budget decides."""
    if device.type != "cuda":
        return 0
    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info(device)[0] // 2


def prepare(images: Tensor, network: Network) -> Tensor:
    """(b, H, W, 3) uint8 images -> (b, 3, size, size) float32, resized with antialiasing, normalised and laid out."""
    batch = images.permute(0, 3, 1, 2).float().div_(255)
    size = network.image_size
    if size is not None and batch.shape[2:] != (size, size):
        batch = functional.interpolate(
            batch, (size, size), mode=network.interpolation, antialias=True, align_corners=False
        )
    mean, std = (torch.tensor(values, device=batch.device)[:, None, None] for values in (network.mean, network.std))
    return ((batch - mean) / std).to(memory_format=network.layout or torch.preserve_format)


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
    """Run networks in a precision, without gradients.

    Raises:
        InputError: as `computing`.
    """
    with torch.inference_mode(), computing(device, precision):
        yield


def lay_out(network: Network, first: NDArray[np.uint8], device: torch.device, channels_last: bool | None) -> Network:
    """Move a network to a device, in the layout in which it runs there.

    Args:
        network: from `build_network`.
        first: (1, H, W, 3) an image.
        device: where it will run.
        channels_last: whether channels are the last axis in memory; None: on a CPU, unless the network's code asks for
            the other layout, as `features.view(len(features), -1)` does.
    """

    def to(layout: torch.memory_format) -> Network:
        network.model.to(device, memory_format=layout)  # type: ignore[call-overload]
        return replace(network, layout=layout)

    if channels_last is None and device.type == "cpu":
        with suppress(Exception), torch.inference_mode():
            turned = to(torch.channels_last)
            # Recorded as later passes are: a compiled network calls the hooks of its first run alone.
            find_records(turned.model, turned.layers, prepare(torch.from_numpy(first).repeat(2, 1, 1, 1), turned))
            return turned
    return to(torch.channels_last if channels_last else torch.contiguous_format)


def batch_size(network: Network, first: NDArray[np.uint8], device: torch.device) -> int:
    """Images in a forward pass over images as large as the `first`, (1, H, W, 3), where memory allows."""
    pixels = network.image_size**2 if network.image_size else first[0, :, :, 0].size
    most = BATCH[device.type]
    return min(most, max(8, CACHED // pixels)) if device.type == "cpu" else most


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


@dataclass(frozen=True)
class Run:
    """A network, the images that it runs over, and how.

    Attributes:
        network: its model on the device.
        images: (n, H, W, 3) uint8.
        records: the layers that are recorded.
        device: where it runs.
        precision: of the network.
        scratch: folder for temporary files; None for the system's.
    """

    network: Network
    images: Images
    records: Records
    device: torch.device
    precision: str
    scratch: str | Path | None

    @property
    def units(self) -> dict[str, int]:
        """The number of units of every layer."""
        return {name: math.prod(shape) for name, shape in self.records.shapes.items()}

    def of(self, layers: Sequence[str]) -> "Run":
        """The same, of which only some layers are recorded."""
        return replace(self, records=replace(self.records, shapes={name: self.records.shapes[name] for name in layers}))


def extract_grams(
    network: Network,
    images: Images,
    *,
    memory_mb: int,
    scratch: str | Path | None,
    device: torch.device,
    precision: str = "float32",
    channels_last: bool | None = None,
    keep: Sequence[str] = (),
    kept_in: Callable[[str, tuple[int, ...]], Any] | None = None,
) -> Iterator[tuple[str, Gram]]:
    """Run the network over the images; yield the Gram matrices of its layers one by one, early to late.

    On a CPU, it runs once, and activations pass through a file. A GPU holds them; where they do not fit, the network
    runs in several passes, each over a range of layers. If a GPU runs out of memory, batches are halved, and then what
    it holds; stderr says so.

    Args:
        network: from `build_network`.
        images: (n, H, W, 3) uint8.
        memory_mb: memory budget, by which blocks of units and batches are sized.
        scratch: folder for the activations before their products are taken, 4 n p bytes in all; None for the system's
            temporary folder.
        device: where the network runs. If it is a GPU, the products are taken there too.
        precision: of the network, "float32", "tf32" or "bfloat16"; products are at least float32.
        channels_last: as for `lay_out`.
        keep: names or patterns of layers whose activations are kept.
        kept_in: called with the name and shape of a kept layer, returns the (n, p) array to write them to.

    Raises:
        InputError: on a layer that cannot be recorded or is not finite, when `scratch` is full, or when a GPU has too
            little memory for one image at a time.
    """
    try:
        network = lay_out(network, images[:1], device, channels_last)
        records = try_network(network, images, device, precision)
    except torch.OutOfMemoryError:
        raise out_of_memory(network.name, device) from None
    kept = choose_kept(keep, records, f"networks.{network.name}.keep")
    if network.layout == torch.channels_last:  # products do not depend on the order of units: it spares a copy
        turned = frozenset(name for name, shape in records.shapes.items() if len(shape) == 3 and name not in kept)
        records = replace(records, channels_last=turned)
    run = Run(network, images, records, device, precision, scratch)

    @cache  # where memory runs out, a layer is begun again
    def array_of(name: str) -> Any:
        return kept_in(name, records.shapes[name]) if name in kept and kept_in is not None else None

    left = list(run.units)
    limits: Limits | None = choose_limits(run, memory_mb)
    while left:
        if limits is None:
            raise out_of_memory(network.name, device)
        try:
            for name, gram in grams_within(run.of(left), limits, array_of):
                left.remove(name)
                yield name, gram
        except torch.OutOfMemoryError:
            pass  # what was held is freed with the exception
        if left:
            limits = smaller(limits, run.of(left).units, len(images), network.name)


def choose_limits(run: Run, memory_mb: int) -> Limits:
    """What a run may take of the memory of its device, and of the memory budget."""
    n, free = len(run.images), free_memory(run.device)
    block = free // SHARE or memory_mb * 2**20 // SHARE
    batch = batch_size(run.network, run.images[:1], run.device)
    batch = max(1, min(batch, block // (4 * max(run.units.values()))))
    all_of_it, held = 4 * n * sum(run.units.values()), max(free - 8 * n**2, 0)  # sums of products take 8 n^2
    held = min(held, all_of_it) if all_of_it <= MOST_PASSES * held else 0
    return Limits(batch, held, block, memory_mb * 2**20 // SHARE)


def out_of_memory(name: str, device: torch.device) -> InputError:
    """What to say of a network that a device has too little memory for."""
    problem = f"out of memory on {device_name(device)} with one image at a time"
    remedy = "set a smaller image_size, end what else uses its memory, or set device: cpu"
    return InputError("config", f"networks.{name}", problem, remedy)


def grams_within(run: Run, limits: Limits, array_of: Callable[[str], Any]) -> Iterator[tuple[str, Gram]]:
    """Yield the name and Gram matrix of every layer, early to late.

    Args:
        run: the network and its images.
        limits: what it may take.
        array_of: gives the (n, p) array to which the activations of a layer are written, or None.

    Raises:
        InputError: if a layer is not finite, or as `fill`.
        torch.OutOfMemoryError: if the limits are too large.
    """
    for name, blocks in activations_of(run, limits):
        array = array_of(name)
        with products(run.device):
            chosen = blocks if array is None else copied(blocks, array)
            gram = gram_of_blocks(chosen, len(run.images), run.units[name])
        if not np.isfinite(gram.inner).all():
            raise InputError("config", f"networks.{run.network.name}", f"{name} is not finite", "check its weights")
        yield name, gram


def activations_of(run: Run, limits: Limits) -> Iterator[tuple[str, Blocks]]:
    """Yield every layer and its activations, block of units after block; a layer has to be read before the next."""
    n, units = len(run.images), run.units
    ahead = passes(units, n, limits)
    with ExitStack() as stack:
        stores: dict[str, Held | Spool] = {}

        def record_next() -> None:
            ranges = next(ahead)
            for name, part in ranges.items():
                p = part.stop - part.start
                if limits.held:
                    stores[name] = Held(n, p, limits.block, run.device)
                else:
                    stores[name] = stack.enter_context(Spool(n, p, limits.spooled, run.scratch))
            fill(run.of(list(ranges)), stores, ranges, limits.batch)

        def blocks(name: str) -> Blocks:
            done = 0
            while done < units[name]:
                if name not in stores:
                    record_next()
                for block in on_device(stores.pop(name).blocks(), run.device):
                    done += block.shape[1]
                    yield block

        record_next()
        for name in progress(list(units), f"{run.network.name}: Gram matrices"):
            yield name, blocks(name)


def fill(run: Run, stores: Mapping[str, Held | Spool], ranges: Mapping[str, slice], size: int) -> None:
    """Run the network over all images, in batches of a size, and store a range of the units of each of its layers.

    Raises:
        InputError: if a layer does not run as often for all images, or the disk is full.
    """
    network, n, field = run.network, len(run.images), f"networks.{run.network.name}"
    loaded = batches(run.images, network, size, run.device)
    for start, batch in progress(loaded, f"{network.name}: batches of {size} images", -(-n // size)):
        receive = partial(store, stores, ranges, start)
        try:
            with inferring(run.device, run.precision), running(f"{field}.architecture", batch):
                whole = record(network.model, run.records, batch, receive)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            problem = f"disk full, {4 * n * sum(run.units.values()) / 1e9:.1f} GB needed for a while"
            remedy = "set TMPDIR to a larger disk, or name fewer layers"
            raise InputError(run.scratch or "temporary folder", network.name, problem, remedy) from None
        if not whole:
            problem = "a layer does not run the same number of times for all images"
            raise InputError("config", f"{field}.layers", problem, "choose other layers")

"""The outputs of the layers of any network, recorded by hooks. A record has the full name of a layer."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from ventral.networks.layers import OUTPUT, match, modules_of, parse_name, real_tensors, rows_of


@dataclass(frozen=True)
class Records:
    """Which records a network gives.

    Attributes:
        shapes: shape of every record without the axis of images, in order of the layers asked for.
        runs: how often each module runs for an image.
        channels_last: records of (C, H, W) whose units are handed over in the order (H, W, C).
    """

    shapes: dict[str, tuple[int, ...]]
    runs: dict[str, int]
    channels_last: frozenset[str] = frozenset()


def module_of(model: nn.Module, layer: str) -> str | None:
    """The name of a layer's module; "" for the whole network, None if there is no such module."""
    modules = modules_of(model, remove_duplicate=False)
    for name in (layer, parse_name(layer).module):
        if name and name in modules:
            return name
        if name == OUTPUT:
            return ""
    return None


def matches(layer: str, record: str) -> bool:
    """Whether a record belongs to a layer, which is the name of the record or its module, or a pattern for either."""
    full = parse_name(record)
    return layer in (record, str(full._replace(item=None)), full.module) or bool(match(layer, [full.module, record]))


@contextmanager
def hooked(model: nn.Module, modules: Sequence[str], receive: Callable[[str, object], None]) -> Iterator[None]:
    """Call `receive(module, output)` as soon as each module has run, before a later one changes its output in place."""
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _module, _inputs, out, name=name: receive(name, out))
        for name in modules
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def find_records(model: nn.Module, layers: Sequence[str], example: Tensor) -> Records:
    """Run the network once to find the outputs of the layers, and how often their modules run.

    Args:
        model: in evaluation mode; the caller turns gradients off.
        layers: names of modules, which stand for all of their records, or of single records.
        example: (b, 3, H, W) two images or more. A record has one row for each; other outputs are ignored.
    """
    modules = {layer: name for layer in layers if (name := module_of(model, layer)) is not None}
    runs: Counter[str] = Counter()
    found: dict[str, list[tuple[int, str, tuple[int, ...]]]] = {}

    def note(module: str, output: object) -> None:
        for end, tensor in rows_of(output, len(example)).items():
            found.setdefault(module, []).append((runs[module], end, tuple(tensor.shape[1:])))
        runs[module] += 1

    with hooked(model, sorted(set(modules.values())), note):
        model(example)
    shapes = {}
    for layer, module in modules.items():
        for run, end, shape in found.get(module, []):
            name = (module or OUTPUT) + (f"-t{run}" if runs[module] > 1 else "") + end
            if matches(layer, name):
                shapes[name] = shape
    return Records(shapes, dict(runs))


def record(model: nn.Module, records: Records, images: Tensor, receive: Callable[[str, Tensor], None]) -> bool:
    """Run the network once and hand over every record as soon as it is made.

    Args:
        model: in evaluation mode; the caller turns gradients off.
        records: from `find_records`.
        images: (b, 3, H, W).
        receive: called with the name of a record and its (b, n_units) tensor, to be copied at once.

    Returns:
        Whether every module ran as often as for the example.
    """
    runs: Counter[str] = Counter()

    def hand_over(module: str, output: object) -> None:
        time = f"-t{runs[module]}" if records.runs[module] > 1 else ""
        runs[module] += 1
        for end, tensor in real_tensors(output).items():
            name = (module or OUTPUT) + time + end
            if name in records.shapes:
                turned = tensor.permute(0, 2, 3, 1) if name in records.channels_last else tensor
                receive(name, turned.reshape(len(images), -1))

    with hooked(model, list(records.runs), hand_over):
        model(images)
    return dict(runs) == records.runs

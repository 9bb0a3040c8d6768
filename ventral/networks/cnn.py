"""Small convolutional networks, trained from scratch on the neurons (reports 000, 001 and 003)."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from ventral.networks.weights import seeded

CHANNELS = (16, 32, 64, 128)  # of blocks 1, 2, ...: doubled whenever the map is halved, as is usual
KERNEL = 5


def build_cnn(
    n_layers: int = 3,
    *,
    channels: Sequence[int] | None = None,
    kernel: int = KERNEL,
    batch_norm: bool = False,
    seed: int,
) -> nn.Sequential:
    """Blocks `block1` ... `blockN` of convolution, ReLU and 2 x 2 max pooling: maps of sides H / 2^N, W / 2^N.

    The reports trained 2 and 3 blocks, without saying how many channels or which kernels; ours are a choice. A head
    reads the rates from the layer `output`.

    Args:
        n_layers: number of blocks N.
        channels: of each block; None for the first of `CHANNELS`.
        kernel: side of the square kernels in pixels, odd.
        batch_norm: normalise between convolution and ReLU.
        seed: of the weights.

    Raises:
        ValueError: if there are not as many channels as layers.
    """
    sizes = CHANNELS[:n_layers] if channels is None else tuple(channels)
    if len(sizes) != n_layers or not n_layers:
        raise ValueError(f"{len(sizes)} channel counts for {n_layers} layers")
    blocks: OrderedDict[str, nn.Module] = OrderedDict()
    with seeded(seed):
        for i, (before, after) in enumerate(zip((3, *sizes), sizes, strict=False)):
            block: OrderedDict[str, nn.Module] = OrderedDict()
            block["conv"] = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=not batch_norm)
            if batch_norm:
                block["norm"] = nn.BatchNorm2d(after)
            block["relu"] = nn.ReLU()
            block["pool"] = nn.MaxPool2d(2)
            blocks[f"block{i + 1}"] = nn.Sequential(block)
        return nn.Sequential(blocks)

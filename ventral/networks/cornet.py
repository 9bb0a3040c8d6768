"""CORnet-Z and CORnet-S: one module for each area of the ventral stream; CORnet-S is recurrent within areas.

Kubilius, Schrimpf, Nayebi, Bear, Yamins & DiCarlo 2018, bioRxiv 408385 (both); Kubilius et al. 2019, NeurIPS, Fig. 1
and Table 1 (CORnet-S). Modules have the names of the publishers' state dicts. Each area ends in `output`, which runs
once in every time step, so that the layer `V4.output` is V4 at every step.
"""

from torch import Tensor, nn


class Decoder(nn.Module):
    """Mean over space, then 1,000 classes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(channels, 1000)
        self.output = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, H, W) -> (b, 1000)."""
        return self.output(self.linear(self.flatten(self.avgpool(x))))


class AreaZ(nn.Module):
    """An area of CORnet-Z: convolution, ReLU, 3 x 3 max pooling with stride 2."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2)
        self.nonlin = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.output = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, H, W) -> (b, channels, H / 2 stride, W / 2 stride)."""
        return self.output(self.pool(self.nonlin(self.conv(x))))


class EntranceS(nn.Module):
    """V1 of CORnet-S, which is not recurrent: two convolutions, to a quarter of the side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.nonlin1 = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.nonlin2 = nn.ReLU(inplace=True)
        self.output = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, H, W) -> (b, channels, H / 4, W / 4)."""
        x = self.pool(self.nonlin1(self.norm1(self.conv1(x))))
        return self.output(self.nonlin2(self.norm2(self.conv2(x))))


class AreaS(nn.Module):
    """A recurrent area of CORnet-S: a bottleneck applied to its own output, its convolutions shared over time steps.

    Batch normalisation is not shared: each step has its own statistics. The first step halves the side, in the 3 x 3
    convolution and in the skip connection; later steps keep it, and their skip connection is the identity.
    """

    SCALE = 4  # ratio of the channels inside the bottleneck to those outside

    def __init__(self, channels_in: int, channels: int, times: int) -> None:
        super().__init__()
        self.times = times
        inner = channels * self.SCALE
        self.conv_input = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.skip = nn.Conv2d(channels, channels, 1, stride=2, bias=False)
        self.norm_skip = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.nonlin1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=2, padding=1, bias=False)
        self.nonlin2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(inner, channels, 1, bias=False)
        self.nonlin3 = nn.ReLU(inplace=True)
        self.output = nn.Identity()
        for t in range(times):
            for name, width in (("norm1", inner), ("norm2", inner), ("norm3", channels)):
                self.add_module(f"{name}_{t}", nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, H, W) -> (b, channels, H / 2, W / 2), after the last time step."""
        x = self.conv_input(x)
        for t in range(self.times):
            skipped = self.norm_skip(self.skip(x)) if t == 0 else x
            self.conv2.stride = (2, 2) if t == 0 else (1, 1)
            x = self.nonlin1(self.get_submodule(f"norm1_{t}")(self.conv1(x)))
            x = self.nonlin2(self.get_submodule(f"norm2_{t}")(self.conv2(x)))
            x = self.get_submodule(f"norm3_{t}")(self.conv3(x)) + skipped
            x = self.output(self.nonlin3(x))
        return x


class CORnet(nn.Module):
    """Four areas and a decoder, one after the other."""

    def __init__(self, v1: nn.Module, v2: nn.Module, v4: nn.Module, it: nn.Module) -> None:
        super().__init__()
        self.V1, self.V2, self.V4, self.IT = v1, v2, v4, it
        self.decoder = Decoder(512)

    def forward(self, images: Tensor) -> Tensor:
        """(b, 3, H, W) images -> (b, 1000) classes."""
        return self.decoder(self.IT(self.V4(self.V2(self.V1(images)))))


def cornet_z() -> CORnet:
    """CORnet-Z with weights drawn after Glorot & Bengio 2010."""
    model = CORnet(AreaZ(3, 64, kernel=7, stride=2), AreaZ(64, 128), AreaZ(128, 256), AreaZ(256, 512))
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def cornet_s() -> CORnet:
    """CORnet-S with the published 2, 4 and 2 time steps of V2, V4 and IT, and weights drawn after He et al. 2015."""
    model = CORnet(EntranceS(64), AreaS(64, 128, times=2), AreaS(128, 256, times=4), AreaS(256, 512, times=2))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model

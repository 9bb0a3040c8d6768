"""Swin-T and ResNet-50 up to layer2, side by side: the community's best encoder of IT (2025), trained end to end."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from ventral.networks.operators import name_missing_operators
from ventral.networks.weights import load_state, seeded

RESNET = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2")


class Hybrid(nn.Module):
    """Global averages of both branches side by side: (b, 3, H, W) -> (b, 768 + 512).

    The parts to train are named `swin`, `resnet`, or by modules within them, such as `swin.features.7`.
    """

    def __init__(self, swin: nn.Module, resnet: nn.Module) -> None:
        super().__init__()
        self.swin = swin
        self.resnet = resnet

    def forward(self, images: Tensor) -> Tensor:
        """(b, 3, H, W) -> (b, 1280)."""
        return torch.cat([self.swin(images), self.resnet(images).mean(dim=(2, 3))], dim=1)


def build_hybrid(*, swin_weights: Path | None = None, resnet_weights: Path | None = None, seed: int) -> Hybrid:
    """Make the two branches (Liu et al. 2021; He, Zhang, Ren & Sun 2016), for images with ImageNet's mean and sd.

    Args:
        swin_weights: state dict of torchvision's `swin_t`; None for random weights.
        resnet_weights: state dict of torchvision's `resnet50`; None for random weights.
        seed: of random weights.

    Raises:
        InputError: if a file cannot be read or does not fit.
    """
    name_missing_operators()
    from torchvision.models import resnet50, swin_t

    with seeded(seed):
        swin, resnet = swin_t(weights=None), resnet50(weights=None)
    for branch, weights in ((swin, swin_weights), (resnet, resnet_weights)):
        if weights is not None:
            load_state(branch, weights)
    swin.head = nn.Identity()
    return Hybrid(swin, nn.Sequential(OrderedDict((part, getattr(resnet, part)) for part in RESNET)))

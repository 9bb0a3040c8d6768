"""Augmentation of images for training on neurons: each image a little displaced, never the same twice.

Sites of V4 and IT prefer places of the visual field, mostly of the opposite hemifield, and responses were recorded with
the image at one place. So shifts must stay small beside a receptive field, and nothing is mirrored unless asked for: a
flipped image would have had another response.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Augment:
    """How far images may differ from what was shown.

    Attributes:
        shift: largest displacement in pixels of the network's input, in each direction; borders are repeated.
        contrast: contrast is multiplied by up to 1 +- this, about each channel's mean.
        flip: mirror half of the images left to right.
    """

    shift: int = 0
    contrast: float = 0.0
    flip: bool = False


NOTHING = Augment()


class Augmenter:
    """Draws for all n images in one epoch: they depend on seed, epoch and image alone, not on order or batch.

    Args:
        augment: how far.
        n_images: number of images n.
        seed: of the draws.
        epoch: of training.
    """

    def __init__(self, augment: Augment, n_images: int, seed: int, epoch: int) -> None:
        rng = np.random.default_rng((seed, epoch, 1))
        self.augment = augment
        self.shifts = rng.integers(-augment.shift, augment.shift, (n_images, 2), endpoint=True)
        self.gains = (1 + augment.contrast * rng.uniform(-1, 1, n_images)).astype(np.float32)
        self.flipped = rng.random(n_images) < 0.5

    def __call__(self, images: Tensor, index: NDArray[np.intp]) -> Tensor:
        """(b, c, H, W) prepared images, the numbers (b,) of which are `index` -> the same, changed."""
        if self.augment == NOTHING:
            return images
        device, (height, width) = images.device, images.shape[2:]
        dy, dx = torch.from_numpy(self.shifts[index]).to(device).T
        rows = (torch.arange(height, device=device) + dy[:, None]).clamp(0, height - 1)
        columns = torch.arange(width, device=device).expand(len(index), width)
        if self.augment.flip:
            columns = torch.where(torch.from_numpy(self.flipped[index]).to(device)[:, None], columns.flip(1), columns)
        columns = (columns + dx[:, None]).clamp(0, width - 1)
        each = torch.arange(len(index), device=device)
        images = images.permute(0, 2, 3, 1)[each[:, None, None], rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
        if self.augment.contrast:
            mean = images.mean(dim=(2, 3), keepdim=True)
            images = mean + (images - mean) * torch.from_numpy(self.gains[index]).to(device)[:, None, None, None]
        return images

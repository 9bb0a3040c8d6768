"""Augmentation of images for training on neurons: each image is shifted a little, by another amount in every epoch.

Sites of V4 and IT prefer places of the visual field, mostly of the opposite hemifield, and responses were recorded with
the image at one place. So shifts must stay small beside a receptive field, and images are not mirrored: the response to
a mirrored image would have been another one.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Augmenter:
    """The shifts of all n images in one epoch. They depend on seed, epoch and image alone, not on order or batch.

    Args:
        shift: largest displacement in pixels of the network's input, in each direction; borders are repeated.
        n_images: number of images n.
        seed: of the draws.
        epoch: of training.
    """

    def __init__(self, shift: int, n_images: int, seed: int, epoch: int) -> None:
        rng = np.random.default_rng((seed, epoch, 1))
        self.shift = shift
        self.shifts = rng.integers(-shift, shift, (n_images, 2), endpoint=True)

    def __call__(self, images: Tensor, index: NDArray[np.intp]) -> Tensor:
        """(b, c, H, W) prepared images, the numbers (b,) of which are `index` -> the same, shifted."""
        if not self.shift:
            return images
        device, (height, width) = images.device, images.shape[2:]
        dy, dx = torch.from_numpy(self.shifts[index]).to(device).T
        rows = (torch.arange(height, device=device) + dy[:, None]).clamp(0, height - 1)
        columns = (torch.arange(width, device=device) + dx[:, None]).clamp(0, width - 1)
        each = torch.arange(len(index), device=device)
        return images.permute(0, 2, 3, 1)[each[:, None, None], rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)

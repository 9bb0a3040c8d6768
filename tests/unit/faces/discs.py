"""A small face detection task."""

import numpy as np
from numpy.typing import NDArray


def images_of_discs(n: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(n, 16, 16, 3) grey noise, with a bright disc somewhere in half of the images; and whether there is one."""
    rng = np.random.default_rng(0)
    images, face = rng.integers(90, 150, (n, 16, 16, 3)), np.arange(n) % 2 == 0
    row, column = np.mgrid[:16, :16]
    for i in np.flatnonzero(face):
        y, x = rng.integers(4, 12, 2)
        images[i][(row - y) ** 2 + (column - x) ** 2 <= 9] = (240, 200, 60)
    return images.astype(np.uint8), face

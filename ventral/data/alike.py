"""Find images with identical pixels, and images that look nearly alike."""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ventral.files.errors import listed

BITS_APART = 8  # bits of 64 in which the hashes of nearly alike images differ at most
LEVELS_APART = 10  # root mean square difference of their thumbnails, at most, of 255 levels
NOISE = (
    2  # differences of neighbours up to so many levels do not count: compression makes as large ones on even surfaces
)
NAMED = 5  # most groups or pairs that a message lists


def first_alike(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """(n,) for each (H, W, 3) image, the index of the first one with the same pixels."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(hashlib.sha256(image.tobytes()).digest(), i) for i, image in enumerate(images)])


def nearly_alike(images: Iterable[NDArray[np.uint8]]) -> list[tuple[int, int]]:
    """Pairs of (H, W, 3) images that look nearly alike, such as copies with another size or compression.

    Two images look nearly alike if their hashes and their thumbnails are nearly the same. The hash says for each place
    in an 8 x 8 grid whether it is darker than the place to its right.
    """
    hashes, thumbnails = [], []
    for image in images:
        grey = Image.fromarray(image).convert("L")
        coarse = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int32)
        hashes.append(np.packbits(np.diff(coarse, axis=1) > NOISE).view(np.uint64)[0])
        thumbnails.append(np.asarray(grey.resize((16, 16), Image.Resampling.BOX), dtype=np.int32).ravel())
    known, small = np.array(hashes), np.array(thumbnails)
    pairs = []
    for i in range(len(known) - 1):
        close = i + 1 + np.flatnonzero(np.bitwise_count(known[i] ^ known[i + 1 :]) <= BITS_APART)
        apart = ((small[close] - small[i]) ** 2).mean(axis=1)
        pairs += [(i, int(j)) for j in close[apart <= LEVELS_APART**2]]
    return pairs


def tell_alike(images: NDArray[np.uint8], stimulus_id: Sequence[str], source: str | Path) -> NDArray[np.str_]:
    """Report on stderr which images are copies of each other, and warn of those that look nearly alike.

    Args:
        images: (n, H, W, 3).
        stimulus_id: (n,) their ids.
        source: named in the messages.

    Returns:
        (n,) group of each image: the id of the first image with the same pixels. No split may divide a group.
    """
    ids, first = np.asarray(stimulus_id, dtype=str), first_alike(images)
    several = [np.flatnonzero(first == i) for i in np.unique(first[first != np.arange(len(first))])]
    if several:
        same = listed([" = ".join(ids[group]) for group in several], NAMED)
        print(f"{source}: images with identical pixels, each copies of one picture: {same}", file=sys.stderr)
    alone = np.unique(first)
    pairs = [(ids[alone[i]], ids[alone[j]]) for i, j in nearly_alike(images[i] for i in alone)]
    if pairs:
        names = listed([f"{one} and {other}" for one, other in pairs], NAMED)
        print(f"warning: {source}: images that look nearly alike, which a split may separate: {names}", file=sys.stderr)
    return ids[first]

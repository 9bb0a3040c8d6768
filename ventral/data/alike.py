"""Images that are the same picture, pixel by pixel, and images that look nearly alike."""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ventral.files.errors import listed

BITS_APART = 8  # of 64, at most, between the hashes of pictures that look nearly alike
LEVELS_APART = 10  # of 255, at most, between their thumbnails, root mean square
NOISE = 2  # levels between neighbours that say nothing: compression does as much to an even surface
NAMED = 5  # groups or pairs that a message names


def first_alike(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """(n,) index of the first of the (H, W, 3) images that has the same pixels as each."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(hashlib.sha256(image.tobytes()).digest(), i) for i, image in enumerate(images)])


def nearly_alike(images: Iterable[NDArray[np.uint8]]) -> list[tuple[int, int]]:
    """Pairs of (H, W, 3) images that look nearly alike, as a picture and its copy of another size or compression do.

    A pair has nearly the same hash, which says of each place in an 8 x 8 grid whether it is darker than the next to its
    right, and nearly the same thumbnail.
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
    """Say on stderr which images are copies of each other, and warn of those that look nearly alike.

    Args:
        images: (n, H, W, 3).
        stimulus_id: (n,) their ids.
        source: named in what is said.

    Returns:
        (n,) id of the first image that has the same pixels as each: its group, which no split may divide.
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
        print(f"warning: {source}: images that look nearly alike, which a split may part: {names}", file=sys.stderr)
    return ids[first]

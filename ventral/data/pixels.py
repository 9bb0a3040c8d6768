"""One image file -> its pixels as image viewers show them, and fitted into a square."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ventral.files.errors import InputError, refusing

BACKGROUND = 128  # grey behind transparent pixels and around images that are not square; mid-grey on most screens
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # the formats that Pillow reads without another program
MOST_PIXELS = 80_000_000  # of one image, 240 MB when decoded; Pillow itself refuses twice as many
ORIENTATION = 0x0112  # in EXIF
BITS, POLARITY, PAGE_KIND = 258, 262, 254  # tags of TIFF
NO_PICTURE = 0b101  # kinds of pages: a thumbnail of another page, or a transparency mask


def decode_image(data: bytes, source: str | Path, name: str) -> NDArray[np.uint8]:
    """Decode one image file to (H, W, 3) uint8 RGB, upright, with black at 0 and white at 255.

    Transparent pixels show the grey background. Values of 16 bits and floating-point ones from 0 to 1 are scaled.

    Raises:
        InputError: if the bytes are not a whole image, hold several images, or have pixels without a known white.
    """
    wrong = refusing(source, name, "not a readable image", "remove it or replace it by a PNG or JPEG")
    with wrong, Image.open(io.BytesIO(data), formats=FORMATS) as image:
        pictures = _find_pictures(image)
        if len(pictures) != 1:
            problem = f"{len(pictures)} pages or frames, and a stimulus is one picture"
            raise InputError(source, name, problem, "save the one that was shown as a file of its own")
        if pictures[0]:
            image.seek(pictures[0])
        if image.width * image.height > MOST_PIXELS:
            raise InputError(source, name, f"{image.width} x {image.height} pixels", "bring it to a smaller size")
        image.load()
        deep = image.mode == "F" or image.mode.startswith("I")
        pixels = _decode_deep(image, source, name) if deep else _decode_bytes(image, data, source, name)
        return np.ascontiguousarray(turn_upright(pixels, _orientation(image)))


def _find_pictures(image: Image.Image) -> list[int]:
    """Numbers of the pages or frames that are separate pictures."""
    n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: a photograph with previews
    if image.format != "TIFF" or n_frames == 1:
        return list(range(n_frames))
    kinds = []
    for page in range(n_frames):
        image.seek(page)
        kinds.append(_tags(image).get(PAGE_KIND, 0))
    image.seek(0)
    return [page for page, kind in enumerate(kinds) if not kind & NO_PICTURE]


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF, which viewers ignore, raises any exception
        return 1


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def _decode_deep(image: Image.Image, source: str | Path, name: str) -> NDArray[np.uint8]:
    """(H, W, 3) pixels from grey values with more than 8 bits, which Pillow's `convert` would clip."""
    values, tags = np.asarray(image), _tags(image)
    shades: NDArray[np.floating]
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):
            problem = f"floating-point pixels from {low:g} to {high:g}"
            raise InputError(source, name, problem, "save it from 0 (black) to 1 (white), or with 8 bits")
        shades = values.astype(np.float32)
    elif image.mode == "I" and image.format not in ("PNG", "PPM"):  # in these formats, this mode has 16 bits
        problem = "whole numbers with 32 bits or a sign, for which white is not defined"
        raise InputError(source, name, problem, "save it with 8 bits, or with 16 without a sign")
    else:
        shades = values / np.float32(2 ** tags.get(BITS, (16,))[0] - 1)
    grey = np.rint(255 * (1 - shades if tags.get(POLARITY) == 0 else shades)).clip(0, 255).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = BACKGROUND
    return np.repeat(grey[:, :, None], 3, axis=2)


def _decode_bytes(image: Image.Image, data: bytes, source: str | Path, name: str) -> NDArray[np.uint8]:
    """(H, W, 3) pixels from values with 8 bits in a channel, or that were converted to 8 bits when read."""
    if image.mode == "LAB":
        raise InputError(source, name, "pixels in Lab colours", "save it in RGB")
    transparent = image.info.get("transparency")
    if image.format == "PNG" and image.mode in ("L", "RGB") and transparent is not None:
        # The depth in the file; the pixels may have been converted since.
        depth = data[24]
        colour = np.atleast_1d(transparent)
        colour = colour >> 8 if depth == 16 else colour * (255 // (2**depth - 1))
        pixels = np.array(image.convert("RGB"))
        pixels[(pixels == colour).all(axis=2)] = BACKGROUND
        return pixels
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        ground = Image.new("RGBA", layers.size, (BACKGROUND,) * 3 + (255,))
        return np.asarray(Image.alpha_composite(ground, layers).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, 3) pixels of a camera, turned upright by the orientation in EXIF, 1 to 8; other numbers are ignored."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def fit_square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An (H, W, 3) image, resized with its proportions kept and centred on a grey (side, side, 3) square.

    An image whose longer side already has that many pixels is not resized.
    """
    height, width = image.shape[:2]
    if height == width == side:
        return image
    longer = max(height, width)
    shape = max(round(width / longer * side), 1), max(round(height / longer * side), 1)
    fitted = Image.fromarray(image).resize(shape, Image.Resampling.LANCZOS)
    square = Image.new("RGB", (side, side), (BACKGROUND,) * 3)
    square.paste(fitted, (round((side - fitted.width) / 2), round((side - fitted.height) / 2)))
    return np.asarray(square)


def fitting(side: int) -> dict[str, int | str]:
    """The settings of `fit_square`, for the card of an encoder, so that later images are fitted in the same way."""
    return {"side": side, "background": BACKGROUND, "resampling": "lanczos"}

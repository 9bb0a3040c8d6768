"""An image has the same upright pixels in any format; an image with unclear pixels is refused by name."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ventral.data.pixels import BACKGROUND, decode_image, fit_square
from ventral.files.errors import InputError

GREY = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)[:, :7]  # 8 rows of 7
COLOUR = np.random.default_rng(0).integers(0, 256, (8, 7, 3), dtype=np.uint8)


def saved(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def png(samples: np.ndarray, depth: int, transparent: tuple[int, ...] = ()) -> bytes:
    """A PNG of (H, W, channels) samples of so many bits, written by hand: Pillow writes few of its kinds."""
    height, width, channels = samples.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = samples.reshape(height, -1)
    bits = ((rows[:, :, None] >> np.arange(depth)[::-1]) & 1).reshape(height, -1).astype(np.uint8)
    data = np.hstack([np.zeros((height, 1), np.uint8), np.packbits(bits, axis=1)]).tobytes()
    chunks = {b"IHDR": struct.pack(">2I5B", width, height, depth, colour_type, 0, 0, 0)}
    chunks |= {b"tRNS": struct.pack(f">{len(transparent)}H", *transparent)} if transparent else {}
    chunks |= {b"IDAT": zlib.compress(data), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks.items()
    )


def pages(*images: Image.Image, kind: str = "TIFF", **options) -> bytes:
    return saved(images[0], kind, save_all=True, append_images=list(images[1:]), **options)


def white_least(data: bytes) -> bytes:
    """A little-endian TIFF whose tag of polarity, 1, is set to 0."""
    entry = struct.pack("<HHI", 262, 3, 1)
    at = data.index(entry) + len(entry)
    return data[:at] + b"\0" + data[at + 1 :]


def decoded(data: bytes) -> np.ndarray:
    return decode_image(data, "photographs", "a.tif")


SIXTEEN = GREY.astype(np.uint16) * 257
GREYS = {
    "PNG of 8 bits": saved(GREY),
    "PNG of 16 bits": saved(SIXTEEN),
    "PNG in RGB": saved(np.repeat(GREY[:, :, None], 3, axis=2)),
    "PNG with a palette": saved(Image.fromarray(GREY).convert("P")),
    "PNG with alpha": saved(Image.fromarray(GREY).convert("LA")),
    "PNG with alpha of 16 bits": png(np.dstack([SIXTEEN, np.full_like(SIXTEEN, 65535)]), 16),
    "PNG in RGB of 16 bits": png(np.repeat(SIXTEEN[:, :, None], 3, axis=2), 16),
    "BMP": saved(GREY, "BMP"),
    "GIF": saved(GREY, "GIF"),
    "WebP": saved(np.repeat(GREY[:, :, None], 3, axis=2), "WEBP", lossless=True),
    "PGM": saved(GREY, "PPM"),
    "PGM of 16 bits": b"P5 7 8 65535\n" + SIXTEEN.astype(">u2").tobytes(),
    "PGM of 12 bits": b"P5 7 8 4095\n" + np.rint(GREY * (4095 / 255)).astype(">u2").tobytes(),
    "PFM": saved(Image.fromarray((GREY / 255).astype(np.float32)), "PPM"),
    "TIFF of 8 bits": saved(GREY, "TIFF"),
    "TIFF of 16 bits": saved(SIXTEEN, "TIFF"),
    "TIFF of 16 bits, the other order": saved(Image.fromarray(SIXTEEN.astype(">u2")), "TIFF"),
    "TIFF of floating-point numbers": saved(Image.fromarray((GREY / 255).astype(np.float32)), "TIFF"),
    "TIFF, least is white": white_least(saved(255 - GREY, "TIFF")),
    "TIFF of 16 bits, least is white": white_least(saved(65535 - SIXTEEN, "TIFF")),
    "TIFF of floating-point numbers, least is white": white_least(
        saved(Image.fromarray((1 - GREY / 255).astype(np.float32)), "TIFF")
    ),
}


@pytest.mark.parametrize("data", GREYS.values(), ids=GREYS)
def test_a_grey_picture_is_the_same_in_any_format(data):
    expected = np.repeat(GREY[:, :, None], 3, axis=2)
    np.testing.assert_allclose(decoded(data).astype(int), expected, atol=1)


COLOURS = {
    "PNG": saved(COLOUR),
    "PNG of 16 bits": png(COLOUR.astype(np.uint16) * 257, 16),
    "PNG with alpha": saved(Image.fromarray(COLOUR).convert("RGBA")),
    "PNG with a palette": saved(Image.fromarray(COLOUR).quantize(256, dither=Image.Dither.NONE)),
    "GIF": saved(Image.fromarray(COLOUR).quantize(256, dither=Image.Dither.NONE), "GIF"),
    "TIFF in CMYK": saved(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"),
    "TIFF, compressed": saved(COLOUR, "TIFF", compression="tiff_lzw"),
    "PPM": saved(COLOUR, "PPM"),
    "PPM of 16 bits": b"P6 7 8 65535\n" + (COLOUR.astype(">u2") * 257).tobytes(),
    "BMP": saved(COLOUR, "BMP"),
    "WebP": saved(COLOUR, "WEBP", lossless=True),
}


@pytest.mark.parametrize("data", COLOURS.values(), ids=COLOURS)
def test_a_picture_in_colour_is_the_same_in_any_format(data):
    np.testing.assert_allclose(decoded(data).astype(int), COLOUR, atol=1)


# By the standard: the side of the picture at which the file's first row lies, and its first column.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(picture: np.ndarray, row: str, column: str) -> np.ndarray:
    """The picture as a camera writes it whose first row lies at one side and whose first column at another."""
    rows = picture if row in ("top", "bottom") else picture.swapaxes(0, 1)
    rows = rows[::-1] if row in ("bottom", "right") else rows
    return np.ascontiguousarray(rows[:, ::-1] if column in ("bottom", "right") else rows)


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_pictures_are_upright_however_the_camera_was_held(kind, orientation):
    picture = np.kron(COLOUR, np.ones((16, 16, 1), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    found = decoded(saved(stored(picture, *SIDES[orientation]), kind, exif=exif, **options))
    np.testing.assert_allclose(found.astype(int), picture, atol=12 if kind == "JPEG" else 0)


def test_a_deep_picture_is_turned_too_and_a_number_beyond_the_standard_turns_nothing():
    for orientation, expected in ((6, np.rot90(GREY, -1)), (0, GREY), (9, GREY)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for deep in (SIXTEEN, (GREY / 255).astype(np.float32)):
            np.testing.assert_array_equal(decoded(saved(Image.fromarray(deep), "TIFF", exif=exif))[..., 0], expected)


def test_a_picture_with_damaged_exif_is_as_it_lies_in_the_file():
    for exif in (b"Exif\0\0", b"Exif\0\0garbage that is no table", b"Exif\0\0II*\0\xff\xff\xff\xff"):
        np.testing.assert_array_equal(decoded(saved(COLOUR, exif=exif)), COLOUR)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_shade_of_a_grey_picture_shows_the_ground(depth):
    most = 2**depth - 1
    samples = (np.arange(48).reshape(6, 8, 1) * 7) % (most + 1)
    found = decoded(png(samples, depth, (most,)))[..., 0].astype(int)
    clear = samples[..., 0] == most
    assert clear.any() or depth > 4
    np.testing.assert_array_equal(found, np.where(clear, BACKGROUND, np.rint(samples[..., 0] * 255 / most)))


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_picture_shows_the_ground(depth):
    samples = COLOUR.astype(np.uint16) * (257 if depth == 16 else 1)
    found = decoded(png(samples, depth, tuple(map(int, samples[2, 3]))))
    assert (found[2, 3] == BACKGROUND).all()
    found[2, 3] = COLOUR[2, 3]
    np.testing.assert_array_equal(found, COLOUR)


def test_a_transparent_palette_and_halves_of_alpha_show_the_ground():
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    found = decoded(saved(image, transparency=bytes([255, 128, 0])))[0]
    np.testing.assert_allclose(found, [(255, 0, 0), (64, 192, 64), (128, 128, 128), (255, 255, 255)], atol=1)
    np.testing.assert_array_equal(decoded(saved(image, "GIF", transparency=2))[0, 2], [BACKGROUND] * 3)


@pytest.mark.parametrize(
    "image, kind",
    [
        (Image.fromarray(GREY.astype(np.int32)), "whole numbers with 32 bits or a sign"),
        (Image.fromarray((GREY / 1.0).astype(np.float32)), "floating-point pixels from 0 to 248"),
        (Image.fromarray((GREY / 255 - 0.5).astype(np.float32)), "floating-point pixels from -0.5 to 0.47"),
        (Image.fromarray(np.where(GREY > 9, np.nan, 0).astype(np.float32)), "floating-point pixels from nan to nan"),
        (Image.new("LAB", (7, 8)), "pixels in Lab colours"),
    ],
)
def test_pixels_of_which_none_is_known_to_be_white_are_refused_by_their_kind(image, kind):
    with pytest.raises(InputError, match=rf"^photographs: a\.tif: {kind}.*; save it "):
        decoded(saved(image, "TIFF"))


@pytest.mark.parametrize("signed", [np.int16, np.uint32])
def test_other_whole_numbers_are_refused_too(signed):
    # Pillow writes neither: a TIFF of its own, with the tag of the sample's format or of its bits changed.
    data = bytearray(saved(SIXTEEN if signed is np.int16 else Image.fromarray(GREY.astype(np.int32)), "TIFF"))
    if signed is np.int16:
        data = bytearray(saved(SIXTEEN, "TIFF", tiffinfo={339: 2}))
    else:
        entry = struct.pack("<HHI", 339, 3, 1)
        data[data.index(entry) + len(entry)] = 1
    with pytest.raises(InputError, match=r"a\.tif: whole numbers with 32 bits or a sign"):
        decoded(bytes(data))


FRAMES = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR), Image.fromarray(COLOUR[::-1].copy())]


@pytest.mark.parametrize("kind, options", [("TIFF", {}), ("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_several_pictures_in_a_file_are_refused(kind, options):
    with pytest.raises(InputError, match=r"a\.tif: 3 pages or frames, and a stimulus is one picture; save the one"):
        decoded(pages(*FRAMES, kind=kind, **options))


@pytest.mark.parametrize("thumbnail_first", [True, False])
def test_a_page_that_is_a_smaller_copy_counts_for_none(thumbnail_first):
    thumbnail, whole = Image.fromarray(COLOUR[::2, ::2].copy()), Image.fromarray(COLOUR)
    thumbnail.encoderinfo, whole.encoderinfo = {"tiffinfo": {254: 1}}, {"tiffinfo": {254: 0}}
    order = [thumbnail, whole] if thumbnail_first else [whole, thumbnail]
    data = pages(*order, tiffinfo=order[0].encoderinfo["tiffinfo"])
    np.testing.assert_array_equal(decoded(data), COLOUR)


def test_a_photograph_with_previews_of_itself_is_one_picture():
    smooth = Image.fromarray(np.full((32, 32, 3), 90, np.uint8))
    data = pages(smooth, Image.new("RGB", (8, 8)), kind="MPO")
    np.testing.assert_allclose(decoded(data), 90, atol=1)


def test_what_is_not_square_lies_between_grey_and_keeps_its_pixels():
    for image in (COLOUR, COLOUR.swapaxes(0, 1)):
        square = fit_square(np.ascontiguousarray(image), 8)
        assert square.shape == (8, 8, 3)
        np.testing.assert_array_equal(square[:8, :7] if image.shape[0] == 8 else square[:7, :8], image)
        np.testing.assert_array_equal(square[:, 7] if image.shape[0] == 8 else square[7], BACKGROUND)
    np.testing.assert_array_equal(fit_square(np.zeros((3, 7, 3), np.uint8), 7)[[0, 1, 5, 6]], BACKGROUND)
    assert fit_square(COLOUR, 31).shape == (31, 31, 3)


def test_a_strip_stays_visible():
    strip = fit_square(np.zeros((1, 900, 3), np.uint8), 16)
    assert (strip != BACKGROUND).any() and (strip == BACKGROUND).any(axis=2).sum() == 15 * 16

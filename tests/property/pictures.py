"""Draw random images in files of any format, size and name."""

import io
import shutil
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.property.odds import Odds

USUAL = {  # Pillow's mode and format, and the suffix
    "png": ("RGB", "PNG", ".png"),
    "grey png": ("L", "PNG", ".png"),
    "transparent png": ("RGBA", "PNG", ".png"),
    "grey transparent png": ("LA", "PNG", ".png"),
    "palette": ("P", "PNG", ".png"),
    "black and white": ("1", "PNG", ".png"),
    "transparent colour": ("L", "PNG", ".png"),
    "deep png": ("I;16", "PNG", ".png"),
    "jpeg": ("RGB", "JPEG", ".jpg"),
    "grey jpeg": ("L", "JPEG", ".jpeg"),
    "cmyk": ("CMYK", "JPEG", ".jpg"),
    "turned": ("RGB", "JPEG", ".jpg"),
    "capitals": ("RGB", "JPEG", ".JPG"),
    "png called jpg": ("RGB", "PNG", ".jpg"),
    "bmp": ("RGB", "BMP", ".bmp"),
    "gif": ("P", "GIF", ".gif"),
    "tiff": ("RGB", "TIFF", ".tif"),
    "deep tiff": ("I;16", "TIFF", ".tiff"),
    "floats": ("F", "TIFF", ".tif"),
    "webp": ("RGB", "WEBP", ".webp"),
    "ppm": ("RGB", "PPM", ".ppm"),
}
REFUSED = ("pages", "frames", "floats to 255", "whole numbers of 32 bits", "text", "empty", "cut off", "web page")
NAMES = {  # of image i, in the order of i
    "numbers": lambda i: f"{i + 1}",
    "padded": lambda i: f"{i:04d}",
    "words": lambda i: f"my stimulus {i}",
    "accents": lambda i: f"café_{i}",
    "accents apart": lambda i: unicodedata.normalize("NFD", f"café_{i}"),
    "other scripts": lambda i: f"画像 {i}",
    "punctuation": lambda i: f"im#{i} [x]'%20&$=v1.0",
    "braces": lambda i: f"{{wildcard}}_{i}",
    "hyphens": lambda i: f"-{i}-",
    "folders": lambda i: f"set {'ab'[i > 6]}/{i}",
    "deep folders": lambda i: f"a/b.c/{i}",
}


def draw_pictures(odds: Odds, folder: Path) -> tuple[dict[str, object], list[str]]:
    """Write images; the entries of the dataset in the config, and their names in natural order."""
    n = int(odds.rng.integers(8, 31))
    odds.chosen["images"] = str(n)
    name = NAMES.get(odds.pick("names", list(NAMES), refused=["one name twice", "not printable"]), NAMES["numbers"])
    sizes = odds.pick("sizes", ["square", "wide", "any"], refused=["any, without image_size"])
    kinds = [odds.pick("format", list(USUAL))] if odds.often(0.6) else list(USUAL)
    if len(kinds) > 1:
        odds.chosen["format"] = "any"
    width, height = (int(side) for side in odds.rng.integers(8, 41, size=2))
    files: dict[str, bytes] = {}
    for i in range(n):
        if sizes.startswith("any"):
            width, height = (8 + i, 40 - i) if i else (9, 12)
        kind = odds.one_of(kinds)
        pixels = draw_pixels(odds.rng, width, width if sizes == "square" else height)
        upright = sizes == "wide"
        files[name(i) + USUAL[kind][2]] = encode(pixels, kind, odds.one_of([2, 3, 4] if upright else range(1, 9)))
    names = list(files)
    _spoil(odds, files, names)
    source = _write(odds, folder, files)
    settings: dict[str, object] = {"images": source}
    if sizes == "any" or (sizes != "any, without image_size" and odds.often(0.3)):
        settings["image_size"] = int(odds.rng.integers(8, 41))
    return settings, names


def draw_pixels(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: a few colours that run into one another, or noise."""
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    method = rng.choice([Image.Resampling.BICUBIC, Image.Resampling.NEAREST])
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling(method)))


def encode(pixels: np.ndarray, kind: str, orientation: int) -> bytes:
    """A file of one of the usual kinds."""
    mode, format_, _ = USUAL[kind]
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    options: dict[str, object] = {}
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    elif mode in ("RGBA", "LA"):
        image = Image.fromarray(pixels).convert(mode)
        image.putalpha(Image.fromarray(255 - grey))
    else:
        image = Image.fromarray(pixels).convert(mode)
    if kind == "transparent colour":
        options["transparency"] = int(grey[0, 0])
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def _spoil(odds: Odds, files: dict[str, bytes], names: list[str]) -> None:
    """One file of another kind, a copy of one under another name, or names that cannot be."""
    spoilt = odds.pick("one file", ["as the others"] * 8 + ["a copy"], refused=REFUSED)
    at = names[int(odds.rng.integers(len(names)))]
    if spoilt == "a copy":
        files[at] = files[names[0]]
    elif spoilt in REFUSED:
        files[at] = damaged(spoilt, files[at])
    first = names[0]
    if odds.chosen["names"] == "one name twice":
        files[f"again/{first}"] = files[first]
    elif odds.chosen["names"] == "not printable":
        files[f"a\x1b{first}"] = files.pop(first)


def damaged(kind: str, data: bytes) -> bytes:
    """A file that is no image to be shown, or several."""
    pages = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    if kind in ("pages", "frames"):
        pages[0].save(buffer, "TIFF" if kind == "pages" else "GIF", save_all=True, append_images=pages[1:])
    elif kind == "floats to 255":
        Image.fromarray(np.linspace(0, 255, 81, dtype=np.float32).reshape(9, 9)).save(buffer, "TIFF")
    elif kind == "whole numbers of 32 bits":
        Image.fromarray(np.arange(81, dtype=np.int32).reshape(9, 9)).save(buffer, "TIFF")
    else:
        return {"text": b"not an image", "empty": b"", "cut off": data[:20], "web page": b"<!DOCTYPE html><html>"}[kind]
    return buffer.getvalue()


def _write(odds: Odds, folder: Path, files: dict[str, bytes]) -> str:
    source = odds.pick("source", ["images", "images.zip", "my images é", "Zipped Images.ZIP"])
    beside = {"Thumbs.db": b"x", ".DS_Store": b"x", "notes.txt": b"shown for 100 ms"} if odds.often(0.3) else {}
    if source.lower().endswith(".zip"):
        with zipfile.ZipFile(folder / source, "w") as archive:
            for name, data in {**files, **beside}.items():
                archive.writestr(name, data)
        return source
    for name, data in {**files, **beside}.items():
        path = folder / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if odds.often(0.1):
        shutil.move(folder / source, folder / "elsewhere")
        (folder / source).symlink_to("elsewhere", target_is_directory=True)
        odds.chosen["source"] += ", linked"
    return source

"""Embed figures in the page, with caption and alternative text."""

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape
from PIL import Image

from ventral.figures.style import CAPTION, DATASET, DESCRIPTION, LEFT_OUT

MOST_BYTES = 1_200_000  # size above which the PNG of a figure is reduced to 256 colours
MIME = {".png": "image/png", ".svg": "image/svg+xml"}
SCREEN = 1.5  # pixels of the PNG for each pixel of the page


@dataclass(frozen=True)
class Picture:
    """One figure of the page.

    Attributes:
        name: stem of its files.
        dataset: empty for figures of the whole study.
        source: the picture itself, as a data address.
        width, height: on the page, in pixels.
        alt: alternative text.
        caption: text below the figure.
    """

    name: str
    dataset: str
    source: str
    width: int
    height: int
    alt: str
    caption: Markup


def read_caption(text: str) -> Markup:
    """Turn a caption into HTML, with ``code`` and *emphasis* as elements."""
    marked = re.sub(r"``(.+?)``", r"<code>\1</code>", str(escape(" ".join(text.split()))))
    return Markup(re.sub(r"\*(\S[^*]*)\*", r"<em>\1</em>", marked))


def embed(paths: Iterable[str | Path]) -> str:
    """Encode the smallest file of a figure as a data address. If all are large, encode the PNG in 256 colours.

    Args:
        paths: files of one figure. Formats other than PNG and SVG are ignored.
    """
    files = {path.suffix: path.read_bytes() for path in map(Path, paths) if path.suffix in MIME}
    suffix = min(files, key=lambda suffix: len(files[suffix]))
    content = files[suffix]
    if len(content) > MOST_BYTES and ".png" in files:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(files[".png"])).convert("RGB").quantize(256).save(buffer, "png", optimize=True)
        suffix, content = min((suffix, content), (".png", buffer.getvalue()), key=lambda each: len(each[1]))
    return f"data:{MIME[suffix]};base64,{base64.b64encode(content).decode()}"


def read_words(figures: Iterable[str | Path]) -> dict[str, dict[str, str]]:
    """Read the texts that `ventral.figures.style.draw` wrote into the PNG of each figure, by name of the figure."""
    found = {}
    for path in map(Path, figures):
        if path.suffix == ".png":
            with Image.open(path) as image:
                found[path.stem] = {str(name): str(text) for name, text in image.info.items()}
    return found


def left_out(figures: Iterable[str | Path]) -> dict[str, str]:
    """Return the reason for each figure that could not be drawn, by name."""
    return {name: words[LEFT_OUT] for name, words in read_words(figures).items() if LEFT_OUT in words}


def pictures(figures: Iterable[str | Path]) -> list[Picture]:
    """Make a `Picture` of every figure that could be drawn.

    Args:
        figures: the files of all figures in all formats.
    """
    files = list(map(Path, figures))
    found = []
    for name, words in read_words(files).items():
        if DESCRIPTION in words:
            paths = {path.suffix: path for path in files if path.stem == name}
            with Image.open(paths[".png"]) as image:
                width, height = (round(side / SCREEN) for side in image.size)
            source, caption = embed(paths.values()), read_caption(words[CAPTION])
            found.append(Picture(name, words[DATASET], source, width, height, words[DESCRIPTION], caption))
    return found

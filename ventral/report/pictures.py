"""Figures for a page that needs no other file: embedded, with caption and alternative text."""

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape
from PIL import Image

from ventral.figures.style import CAPTION, DATASET, DESCRIPTION, LEFT_OUT

MOST_BYTES = 1_200_000  # of one figure; RDMs of many stimuli have more
MIME = {".png": "image/png", ".svg": "image/svg+xml"}
SCREEN = 1.5  # pixels of a file for each of the page, as of 150 dots per inch


@dataclass(frozen=True)
class Picture:
    """One figure of the page.

    Attributes:
        name: of its files.
        dataset: empty for figures of the whole study.
        source: the picture itself, as an address that holds it.
        width, height: on the page, in its pixels.
        alt: what it shows, for those who cannot see it.
        caption: what stands below it.
    """

    name: str
    dataset: str
    source: str
    width: int
    height: int
    alt: str
    caption: Markup


def read_caption(text: str) -> Markup:
    """A caption as HTML: ``code`` and *stress* marked."""
    marked = re.sub(r"``(.+?)``", r"<code>\1</code>", str(escape(" ".join(text.split()))))
    return Markup(re.sub(r"\*(\S[^*]*)\*", r"<em>\1</em>", marked))


def embed(paths: Iterable[str | Path]) -> str:
    """The smallest of the files of one figure as a data address; where all are large, the PNG in 256 colours.

    Args:
        paths: of one figure; those of other formats are left out.
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
    """What the PNG of each figure says about it, by name, as `ventral.figures.style.draw` wrote it."""
    found = {}
    for path in map(Path, figures):
        if path.suffix == ".png":
            with Image.open(path) as image:
                found[path.stem] = {str(name): str(text) for name, text in image.info.items()}
    return found


def left_out(figures: Iterable[str | Path]) -> dict[str, str]:
    """The figures that could not be drawn, by name, and why."""
    return {name: words[LEFT_OUT] for name, words in read_words(figures).items() if LEFT_OUT in words}


def pictures(figures: Iterable[str | Path]) -> list[Picture]:
    """Every figure that could be drawn, with its words.

    Args:
        figures: paths of each in every format.
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

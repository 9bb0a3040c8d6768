"""Figures for a page that needs nothing beside it: embedded, captioned, and told in words."""

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from ventral.figures.style import LEFT_OUT
from ventral.report.alts import ALTS
from ventral.report.results import Study

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
        alt: what it shows, in words.
        caption: with its marks.
    """

    name: str
    dataset: str
    source: str
    width: int
    height: int
    alt: str
    caption: Markup


def kind_of(name: str, datasets: Iterable[str]) -> tuple[str, str]:
    """What a figure is of, by its name: the kind and the dataset ("" where of all)."""
    for dataset in sorted(datasets, key=len, reverse=True):
        if name.endswith(f"_{dataset}"):
            return name.removesuffix(f"_{dataset}"), dataset
    return name, ""


def read_caption(text: str, dataset: str) -> Markup:
    """A caption of Snakemake's report, as HTML: its placeholders filled, ``code`` and *stress* marked.

    Args:
        text: reStructuredText of one paragraph, with `{{ snakemake.wildcards.dataset }}` where it names the dataset.
        dataset: its name.
    """
    wildcards = SimpleNamespace(wildcards=SimpleNamespace(dataset=dataset))
    filled = Environment(undefined=StrictUndefined, autoescape=False).from_string(text).render(snakemake=wildcards)
    marked = re.sub(r"``(.+?)``", r"<code>\1</code>", str(escape(" ".join(filled.split()))))
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


def left_out(figures: Iterable[str | Path]) -> dict[str, str]:
    """The figures that could not be drawn, by name, and why, as `ventral.figures.style.draw` left them."""
    found = {}
    for path in map(Path, figures):
        if path.suffix == ".png":
            with Image.open(path) as image:
                if why := image.info.get(LEFT_OUT):
                    found[path.stem] = str(why)
    return found


def pictures(study: Study, figures: Iterable[str], captions: Iterable[str]) -> list[Picture]:
    """Every figure of a study that could be drawn.

    Args:
        study: the study.
        figures: paths, PNG and SVG of each.
        captions: paths of captions: `{kind}.rst`, or `{kind}_figure.rst` where a table has that name.
    """
    figures = list(figures)
    lacking, texts = left_out(figures), {Path(path).stem: Path(path) for path in captions}
    by_name: dict[str, list[str]] = {}
    for path in figures:
        if Path(path).stem not in lacking:
            by_name.setdefault(Path(path).stem, []).append(path)
    found = []
    for name, paths in by_name.items():
        kind, dataset = kind_of(name, study.responses)
        with Image.open(next(path for path in paths if path.endswith(".png"))) as image:
            width, height = (round(side / SCREEN) for side in image.size)
        caption = read_caption((texts.get(f"{kind}_figure") or texts[kind]).read_text(), dataset)
        found.append(Picture(name, dataset, embed(paths), width, height, ALTS[kind](study, dataset), caption))
    return found

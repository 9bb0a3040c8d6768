"""Figures, each drawn by its own module in `ventral/figures`, which says what it reads, when it exists and its words."""

from ventral.figures.catalogue import figure_kind, figures_of
from ventral.study.imports import imported_files

DRAWN = figures_of(STUDY)
FIGURES = expand(paths.FIGURE, figure=DRAWN, suffix=config["figure_formats"])


def figure(wildcards):
    """The kind of a figure and its dataset."""
    kind, dataset = DRAWN[wildcards.figure]
    return figure_kind(kind), dataset


def figure_files(wildcards):
    """Input function: what a figure is made from, by name."""
    kind, dataset = figure(wildcards)
    named = kind.inputs(STUDY, dataset).items()
    return {
        name: drawn_from(files) if isinstance(files, str) else list(map(drawn_from, files)) for name, files in named
    }


def drawn_from(path):
    """A file as an input, made by the study or from outside."""
    return path if is_made(path) else given(path)


def figure_sources(wildcards):
    """The same files in one list."""
    kind, dataset = figure(wildcards)
    found = kind.inputs(STUDY, dataset).values()
    return [path for files in found for path in ([files] if isinstance(files, str) else files)]


def figure_code(wildcards):
    """The library files that draw a figure: an edit of one figure draws that one alone."""
    file = HOME / "ventral" / "figures" / f"{DRAWN[wildcards.figure].kind}.py"
    return sorted({*code_of("draw_figure"), *map(os.path.relpath, [file, *imported_files(file, HOME)])})


def figure_memory(wildcards, input, attempt):
    """Megabytes that a figure needs."""
    return enough(*figure(wildcards)[0].memory)(wildcards, input, attempt)


rule draw_figure:
    """Draw a figure and write its words, caption and alternative text, into its files."""
    input:
        unpack(figure_files),
        code=figure_code,
    output:
        report(
            paths.FIGURE.format(figure="{figure}", suffix="png"),
            category=lambda wildcards: figure(wildcards)[0].category,
            caption="../report/figure.rst",
        ),
        [
            paths.FIGURE.format(figure="{figure}", suffix=suffix)
            for suffix in config["figure_formats"]
            if suffix != "png"
        ],
    log:
        paths.log("draw_figure/{figure}"),
    benchmark:
        paths.benchmark("draw_figure/{figure}")
    wildcard_constraints:
        figure="|".join(DRAWN) or "none",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=figure_memory,
        runtime=enough(20),
    params:
        content=content_of(figure_sources),
        kind=lambda wildcards: DRAWN[wildcards.figure].kind,
        dataset=lambda wildcards: DRAWN[wildcards.figure].dataset,
        settings=lambda wildcards: figure(wildcards)[0].settings(STUDY, DRAWN[wildcards.figure].dataset),
        caption=lambda wildcards: figure(wildcards)[0].caption.format(dataset=DRAWN[wildcards.figure].dataset),
    script:
        "../../scripts/draw_figure.py"

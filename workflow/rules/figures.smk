"""Figures, each drawn by its own module in `ventral/figures`, which says what it reads, when it exists and its words."""

from ventral.figures.catalogue import figure_kind, figures_of
from ventral.study.imports import imported_files

DRAWN = figures_of(STUDY)
FIGURES = expand(paths.FIGURE, figure=DRAWN, suffix=config["figure_formats"])


def figure(attribute):
    """Function of wildcards: what the catalogue says of a figure."""
    return lambda wildcards: getattr(DRAWN[wildcards.figure], attribute)


def figure_files(wildcards):
    """Input function: the files that a figure is made from, by name, each made by the study or from outside."""
    named = DRAWN[wildcards.figure].files.items()
    return {name: as_input(files) if isinstance(files, str) else list(map(as_input, files)) for name, files in named}


def as_input(path):
    return path if is_made(path) else given(path)


def figure_code(wildcards):
    """Input function: the library files that draw a figure. An edit of one figure draws that figure alone."""
    file = HOME / "ventral" / "figures" / f"{DRAWN[wildcards.figure].kind}.py"
    return sorted({*code_of("draw_figure"), *map(os.path.relpath, [file, *imported_files(file, HOME)])})


rule draw_figure:
    """Draw a figure and write its words, caption and alternative text, into its files."""
    input:
        unpack(figure_files),
        code=figure_code,
    output:
        report(
            paths.FIGURE.format(figure="{figure}", suffix="png"),
            category=figure("category"),
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
        mem_mb=lambda wildcards, input, attempt: enough(*DRAWN[wildcards.figure].memory)(wildcards, input, attempt),
        runtime=enough(20),
    params:
        content=content_of(figure("sources")),
        kind=figure("kind"),
        dataset=figure("dataset"),
        settings=figure("settings"),
        caption=figure("caption"),
    script:
        "../../scripts/draw_figure.py"

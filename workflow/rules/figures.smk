"""Figures, each drawn by its own module in `ventral/figures`, which says what it reads, when it exists and its words."""


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

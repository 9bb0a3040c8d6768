"""Figures. A module of `ventral/figures` for each says what it reads, when it exists, how it looks and its caption."""


rule draw_figure:
    """Draw a figure, and write its caption and alternative text into its files."""
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
        figure=either(DRAWN),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=figure_memory,
        runtime=enough(20),
    params:
        content=content_of_files(figure_files),
        kind=figure("kind"),
        dataset=figure("dataset"),
        settings=figure("settings"),
        caption=figure("caption"),
    script:
        "../../scripts/draw_figure.py"

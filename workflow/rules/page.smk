"""Tables and figures -> the report, one page that contains all it shows."""

from rule_graph import rule_graph


rule write_report:
    """Write the report: the answer, what was run, tables and figures on one page."""
    input:
        responses=expand(paths.RESPONSES, dataset=STUDY.datasets),
        tables=TABLES + STUDY.missing_stimuli(),
        figures=FIGURES,
        parts=sorted(os.path.relpath(path) for path in HOME.glob("ventral/report/parts/*")),
        code=code_of("write_report"),
    output:
        page=paths.REPORT,
    log:
        paths.log("write_report"),
    benchmark:
        paths.benchmark("write_report")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(20),
    params:
        config=STUDY.reported_settings(),
        stages=lambda wildcards, input: rule_graph(workflow, [*input.tables, *input.figures]),
    script:
        "../../scripts/write_report.py"

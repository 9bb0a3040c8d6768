"""Tables and figures -> the report, one page that contains all it shows."""

from rule_graph import rule_graph

REPORTED = [
    *("seed", "bootstrap", "interval_over", "split", "protocols", "min_reliability"),
    *("download_weights", "networks", "readouts", "trained"),
]


rule write_report:
    """Write the report: the answer, what was run, tables and figures on one page."""
    input:
        responses=expand(paths.RESPONSES, dataset=STUDY.datasets),
        tables=TABLES
        + expand(paths.MISSING_STIMULI, dataset=[name for name in STUDY.with_sessions if name in STUDY.with_images]),
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
        config={key: config[key] for key in REPORTED if key in config},
        stages=lambda wildcards, input: rule_graph(workflow, [*input.tables, *input.figures]),
    script:
        "../../scripts/write_report.py"

"""Tables and figures -> one page that needs nothing beside it."""

from rule_graph import rule_graph

REPORT = "results/report.html"
REPORTED = [
    *("seed", "bootstrap", "interval_over", "split", "protocols", "min_reliability"),
    *("download_weights", "networks", "readouts", "trained"),
]


rule write_report:
    """Write what was run, the answer, tables and figures on one page."""
    input:
        responses=expand("results/responses/{dataset}.nc", dataset=DATASETS),
        tables=TABLES + (["results/xiao/missing_stimuli.csv"] if "xiao" in WITH_IMAGES else []),
        figures=FIGURES,
        captions=sorted(os.path.relpath(path) for path in HOME.glob("workflow/report/*.rst")),
        parts=sorted(os.path.relpath(path) for path in HOME.glob("ventral/report/parts/*")),
        code=code_of("write_report"),
    output:
        page=REPORT,
    log:
        "results/logs/write_report.log",
    benchmark:
        "results/benchmarks/write_report.tsv"
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

"""Tables and predictions -> figures of scores, rates and reported numbers."""


def holdout_predictions(wildcards):
    """The predictions of every encoder of a dataset for its own split: which is best, only the scores will say."""
    paths = [path for dataset, path in ENCODERS if dataset == wildcards.dataset]
    return [path for path in paths if Path(path).parent.name == "holdout"]


rule draw_scores:
    """Scores of the best encoders over neuroids and against the noise ceiling, and target against predicted rates."""
    input:
        scores="results/tables/scores.csv",
        summary="results/tables/summary.csv",
        responses="results/responses/{dataset}.nc",
        predictions=holdout_predictions,
        code=code_of("draw_scores"),
    output:
        report("results/figures/scores_{dataset}.png", category="Encoders", caption="../report/scores.rst"),
        "results/figures/scores_{dataset}.svg",
        report("results/figures/targets_{dataset}.png", category="Encoders", caption="../report/targets.rst"),
        "results/figures/targets_{dataset}.svg",
    log:
        "results/logs/draw_scores/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_scores/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        min_reliability=config.get("min_reliability"),
    script:
        "../../scripts/draw_scores.py"


rule draw_reproduction:
    """Each number of the literature beside ours."""
    input:
        table="results/tables/reproduction.csv",
        code=code_of("draw_reproduction"),
    output:
        report("results/figures/reproduction.png", category="Encoders", caption="../report/reproduction_figure.rst"),
        "results/figures/reproduction.svg",
    log:
        "results/logs/draw_reproduction.log",
    benchmark:
        "results/benchmarks/draw_reproduction.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    script:
        "../../scripts/draw_reproduction.py"

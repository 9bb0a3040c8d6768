"""Predictions and similarities -> tables; what the study leaves in the end."""

ENCODERS = [
    (dataset, f"results/predictions/{dataset}/{protocol}/{network}-{readout}.nc")
    for dataset in WITH_ENCODERS
    for protocol in config["protocols"]
    for network in networks_of(dataset)
    for readout in readouts_of(network)
] + [
    (dataset, f"results/predictions/{dataset}/{protocol}/{encoder}.nc")
    for dataset in WITH_ENCODERS
    for protocol in config["protocols"]
    for encoder in trained_of(dataset)
]
FROM_OUTSIDE = {dataset: from_outside(dataset) for dataset in DATASETS}
WEIGHTS_FROM_OUTSIDE = weights_from_outside()
XIAO_TABLE = ["results/tables/xiao_units.csv"] if "xiao" in DATASETS else []
RSA_TABLE = ["results/tables/rsa.csv", "results/tables/left_out.csv"] if WITH_RDMS else []
FACES_TABLE = ["results/tables/faces.csv"] if LEARN_FACES else []
TABLES = ["results/tables/provenance.json", *RSA_TABLE, *XIAO_TABLE, *FACES_TABLE] + (
    expand(
        "results/tables/{table}",
        table=[
            "scores.csv",
            "summary.csv",
            "layers.csv",
            "summary.md",
            "summary.tex",
            "weights.csv",
            "reproduction.csv",
            "reproduction.md",
            "reproduction.tex",
        ],
    )
    if WITH_ENCODERS
    else []
)
WITH_CATEGORIES = [name for name in WITH_RATES if name in PUBLISHED]
FIGURES = expand(
    "results/figures/{name}.{suffix}",
    name=expand(
        "{kind}_{dataset}",
        kind=["layers", "scores", "targets"],
        dataset=WITH_ENCODERS if "holdout" in config["protocols"] else [],
    )
    + [f"levels_{name}" for name in WITH_ENCODERS if name in WITH_RDMS and "holdout" in config["protocols"]]
    + [f"r2_{name}" for name in WITH_ENCODERS if "holdout" in config["protocols"] and pls_of_hmo(name)]
    + expand("rdms_{dataset}", dataset=WITH_RDMS)
    + expand("categories_{dataset}", dataset=WITH_CATEGORIES)
    + expand("training_{dataset}", dataset=[name for name in WITH_ENCODERS if trained_of(name)])
    + (["reproduction"] if {"majaj", "xiao"} & set(WITH_ENCODERS) else [])
    + (["psth_xiao", "gaze_xiao", "confound"] if "xiao" in DATASETS else [])
    + (["faces"] if LEARN_FACES else []),
    suffix=config["figure_formats"],
)


localrules:
    assemble_reproduction,
    assemble_rsa,
    write_provenance,


rule assemble_scores:
    """Score all encoders on held-out stimuli, with intervals and ceilings."""
    input:
        responses=expand("results/responses/{dataset}.nc", dataset=WITH_ENCODERS),
        predictions=[path for _, path in ENCODERS],
        checks=WEIGHTS_CHECKS,
        code=code_of("assemble_scores"),
    output:
        weights="results/tables/weights.csv",
        scores="results/tables/scores.csv",
        summary=report("results/tables/summary.csv", category="Tables", caption="../report/summary.rst"),
        layers="results/tables/layers.csv",
        markdown="results/tables/summary.md",
        latex="results/tables/summary.tex",
    log:
        "results/logs/assemble_scores.log",
    benchmark:
        "results/benchmarks/assemble_scores.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000, 2),
        runtime=enough(30, 0.1),
    params:
        datasets=WITH_ENCODERS,
        owners=[dataset for dataset, _ in ENCODERS],
        min_reliability=config["min_reliability"],
        references=[name for name, of in config["networks"].items() if is_reference(of, config["download_weights"])],
        bootstrap=config["bootstrap"],
        interval_over=config["interval_over"],
        seed=config["seed"],
    script:
        "../../scripts/assemble_scores.py"


rule assemble_reproduction:
    """Put each number of the literature beside ours, and say how they compare."""
    input:
        reported=os.path.relpath(HOME / "config" / "reported.csv"),
        summary="results/tables/summary.csv",
        layers="results/tables/layers.csv",
        faces=rules.assemble_faces.output.table if TRAINS_HMO else [],
        rsa="results/tables/rsa.csv" if TRAINS_HMO else [],
        code=code_of("assemble_reproduction"),
    output:
        table=report("results/tables/reproduction.csv", category="Tables", caption="../report/reproduction.rst"),
        markdown="results/tables/reproduction.md",
        latex="results/tables/reproduction.tex",
    log:
        "results/logs/assemble_reproduction.log",
    benchmark:
        "results/benchmarks/assemble_reproduction.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    script:
        "../../scripts/assemble_reproduction.py"


rule assemble_rsa:
    """Gather the comparisons of RDMs of all datasets, and the regions that have no RDM."""
    input:
        similarity=expand("results/similarity/{dataset}.h5", dataset=WITH_RDMS),
        code=code_of("assemble_rsa"),
    output:
        rsa=report("results/tables/rsa.csv", category="Tables", caption="../report/rsa.rst"),
        left_out="results/tables/left_out.csv",
    log:
        "results/logs/assemble_rsa.log",
    benchmark:
        "results/benchmarks/assemble_rsa.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        datasets=WITH_RDMS,
    script:
        "../../scripts/assemble_rsa.py"


rule write_provenance:
    """Say what the study was made of: config, versions, seeds, inputs from outside by their hashes, git commit."""
    input:
        project=os.path.relpath(HOME / "pyproject.toml"),
        recordings=[path if is_made(path) else given(path) for paths in FROM_OUTSIDE.values() for path in paths],
        weights=list(WEIGHTS_FROM_OUTSIDE.values()),
        code=code_of("write_provenance"),
    output:
        provenance="results/tables/provenance.json",
    log:
        "results/logs/write_provenance.log",
    benchmark:
        "results/benchmarks/write_provenance.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(20, 0.02),
    params:
        content=content_of(*FROM_OUTSIDE.values(), *WEIGHTS_FROM_OUTSIDE.values()),
        config=config,
        recordings=FROM_OUTSIDE,
        weights=WEIGHTS_FROM_OUTSIDE,
        git=lambda wildcards: git_state(HOME),
    script:
        "../../scripts/write_provenance.py"

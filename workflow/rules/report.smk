"""Predictions and similarities -> tables, figures and their captions."""

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
TRAINS_HMO = any(config["networks"][name]["architecture"] in STUDY for name in networks_of("xiao"))
XIAO_TABLE = ["results/tables/xiao_units.csv"] if "xiao" in DATASETS else []
TABLES = ["results/tables/rsa.csv", *XIAO_TABLE] + (
    expand(
        "results/tables/{table}",
        table=[
            "scores.csv",
            "summary.csv",
            "layers.csv",
            "summary.md",
            "weights.csv",
            "reproduction.csv",
            "reproduction.md",
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
        kind=["layers", "levels", "scores", "targets"],
        dataset=WITH_ENCODERS if "holdout" in config["protocols"] else [],
    )
    + expand("rdms_{dataset}", dataset=DATASETS)
    + expand("categories_{dataset}", dataset=WITH_CATEGORIES)
    + expand("training_{dataset}", dataset=[name for name in WITH_ENCODERS if trained_of(name)])
    + (["reproduction"] if {"majaj", "xiao"} & set(WITH_ENCODERS) else [])
    + (["psth_xiao", "gaze_xiao"] if "xiao" in DATASETS else []),
    suffix=["png", "svg"],
)


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
    log:
        "results/logs/assemble_scores.log",
    benchmark:
        "results/benchmarks/assemble_scores.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        datasets=WITH_ENCODERS,
        owners=[dataset for dataset, _ in ENCODERS],
        min_reliability=config.get("min_reliability"),
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/assemble_scores.py"


rule assemble_reproduction:
    """Put each number of the literature beside ours, and say how they compare."""
    input:
        reported=os.path.relpath(HOME / "config" / "reported.csv"),
        summary="results/tables/summary.csv",
        layers="results/tables/layers.csv",
        hmo=[STUDY["hmo"].replace("state.pt", "scores.csv")] if TRAINS_HMO else [],
        rsa=["results/tables/rsa.csv"] if TRAINS_HMO else [],
        code=code_of("assemble_reproduction"),
    output:
        table=report("results/tables/reproduction.csv", category="Tables", caption="../report/reproduction.rst"),
        markdown="results/tables/reproduction.md",
    log:
        "results/logs/assemble_reproduction.log",
    benchmark:
        "results/benchmarks/assemble_reproduction.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    script:
        "../../scripts/assemble_reproduction.py"


rule assemble_rsa:
    """Gather the comparisons of RDMs of all datasets."""
    input:
        similarity=expand("results/similarity/{dataset}.h5", dataset=DATASETS),
        code=code_of("assemble_rsa"),
    output:
        rsa=report("results/tables/rsa.csv", category="Tables", caption="../report/rsa.rst"),
    log:
        "results/logs/assemble_rsa.log",
    benchmark:
        "results/benchmarks/assemble_rsa.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        datasets=list(DATASETS),
    script:
        "../../scripts/assemble_rsa.py"


rule draw_layers:
    """Explained variance and r across the layers of every network, pretrained against random."""
    input:
        layers="results/tables/layers.csv",
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_layers"),
    output:
        report("results/figures/layers_{dataset}.png", category="Encoders", caption="../report/layers.rst"),
        "results/figures/layers_{dataset}.svg",
    log:
        "results/logs/draw_layers/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_layers/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        networks=lambda wildcards: networks_of(wildcards.dataset),
    script:
        "../../scripts/draw_layers.py"


rule draw_levels:
    """Heat maps of all layers against all regions: encoding, RSA and CKA, with their ceilings."""
    input:
        layers="results/tables/layers.csv",
        rsa="results/tables/rsa.csv",
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_levels"),
    output:
        report("results/figures/levels_{dataset}.png", category="Similarity", caption="../report/levels.rst"),
        "results/figures/levels_{dataset}.svg",
    log:
        "results/logs/draw_levels/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_levels/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        networks=lambda wildcards: networks_of(wildcards.dataset),
    script:
        "../../scripts/draw_levels.py"


rule draw_rdms:
    """The RDM of every region beside that of the layer most like it, sorted by category."""
    input:
        rsa="results/tables/rsa.csv",
        similarity="results/similarity/{dataset}.h5",
        code=code_of("draw_rdms"),
    output:
        report("results/figures/rdms_{dataset}.png", category="Similarity", caption="../report/rdms.rst"),
        "results/figures/rdms_{dataset}.svg",
    log:
        "results/logs/draw_rdms/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_rdms/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    script:
        "../../scripts/draw_rdms.py"


rule draw_categories:
    """Response by object category, of one neuroid and of all."""
    input:
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_categories"),
    output:
        report("results/figures/categories_{dataset}.png", category="Responses", caption="../report/categories.rst"),
        "results/figures/categories_{dataset}.svg",
    log:
        "results/logs/draw_categories/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_categories/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/draw_categories.py"


rule draw_psth:
    """Response around the onset of fixations and of images, by region."""
    input:
        psths=expand("results/xiao/sessions/{session}/psth.nc", session=XIAO_STEMS),
        units="results/tables/xiao_units.csv",
        code=code_of("draw_psth"),
    output:
        report("results/figures/psth_xiao.png", category="Responses", caption="../report/psth.rst"),
        "results/figures/psth_xiao.svg",
    log:
        "results/logs/draw_psth.log",
    benchmark:
        "results/benchmarks/draw_psth.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        sessions=list(XIAO_STEMS),
        source=XIAO_SOURCE,
        seed=config["seed"],
    script:
        "../../scripts/draw_psth.py"


rule draw_gaze:
    """Fixations on the most looked-at image of every session."""
    input:
        fixations=expand("results/xiao/sessions/{session}/fixations.csv", session=XIAO_STEMS),
        images=[f"{XIAO_SESSION_FILES}/{stem}_image.nwb" for stem in XIAO_STEMS.values()],
        stimuli=XIAO_STIMULI,
        code=code_of("draw_gaze"),
    output:
        report("results/figures/gaze_xiao.png", category="Responses", caption="../report/gaze.rst"),
        "results/figures/gaze_xiao.svg",
    log:
        "results/logs/draw_gaze.log",
    benchmark:
        "results/benchmarks/draw_gaze.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        sessions=list(XIAO_STEMS),
        source=XIAO_SOURCE,
    script:
        "../../scripts/draw_gaze.py"

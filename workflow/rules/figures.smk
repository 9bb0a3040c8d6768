"""Tables, responses, predictions and similarities -> figures and their captions."""


rule draw_scores:
    """Scores of the best encoders over neuroids and against the noise ceiling, and target against predicted rates."""
    input:
        scores="results/tables/scores.csv",
        summary="results/tables/summary.csv",
        responses="results/responses/{dataset}.nc",
        # Which encoder is best, only the scores will say.
        predictions=lambda wildcards: [
            path for dataset, path in ENCODERS if dataset == wildcards.dataset and "/holdout/" in path
        ],
        code=code_of("draw_scores"),
    output:
        scores=figure("scores_{dataset}", category="Encoders", caption="scores"),
        targets=figure("targets_{dataset}", category="Encoders", caption="targets"),
    log:
        "results/logs/draw_scores/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_scores/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 0.1),
        runtime=enough(20),
    params:
        min_reliability=config["min_reliability"],
    script:
        "../../scripts/draw_scores.py"


rule draw_r2:
    """R2 of HMO's readouts by partial least squares over the neuroids of every region, with their ceilings."""
    input:
        scores="results/tables/scores.csv",
        summary="results/tables/summary.csv",
        code=code_of("draw_r2"),
    output:
        figure("r2_{dataset}", category="Encoders", caption="r2"),
    log:
        "results/logs/draw_r2/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_r2/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        encoders=lambda wildcards: pls_of_hmo(wildcards.dataset),
        min_reliability=config["min_reliability"],
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/draw_r2.py"


rule draw_reproduction:
    """Each number of the literature beside ours."""
    input:
        table="results/tables/reproduction.csv",
        code=code_of("draw_reproduction"),
    output:
        figure("reproduction", category="Encoders", caption="reproduction_figure"),
    log:
        "results/logs/draw_reproduction.log",
    benchmark:
        "results/benchmarks/draw_reproduction.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    script:
        "../../scripts/draw_reproduction.py"


rule draw_layers:
    """Explained variance and r across the layers of every network, pretrained against random."""
    input:
        layers="results/tables/layers.csv",
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_layers"),
    output:
        figure("layers_{dataset}", category="Encoders", caption="layers"),
    log:
        "results/logs/draw_layers/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_layers/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        networks=lambda wildcards: networks_of(wildcards.dataset),
        min_reliability=config["min_reliability"],
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
        figure("levels_{dataset}", category="Similarity", caption="levels"),
    log:
        "results/logs/draw_levels/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_levels/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(20),
    params:
        networks=lambda wildcards: networks_of(wildcards.dataset),
        min_reliability=config["min_reliability"],
    script:
        "../../scripts/draw_levels.py"


rule draw_rdms:
    """The RDM of every region beside that of the layer most like it, sorted by category."""
    input:
        rsa="results/tables/rsa.csv",
        similarity="results/similarity/{dataset}.h5",
        code=code_of("draw_rdms"),
    output:
        figure("rdms_{dataset}", category="Similarity", caption="rdms"),
    log:
        "results/logs/draw_rdms/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_rdms/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(20),
    script:
        "../../scripts/draw_rdms.py"


rule draw_categories:
    """Response by object category, of one neuroid and of all."""
    input:
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_categories"),
    output:
        figure("categories_{dataset}", category="Responses", caption="categories"),
    log:
        "results/logs/draw_categories/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_categories/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(20),
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
        figure("psth_xiao", category="Responses", caption="psth"),
    log:
        "results/logs/draw_psth.log",
    benchmark:
        "results/benchmarks/draw_psth.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 2),
        runtime=enough(20),
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
        stimuli=XIAO_SHOWN,
        code=code_of("draw_gaze"),
    output:
        figure("gaze_xiao", category="Responses", caption="gaze"),
    log:
        "results/logs/draw_gaze.log",
    benchmark:
        "results/benchmarks/draw_gaze.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(20),
    params:
        content=content_of([f"{XIAO_SESSION_FILES}/{stem}_image.nwb" for stem in XIAO_STEMS.values()], XIAO_STIMULI),
        sessions=list(XIAO_STEMS),
        source=XIAO_SOURCE,
    script:
        "../../scripts/draw_gaze.py"


rule draw_confound:
    """What sessions with images of their own do to a pooled comparison of RDMs, simulated."""
    input:
        code=code_of("draw_confound"),
    output:
        figure("confound", category="Similarity", caption="confound"),
    log:
        "results/logs/draw_confound.log",
    benchmark:
        "results/benchmarks/draw_confound.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/draw_confound.py"

"""Tables, responses, predictions and similarities -> figures and their captions."""


def pls_of_hmo(dataset):
    """HMO's encoders by partial least squares, at most two: of the fewest components and of the most."""
    components = {
        f"{network}-{readout}": config["readouts"][readout]["pls"]
        for network in STUDY.networks_of(dataset)
        if config["networks"][network]["architecture"] == "hmo"
        for readout in STUDY.readouts_of(network)
        if "pls" in config["readouts"][readout]
    }
    ranked = sorted(components, key=components.get)
    return ranked[:1] + ranked[1:][-1:]


def figure(name, category, caption):
    """A figure in each format of the study, of which the png goes into the report: outputs of what draws it."""
    png, *others = [paths.FIGURE.format(figure=name, suffix=suffix) for suffix in config["figure_formats"]]
    return [report(png, category=category, caption=f"../report/{caption}.rst"), *others]


WITH_HELD_OUT = STUDY.with_encoders if "holdout" in config["protocols"] else []
FIGURES = expand(
    paths.FIGURE,
    figure=expand("{kind}_{dataset}", kind=["layers", "scores", "targets"], dataset=WITH_HELD_OUT)
    + [f"levels_{name}" for name in WITH_HELD_OUT if name in STUDY.with_rdms]
    + [f"r2_{name}" for name in WITH_HELD_OUT if pls_of_hmo(name)]
    + expand("rdms_{dataset}", dataset=STUDY.with_rdms)
    + expand("categories_{dataset}", dataset=STUDY.with_categories)
    + expand("training_{dataset}", dataset=[name for name in STUDY.with_encoders if STUDY.trained_of(name)])
    + (["reproduction"] if {"majaj", "xiao"} & {STUDY.datasets[name].kind for name in STUDY.with_encoders} else [])
    + expand("{kind}_{dataset}", kind=["psth", "gaze"], dataset=STUDY.with_sessions)
    + ["confound"] * bool(STUDY.with_sessions)
    + ["faces"] * bool(STUDY.face_networks),
    suffix=config["figure_formats"],
)


rule draw_scores:
    """Scores of the best encoders over neuroids and against the noise ceiling, and target against predicted rates."""
    input:
        scores=paths.table("scores"),
        summary=paths.table("summary"),
        responses=paths.RESPONSES,
        # Which encoder is best, only the scores will say.
        predictions=lambda wildcards: [
            path for dataset, path in STUDY.encoders() if dataset == wildcards.dataset and "/holdout/" in path
        ],
        code=code_of("draw_scores"),
    output:
        scores=figure("scores_{dataset}", category="Encoders", caption="scores"),
        targets=figure("targets_{dataset}", category="Encoders", caption="targets"),
    log:
        paths.log("draw_scores/{dataset}"),
    benchmark:
        paths.benchmark("draw_scores/{dataset}")
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
        scores=paths.table("scores"),
        summary=paths.table("summary"),
        code=code_of("draw_r2"),
    output:
        figure("r2_{dataset}", category="Encoders", caption="r2"),
    log:
        paths.log("draw_r2/{dataset}"),
    benchmark:
        paths.benchmark("draw_r2/{dataset}")
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
        table=paths.table("reproduction"),
        code=code_of("draw_reproduction"),
    output:
        figure("reproduction", category="Encoders", caption="reproduction_figure"),
    log:
        paths.log("draw_reproduction"),
    benchmark:
        paths.benchmark("draw_reproduction")
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
        layers=paths.table("layers"),
        responses=paths.RESPONSES,
        code=code_of("draw_layers"),
    output:
        figure("layers_{dataset}", category="Encoders", caption="layers"),
    log:
        paths.log("draw_layers/{dataset}"),
    benchmark:
        paths.benchmark("draw_layers/{dataset}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        networks=lambda wildcards: STUDY.networks_of(wildcards.dataset),
        min_reliability=config["min_reliability"],
    script:
        "../../scripts/draw_layers.py"


rule draw_levels:
    """Heat maps of all layers against all regions: encoding, RSA and CKA, with their ceilings."""
    input:
        layers=paths.table("layers"),
        rsa=paths.table("rsa"),
        responses=paths.RESPONSES,
        code=code_of("draw_levels"),
    output:
        figure("levels_{dataset}", category="Similarity", caption="levels"),
    log:
        paths.log("draw_levels/{dataset}"),
    benchmark:
        paths.benchmark("draw_levels/{dataset}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(20),
    params:
        networks=lambda wildcards: STUDY.networks_of(wildcards.dataset),
        min_reliability=config["min_reliability"],
    script:
        "../../scripts/draw_levels.py"


rule draw_rdms:
    """The RDM of every region beside that of the layer most like it, sorted by category."""
    input:
        rsa=paths.table("rsa"),
        similarity=paths.SIMILARITY,
        code=code_of("draw_rdms"),
    output:
        figure("rdms_{dataset}", category="Similarity", caption="rdms"),
    log:
        paths.log("draw_rdms/{dataset}"),
    benchmark:
        paths.benchmark("draw_rdms/{dataset}")
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
        responses=paths.RESPONSES,
        code=code_of("draw_categories"),
    output:
        figure("categories_{dataset}", category="Responses", caption="categories"),
    log:
        paths.log("draw_categories/{dataset}"),
    benchmark:
        paths.benchmark("draw_categories/{dataset}")
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
        psths=expand(paths.PSTH, dataset="xiao", session=XIAO_STEMS),
        units=paths.table("xiao_units"),
        code=code_of("draw_psth"),
    output:
        figure("psth_xiao", category="Responses", caption="psth"),
    log:
        paths.log("draw_psth"),
    benchmark:
        paths.benchmark("draw_psth")
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
        fixations=expand(paths.FIXATIONS, dataset="xiao", session=XIAO_STEMS),
        images=[f"{XIAO_SESSION_FILES}/{stem}_image.nwb" for stem in XIAO_STEMS.values()],
        stimuli=XIAO_SHOWN,
        code=code_of("draw_gaze"),
    output:
        figure("gaze_xiao", category="Responses", caption="gaze"),
    log:
        paths.log("draw_gaze"),
    benchmark:
        paths.benchmark("draw_gaze")
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
        paths.log("draw_confound"),
    benchmark:
        paths.benchmark("draw_confound")
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

"""Predictions and similarities -> tables."""

from ventral.study.provenance import git_state

TABLES = STUDY.tables()
FROM_OUTSIDE = STUDY.recordings_from_outside()
WEIGHTS_FROM_OUTSIDE = STUDY.weights_from_outside()


localrules:
    assemble_reproduction,
    assemble_rsa,
    write_provenance,


rule assemble_scores:
    """Score all encoders on held-out stimuli, with intervals and ceilings."""
    input:
        responses=expand(paths.RESPONSES, dataset=STUDY.with_encoders),
        predictions=[path for _, path in STUDY.encoders()],
        checks=expand(paths.WEIGHTS_CHECK, network=STUDY.claim_training),
        code=code_of("assemble_scores"),
    output:
        weights=paths.table("weights"),
        scores=paths.table("scores"),
        summary=report(paths.table("summary"), category="Tables", caption="../report/summary.rst"),
        layers=paths.table("layers"),
        markdown=paths.table("summary.md"),
        latex=paths.table("summary.tex"),
    log:
        paths.log("assemble_scores"),
    benchmark:
        paths.benchmark("assemble_scores")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000, 2),
        runtime=enough(30, 0.1),
    params:
        datasets=STUDY.with_encoders,
        owners=[dataset for dataset, _ in STUDY.encoders()],
        min_reliability=config["min_reliability"],
        references=STUDY.references,
        bootstrap=config["bootstrap"],
        interval_over=config["interval_over"],
        seed=config["seed"],
    script:
        "../../scripts/assemble_scores.py"


rule assemble_reproduction:
    """Compare each number of the literature with ours."""
    input:
        reported=os.path.relpath(HOME / "config" / "reported.csv"),
        summary=paths.table("summary"),
        layers=paths.table("layers"),
        faces=rules.assemble_faces.output.table if STUDY.hmo_networks else [],
        rsa=paths.table("rsa") if STUDY.hmo_networks else [],
        code=code_of("assemble_reproduction"),
    output:
        table=report(paths.table("reproduction"), category="Tables", caption="../report/reproduction.rst"),
        markdown=paths.table("reproduction.md"),
        latex=paths.table("reproduction.tex"),
    log:
        paths.log("assemble_reproduction"),
    benchmark:
        paths.benchmark("assemble_reproduction")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        kinds={name: STUDY.datasets[name].kind for name in STUDY.with_encoders},
        faces_dataset=STUDY.faces_dataset if STUDY.hmo_networks else None,
    script:
        "../../scripts/assemble_reproduction.py"


rule assemble_rsa:
    """Gather the comparisons of RDMs of all datasets, and list the regions without an RDM."""
    input:
        similarity=expand(paths.SIMILARITY, dataset=STUDY.with_rdms),
        code=code_of("assemble_rsa"),
    output:
        rsa=report(paths.table("rsa"), category="Tables", caption="../report/rsa.rst"),
        left_out=paths.table("left_out"),
    log:
        paths.log("assemble_rsa"),
    benchmark:
        paths.benchmark("assemble_rsa")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        datasets=STUDY.with_rdms,
    script:
        "../../scripts/assemble_rsa.py"


rule write_provenance:
    """Record what the results depend on: config, versions, seeds, hashes of inputs from outside, git commit."""
    input:
        project=os.path.relpath(HOME / "pyproject.toml"),
        recordings=[given(path) for files in FROM_OUTSIDE.values() for path in files],
        weights=list(WEIGHTS_FROM_OUTSIDE.values()),
        code=code_of("write_provenance"),
    output:
        provenance=paths.table("provenance.json"),
    log:
        paths.log("write_provenance"),
    benchmark:
        paths.benchmark("write_provenance")
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

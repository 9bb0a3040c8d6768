"""HMO (Yamins et al. 2014; report 004): a network made to tell faces in the free-viewing images."""


rule label_faces:
    """Say which stimuli show a face; a file of its own, so that new responses to the same stimuli train nothing anew."""
    input:
        responses="results/responses/xiao.nc",
        rois=xiao_rois,
        code=code_of("label_faces"),
    output:
        faces="results/hmo/faces.csv",
    log:
        "results/logs/label_faces.log",
    benchmark:
        "results/benchmarks/label_faces.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(10),
    params:
        content=content_of(xiao_rois),
        rois=XIAO_ROIS,
    script:
        "../../scripts/label_faces.py"


rule train_hmo:
    """Draw modules, choose those of level N1 on the train images, train the levels above, and judge the whole."""
    input:
        images="results/images/xiao.h5",
        faces="results/hmo/faces.csv",
        code=code_of("train_hmo"),
    output:
        card="results/hmo/card.json",
        state="results/hmo/state.pt",
        candidates="results/hmo/candidates.csv",
        scores="results/hmo/scores.csv",
    log:
        "results/logs/train_hmo.log",
    benchmark:
        "results/benchmarks/train_hmo.tsv"
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"]),
        runtime=enough(240),
        gpu=gpus,
        turn=1,
    params:
        **config["hmo"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/train_hmo.py"

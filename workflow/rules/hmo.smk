"""HMO (Yamins et al. 2014; report 004): a network made to tell faces in the free-viewing images."""


rule label_faces:
    """Say which stimuli show a face; a file of its own, so that new responses to the same stimuli train nothing anew."""
    input:
        responses=paths.RESPONSES.format(dataset="xiao"),
        rois=xiao_rois,
        code=code_of("label_faces"),
    output:
        faces=paths.FACES,
    log:
        paths.log("label_faces"),
    benchmark:
        paths.benchmark("label_faces")
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
        images=paths.IMAGES.format(dataset="xiao"),
        faces=paths.FACES,
        code=code_of("train_hmo"),
    output:
        card=f"{paths.HMO}/card.json",
        state=f"{paths.HMO}/state.pt",
        candidates=f"{paths.HMO}/candidates.csv",
        scores=f"{paths.HMO}/scores.csv",
    log:
        paths.log("train_hmo"),
    benchmark:
        paths.benchmark("train_hmo")
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

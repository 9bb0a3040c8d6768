"""HMO (Yamins et al. 2014; report 004): a network made to detect faces in free-viewing images."""

# Of the dataset that faces are learnt on; a study without one has no job that reads them.
FACES_IMAGES, FACES_RESPONSES = (
    pattern.format(dataset=STUDY.faces_dataset or "none") for pattern in (paths.IMAGES, paths.RESPONSES)
)


rule label_faces:
    """Say which stimuli show a face; a file of its own, so that new responses to the same stimuli train nothing anew."""
    input:
        responses=FACES_RESPONSES,
        rois=face_regions,
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
        content=content_of(face_regions),
        rois=lambda wildcards: STUDY.datasets[STUDY.faces_dataset].regions_folder,
    script:
        "../../scripts/label_faces.py"


rule train_hmo:
    """Draw modules, choose those of level N1 on the train images, train the levels above, and judge the whole."""
    input:
        images=FACES_IMAGES,
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
        **{key: value for key, value in config["hmo"].items() if key != "dataset"},
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/train_hmo.py"

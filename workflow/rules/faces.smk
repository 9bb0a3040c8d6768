"""Networks that learn to detect faces: HMO (Yamins et al. 2014), and its rivals (networks with `weights: faces`)."""

from ventral.study.plan import FOR_TRAINING

# Files of the dataset from which networks learn faces. A study without such a dataset has no job that reads them.
FACES_IMAGES, FACES_RESPONSES = (
    pattern.format(dataset=STUDY.faces_dataset or "none") for pattern in (paths.IMAGES, paths.RESPONSES)
)


localrules:
    assemble_faces,


rule label_faces:
    """List which stimuli show a face. Training reads only this list, so new responses to them retrain nothing."""
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
    """Draw modules at random, choose those of level N1 on the train images, train the upper levels, and score HMO."""
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


rule train_on_faces:
    """Train a network with random weights on the images from which HMO learns, and score it on the same sets."""
    input:
        images=FACES_IMAGES,
        faces=paths.FACES,
        network=own_code,
        code=code_of("train_on_faces"),
    output:
        state=f"{paths.FACE_NETWORK}/state.pt",
        scores=f"{paths.FACE_NETWORK}/scores.csv",
        losses=f"{paths.FACE_NETWORK}/losses.csv",
    log:
        paths.log("train_on_faces/{network}"),
    benchmark:
        paths.benchmark("train_on_faces/{network}")
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"]),
        runtime=enough(240),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(own_code),
        # Keys that concern only later runs of the network are left out.
        network=lambda wildcards: {
            key: value for key, value in config["networks"][wildcards.network].items() if key in FOR_TRAINING
        },
        epochs=config["hmo"]["epochs"],
        image_size=config["hmo"]["image_size"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/train_on_faces.py"


rule assemble_faces:
    """Gather the face detection accuracy of HMO, its rivals and the baselines."""
    input:
        scores=([rules.train_hmo.output.scores] if STUDY.hmo_networks else [])
        + expand(
            rules.train_on_faces.output.scores,
            network=[name for name in STUDY.face_networks if name not in STUDY.hmo_networks],
        ),
        code=code_of("assemble_faces"),
    output:
        table=report(paths.table("faces"), category="Tables", caption="../report/faces.rst"),
    log:
        paths.log("assemble_faces"),
    benchmark:
        paths.benchmark("assemble_faces")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        dataset=STUDY.faces_dataset,
        source=lambda wildcards: STUDY.datasets[STUDY.faces_dataset].name,
    script:
        "../../scripts/assemble_faces.py"

"""HMO's rivals: networks of any architecture trained on the same faces (`weights: faces`), and how well all tell them."""

from ventral.study.plan import FOR_TRAINING


localrules:
    assemble_faces,


rule train_on_faces:
    """Train a network from random weights on the images that HMO learns from, and judge it on the same sets."""
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
        # Without what says how it is run afterwards.
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
    """Gather how well HMO, its rivals and the baselines tell faces."""
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

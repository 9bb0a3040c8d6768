"""HMO's rivals: networks of any architecture trained on the same faces (`weights: faces`), and how well all tell them."""

LEARN_FACES = [name for name in networks_of("xiao") if learns_faces(name)]
TRAINS_HMO = any(config["networks"][name]["architecture"] in STUDY for name in LEARN_FACES)
RIVALS = [name for name in LEARN_FACES if config["networks"][name]["architecture"] not in STUDY]

refuse(
    ["networks: all of them learn faces, and no session of this study has images whose faces are labelled; add another"]
    if WITH_ENCODERS and not HAS_FACES and all(map(learns_faces, config["networks"]))
    else []
)


localrules:
    assemble_faces,


rule train_on_faces:
    """Train a network from random weights on the images that HMO learns from, and judge it on the same sets."""
    input:
        images="results/images/xiao.h5",
        faces="results/hmo/faces.csv",
        network=code_of_network,
        code=code_of("train_on_faces"),
    output:
        state="results/faces/{network}/state.pt",
        scores="results/faces/{network}/scores.csv",
        losses="results/faces/{network}/losses.csv",
    log:
        "results/logs/train_on_faces/{network}.log",
    benchmark:
        "results/benchmarks/train_on_faces/{network}.tsv"
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"]),
        runtime=enough(240),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(code_of_network),
        # Without what says how it is run afterwards.
        network=lambda wildcards: {
            key: value
            for key, value in config["networks"][wildcards.network].items()
            if key in ("architecture", "image_size", "mean", "std", "seed")
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
        scores=([rules.train_hmo.output.scores] if TRAINS_HMO else [])
        + expand(rules.train_on_faces.output.scores, network=RIVALS),
        code=code_of("assemble_faces"),
    output:
        table=report("results/tables/faces.csv", category="Tables", caption="../report/faces.rst"),
    log:
        "results/logs/assemble_faces.log",
    benchmark:
        "results/benchmarks/assemble_faces.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        source=XIAO_SOURCE,
    script:
        "../../scripts/assemble_faces.py"


rule draw_faces:
    """Accuracy on every set of images, and what is taken for a face, by HMO, its rivals and the baselines."""
    input:
        table="results/tables/faces.csv",
        code=code_of("draw_faces"),
    output:
        figure("faces", category="Faces", caption="faces_figure"),
    log:
        "results/logs/draw_faces.log",
    benchmark:
        "results/benchmarks/draw_faces.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    script:
        "../../scripts/draw_faces.py"

"""Responses and images -> encoders trained on the neurons, one job for each dataset, protocol and encoder.

Inputs: `responses/{dataset}.nc`, `images/{dataset}.h5`, the file of the weights that training starts from.
Outputs: predictions as those of `fit_encoders`, learning curves, and a folder with the encoder of the first split.
A killed job continues from its checkpoints. A finished job deletes them.
"""


ruleorder: train_encoder > keep_encoder


rule train_encoder:
    """Train a network on the neurons, for every split of the protocol and every seed; predict the held-out stimuli."""
    input:
        responses=paths.RESPONSES,
        images=paths.IMAGES,
        weights=lambda wildcards: STUDY.trained_from(wildcards.encoder),
        network=lambda wildcards: STUDY.own_code_of_trained(wildcards.encoder),
        checked=paths.CHECKED,
        code=code_of("train_encoder"),
    output:
        predictions=paths.PREDICTIONS,
        curves=paths.CURVES,
        card=f"{paths.ENCODER}/card.json",
    log:
        paths.log("train_encoder/{dataset}/{protocol}/{encoder}"),
    benchmark:
        paths.benchmark("train_encoder/{dataset}/{protocol}/{encoder}")
    wildcard_constraints:
        encoder=either(STUDY.trained),
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(720),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(
            lambda wildcards: STUDY.trained_from(wildcards.encoder),
            lambda wildcards: STUDY.own_code_of_trained(wildcards.encoder),
        ),
        entry=lambda wildcards: {k: v for k, v in STUDY.trained[wildcards.encoder].items() if k != "datasets"},
        network=lambda wildcards: config["networks"].get(STUDY.trained[wildcards.encoder]["network"]),
        checkpoints=paths.CHECKPOINTS,
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/train_encoder.py"

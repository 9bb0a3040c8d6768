"""Responses + images -> encoders trained by gradient on the neurons, one job a dataset, protocol and encoder.

Inputs: `responses/{dataset}.nc`, `images/{dataset}.h5`, the file of the weights that training starts from.
Outputs: predictions as those of `fit_encoders`, learning curves, and the folder of the encoder trained on the first split.
Checkpoints are in `resources/training/{dataset}/{protocol}/{encoder}`: a killed job goes on from them, a finished one
deletes them.
"""

HYBRID = ("swin_t", "resnet50")  # the networks of torchvision whose weights a pretrained hybrid starts from
HYBRID_WEIGHTS = (
    {weights_key(name, "pretrained"): {"architecture": name, "weights": "pretrained"} for name in HYBRID}
    if config["download_weights"]
    and any("weights" in entry and entry["weights"] != "random" for entry in TRAINED.values())
    else {}
)
TO_DOWNLOAD.update(HYBRID_WEIGHTS)


ruleorder: train_encoder > keep_encoder


rule train_encoder:
    """Train a network on the neurons, once for every split of the protocol and every seed; predict what is held out."""
    input:
        responses="results/responses/{dataset}.nc",
        images="results/images/{dataset}.h5",
        weights=trained_from,
        network=code_of_trained,
        checked="results/checks/{dataset}/{protocol}.txt",
        code=code_of("train_encoder"),
    output:
        predictions="results/predictions/{dataset}/{protocol}/{encoder}.nc",
        curves="results/training/{dataset}/{protocol}/{encoder}.csv",
        card="results/encoders/{dataset}/{protocol}/{encoder}/card.json",
    log:
        "results/logs/train_encoder/{dataset}/{protocol}/{encoder}.log",
    benchmark:
        "results/benchmarks/train_encoder/{dataset}/{protocol}/{encoder}.tsv"
    wildcard_constraints:
        encoder="|".join(TRAINED) or "(?!)",
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(720),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(trained_from, code_of_trained),
        entry=lambda wildcards: {k: v for k, v in TRAINED[wildcards.encoder].items() if k != "datasets"},
        network=lambda wildcards: config["networks"].get(TRAINED[wildcards.encoder]["network"]),
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/train_encoder.py"


rule draw_training:
    """Loss and r of every trained encoder of a dataset, epoch by epoch."""
    input:
        curves=lambda wildcards: expand(
            "results/training/{dataset}/{protocol}/{encoder}.csv",
            dataset=wildcards.dataset,
            protocol=config["protocols"][0],
            encoder=trained_of(wildcards.dataset),
        ),
        responses="results/responses/{dataset}.nc",
        code=code_of("draw_training"),
    output:
        figure("training_{dataset}", category="Encoders", caption="training"),
    log:
        "results/logs/draw_training/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_training/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    script:
        "../../scripts/draw_training.py"

"""Weights of networks: downloaded from their publishers, and checked to be those of a trained network.

Inputs: none but what the config names.
Outputs: `resources/weights/{key}`, one file for each network whose weights are elsewhere; `results/weights/{network}.csv`,
one row for each network that claims to be trained: does it tell categories of objects apart better than its random copy?
"""

TO_DOWNLOAD = {
    weights_key(settings["architecture"], settings["weights"]): settings
    for settings in config["networks"].values()
    if is_downloaded(settings)
}
WEIGHTS_CHECKS = [
    f"results/weights/{name}.csv" for name, settings in config["networks"].items() if claims_training(settings)
]


localrules:
    download_weights,


rule download_weights:
    """Download weights of a network; their hash says what they are, so no code is input."""
    output:
        file="resources/weights/{key}",
    log:
        "results/logs/download_weights/{key}.log",
    benchmark:
        "results/benchmarks/download_weights/{key}.tsv"
    wildcard_constraints:
        key="[A-Za-z0-9_.-]+",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(60),
    params:
        architecture=lambda wildcards: TO_DOWNLOAD[wildcards.key]["architecture"],
        weights=lambda wildcards: TO_DOWNLOAD[wildcards.key]["weights"],
        sha256=lambda wildcards: TO_DOWNLOAD[wildcards.key].get("sha256"),
    script:
        "../../scripts/download_weights.py"


rule render_objects:
    """Draw objects of eight categories, in every pose, place and size, for the check of weights."""
    input:
        code=code_of("render_objects"),
    output:
        images="resources/objects.h5",
    log:
        "results/logs/render_objects.log",
    benchmark:
        "results/benchmarks/render_objects.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(10),
    params:
        n_images=320,
        image_size=128,
    script:
        "../../scripts/render_objects.py"


rule check_weights:
    """Compare a network that claims to be trained with its random copy: which one tells objects apart."""
    input:
        images="resources/objects.h5",
        weights=weights_file,
        network=code_of_network,
        code=code_of("check_weights"),
    output:
        check="results/weights/{network}.csv",
    log:
        "results/logs/check_weights/{network}.log",
    benchmark:
        "results/benchmarks/check_weights/{network}.tsv"
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"]),
        runtime=enough(30),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(weights_file, code_of_network),
        network=lambda wildcards: {
            key: value
            for key, value in config["networks"][wildcards.network].items()
            if key not in ("layers", "keep", "with_category", "category_scale")
        },
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/check_weights.py"

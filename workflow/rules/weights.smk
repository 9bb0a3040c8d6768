"""Weights of networks: download them from their publishers, and check that they are those of a trained network.

The check: does a network with trained weights classify objects better than its copy with random weights?
"""


localrules:
    download_weights,


rule download_weights:
    """Download the weights of a network. A hash checks them, so they do not depend on code."""
    output:
        file=paths.WEIGHTS,
    log:
        paths.log("download_weights/{key}"),
    benchmark:
        paths.benchmark("download_weights/{key}")
    wildcard_constraints:
        key="[A-Za-z0-9_.-]+",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(60),
    params:
        architecture=lambda wildcards: STUDY.to_download[wildcards.key]["architecture"],
        weights=lambda wildcards: STUDY.to_download[wildcards.key]["weights"],
        sha256=lambda wildcards: STUDY.to_download[wildcards.key].get("sha256"),
    script:
        "../../scripts/download_weights.py"


rule render_objects:
    """Draw objects of eight categories in many poses, places and sizes, for the check of weights."""
    input:
        code=code_of("render_objects"),
    output:
        images=paths.OBJECTS,
    log:
        paths.log("render_objects"),
    benchmark:
        paths.benchmark("render_objects")
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
    """Check whether a network with trained weights classifies objects better than its copy with random weights."""
    input:
        images=paths.OBJECTS,
        weights=weights_file,
        network=own_code,
        code=code_of("check_weights"),
    output:
        check=paths.WEIGHTS_CHECK,
    log:
        paths.log("check_weights/{network}"),
    benchmark:
        paths.benchmark("check_weights/{network}")
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"]),
        runtime=enough(30),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(weights_file, own_code),
        network=lambda wildcards: STUDY.settings_for_check(wildcards.network),
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/check_weights.py"

"""Images and a network -> one Gram matrix for each layer, in one pass over the images."""


rule extract_activations:
    """Run a network once on the images, and keep the Gram matrix of each layer. Activations are temporary."""
    input:
        images=paths.IMAGES,
        weights=weights_file,
        network=own_code,
        code=code_of("extract_activations"),
    output:
        grams=paths.GRAMS,
    log:
        paths.log("extract_activations/{dataset}/{network}"),
    benchmark:
        paths.benchmark("extract_activations/{dataset}/{network}")
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(30, 0.3),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(weights_file, own_code),
        network=lambda wildcards: config["networks"][wildcards.network],
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/extract_activations.py"

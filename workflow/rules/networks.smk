"""Images x network -> one Gram matrix a layer, all layers in one pass."""


rule extract_activations:
    """Run a network once over the images; its activations pass through a temporary file, Gram matrices stay."""
    input:
        images="results/images/{dataset}.h5",
        weights=weights_file,
        network=code_of_network,
        code=code_of("extract_activations"),
    output:
        grams="results/activations/{dataset}/{network}.h5",
    log:
        "results/logs/extract_activations/{dataset}/{network}.log",
    benchmark:
        "results/benchmarks/extract_activations/{dataset}/{network}.tsv"
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(30, 0.3),
        gpu=gpus,
        turn=1,
    params:
        content=content_of(weights_file, code_of_network),
        network=lambda wildcards: config["networks"][wildcards.network],
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/extract_activations.py"

"""Images x network -> one Gram matrix a layer, all layers in one pass."""


localrules:
    check_responses,


rule check_responses:
    """See to it that every protocol can be fitted to the responses of every dataset, before any network runs."""
    input:
        responses=expand("results/responses/{dataset}.nc", dataset=WITH_ENCODERS),
        code=code_of("check_responses"),
    output:
        checked=CHECKED,
    log:
        "results/logs/check_responses.log",
    benchmark:
        "results/benchmarks/check_responses.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(20),
    params:
        datasets=WITH_ENCODERS,
        protocols=config["protocols"],
        seed=config["seed"],
    script:
        "../../scripts/check_responses.py"


rule extract_activations:
    """Run a network once over the images; its activations pass through a temporary file, Gram matrices stay."""
    input:
        images="results/images/{dataset}.h5",
        weights=weights_file,
        network=code_of_network,
        checked=ancient(CHECKED),
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
    params:
        content=content_of(weights_file, code_of_network),
        network=lambda wildcards: config["networks"][wildcards.network],
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/extract_activations.py"

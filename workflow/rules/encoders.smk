"""Responses + Gram matrices -> predictions of held-out stimuli, one file an encoder."""


rule fit_encoder:
    """Fit one readout of every layer of a network to every neuroid; choose the layer of each region on train."""
    input:
        responses="results/responses/{dataset}.nc",
        grams="results/activations/{dataset}/{network}.h5",
        code=code_of("fit_encoder"),
    output:
        predictions="results/predictions/{dataset}/{protocol}/{network}-{readout}.nc",
    log:
        "results/logs/fit_encoder/{dataset}/{protocol}/{network}-{readout}.log",
    benchmark:
        "results/benchmarks/fit_encoder/{dataset}/{protocol}/{network}-{readout}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 4),
        runtime=enough(20, 0.5),
    params:
        readout=readout_of,
        seed=config["seed"],
    script:
        "../../scripts/fit_encoder.py"


rule keep_encoder:
    """Keep a linear encoder in a folder, for use on any images; made on demand, by the name of its card."""
    input:
        responses="results/responses/{dataset}.nc",
        images="results/images/{dataset}.h5",
        grams="results/activations/{dataset}/{network}.h5",
        predictions="results/predictions/{dataset}/{protocol}/{network}-{readout}.nc",
        weights=weights_file,
        network=code_of_network,
        code=code_of("keep_encoder"),
    output:
        card="results/encoders/{dataset}/{protocol}/{network}-{readout}/card.json",
        network="results/encoders/{dataset}/{protocol}/{network}-{readout}/network.safetensors",
        readout="results/encoders/{dataset}/{protocol}/{network}-{readout}/readout.safetensors",
    log:
        "results/logs/keep_encoder/{dataset}/{protocol}/{network}-{readout}.log",
    benchmark:
        "results/benchmarks/keep_encoder/{dataset}/{protocol}/{network}-{readout}.tsv"
    wildcard_constraints:
        network="|".join(config["networks"]) or "(?!)",
        readout="|".join(config["readouts"]) or "(?!)",
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(60, 0.1),
        gpu=gpus,
    params:
        content=content_of(weights_file, code_of_network),
        network=lambda wildcards: config["networks"][wildcards.network],
        readout=readout_of,
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/keep_encoder.py"

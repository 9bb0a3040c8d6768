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
        mem_mb=2000,
    params:
        readout=lambda wildcards: config["readouts"][wildcards.readout],
        seed=config["seed"],
    script:
        "../../scripts/fit_encoder.py"

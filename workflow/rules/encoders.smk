"""Responses + Gram matrices -> predictions of held-out stimuli, one file an encoder.

One job fits all linear readouts of a network, which lean on the same decompositions, and one each deep head. Outputs
cannot depend on wildcards, so there is a rule `fit_encoders`, `fit_encoders_2` ... for each set of readouts that
networks have in common.
"""


localrules:
    check_responses,


rule check_responses:
    """See to it that a protocol can be fitted to the responses of a dataset, before any network runs."""
    input:
        responses="results/responses/{dataset}.nc",
        code=code_of("check_responses"),
    output:
        checked="results/checks/{dataset}/{protocol}.txt",
    log:
        "results/logs/check_responses/{dataset}/{protocol}.log",
    benchmark:
        "results/benchmarks/check_responses/{dataset}/{protocol}.tsv"
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(20),
        turn=TURN,
    params:
        seed=config["seed"],
    script:
        "../../scripts/check_responses.py"


for i, ((KIND, READOUTS), NETWORKS) in enumerate(fitted_together().items(), start=1):

    rule:
        """Fit readouts of every layer of a network to every neuroid; choose the layer of each region on train."""
        name:
            "fit_encoders" if i == 1 else f"fit_encoders_{i}"
        input:
            responses="results/responses/{dataset}.nc",
            grams="results/activations/{dataset}/{network}.h5",
            checked="results/checks/{dataset}/{protocol}.txt",
            code=code_of("fit_encoders"),
        output:
            predictions=[
                f"results/predictions/{{dataset}}/{{protocol}}/{{network}}-{readout}.nc" for readout in READOUTS
            ],
        log:
            f"results/logs/fit_encoders/{{dataset}}/{{protocol}}/{{network}}-{KIND}.log",
        benchmark:
            f"results/benchmarks/fit_encoders/{{dataset}}/{{protocol}}/{{network}}-{KIND}.tsv"
        wildcard_constraints:
            network="|".join(NETWORKS),
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=enough(1000, 4 + len(READOUTS)),
            runtime=enough(20 * len(READOUTS), 0.5),
        params:
            readouts={name: readout_settings(name) for name in READOUTS},
            seed=config["seed"],
            min_reliability=config["min_reliability"],
        script:
            "../../scripts/fit_encoders.py"


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
        readout=lambda wildcards: readout_settings(wildcards.readout),
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/keep_encoder.py"

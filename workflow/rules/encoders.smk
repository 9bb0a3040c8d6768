"""Responses and Gram matrices -> predictions for held-out stimuli, one file for each encoder.

One job fits all quick readouts of a network, because they share the decompositions of its layers. Each slow readout has
a job of its own. The outputs of a rule are fixed, so each set of readouts that networks have in common has a rule:
`fit_encoders`, `fit_encoders_2` and so on.
"""

KEPT = paths.ENCODER.replace("{encoder}", "{network}-{readout}")


localrules:
    check_responses,


rule check_responses:
    """Check, before any network runs, that encoders can be fitted to the responses of a dataset with a protocol."""
    input:
        responses=paths.RESPONSES,
        code=code_of("check_responses"),
    output:
        checked=paths.CHECKED,
    log:
        paths.log("check_responses/{dataset}/{protocol}"),
    benchmark:
        paths.benchmark("check_responses/{dataset}/{protocol}")
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


for i, job in enumerate(STUDY.fit_jobs(), start=1):

    rule:
        """Fit readouts of every layer of a network to every neuroid, and choose a layer for each region on train."""
        name:
            "fit_encoders" if i == 1 else f"fit_encoders_{i}"
        input:
            responses=paths.RESPONSES,
            grams=paths.GRAMS,
            checked=paths.CHECKED,
            code=code_of("fit_encoders", *STUDY.code_of_readouts(job.readouts)),
        output:
            predictions=[paths.PREDICTIONS.replace("{encoder}", f"{{network}}-{name}") for name in job.readouts],
        log:
            paths.log(f"fit_encoders/{{dataset}}/{{protocol}}/{{network}}-{job.name}"),
        benchmark:
            paths.benchmark(f"fit_encoders/{{dataset}}/{{protocol}}/{{network}}-{job.name}")
        wildcard_constraints:
            network=either(job.networks),
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=enough(1000, 4 + len(job.readouts)),
            runtime=enough(20 * len(job.readouts), 0.5),
        params:
            readouts={name: STUDY.readout_settings(name) for name in job.readouts},
            seed=config["seed"],
            min_reliability=config["min_reliability"],
        script:
            "../../scripts/fit_encoders.py"


rule keep_encoder:
    """Keep a linear encoder in a folder, for use on any images. Ask for its card.json to make it."""
    input:
        responses=paths.RESPONSES,
        images=paths.IMAGES,
        grams=paths.GRAMS,
        predictions=paths.PREDICTIONS.replace("{encoder}", "{network}-{readout}"),
        weights=weights_file,
        network=own_code,
        code=lambda wildcards: code_of("keep_encoder", *STUDY.code_of_readouts([wildcards.readout])),
    output:
        card=f"{KEPT}/card.json",
        network=f"{KEPT}/network.safetensors",
        readout=f"{KEPT}/readout.safetensors",
    log:
        paths.log("keep_encoder/{dataset}/{protocol}/{network}-{readout}"),
    benchmark:
        paths.benchmark("keep_encoder/{dataset}/{protocol}/{network}-{readout}")
    wildcard_constraints:
        network=either(config["networks"]),
        readout=either(config["readouts"]),
    conda:
        NETWORK_ENV
    threads: config["resources"]["threads"]
    resources:
        mem_mb=enough(config["resources"]["mem_mb"], 2),
        runtime=enough(60, 0.1),
        gpu=gpus,
    params:
        content=content_of(weights_file, own_code),
        network=lambda wildcards: config["networks"][wildcards.network],
        readout=lambda wildcards: STUDY.readout_settings(wildcards.readout),
        device=config["device"],
        seed=config["seed"],
    script:
        "../../scripts/keep_encoder.py"

"""Responses and Gram matrices -> RDMs of regions and layers, and their similarity."""


rule compare_rdms:
    """Make the RDM of every region and of every layer of every network, and compare them."""
    input:
        responses=paths.RESPONSES,
        grams=lambda wildcards: expand(
            paths.GRAMS,
            dataset=wildcards.dataset,
            network=STUDY.networks_of(wildcards.dataset) if wildcards.dataset in STUDY.with_images else [],
        ),
        code=code_of("compare_rdms"),
    output:
        similarity=paths.SIMILARITY,
    log:
        paths.log("compare_rdms/{dataset}"),
    benchmark:
        paths.benchmark("compare_rdms/{dataset}")
    wildcard_constraints:
        dataset=either(STUDY.with_rdms),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=enough(4000, 2),
        runtime=enough(60, 0.1),
    params:
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/compare_rdms.py"

"""Responses + Gram matrices -> RDMs of regions and layers, and how alike they are."""


rule compare_rdms:
    """Make the RDM of every region and of every layer of every network, and compare them."""
    input:
        responses="results/responses/{dataset}.nc",
        grams=lambda wildcards: expand(
            "results/activations/{{dataset}}/{network}.h5",
            network=networks_of(wildcards.dataset) if wildcards.dataset in WITH_IMAGES else [],
        ),
        code=code_of("compare_rdms"),
    output:
        similarity="results/similarity/{dataset}.h5",
    log:
        "results/logs/compare_rdms/{dataset}.log",
    benchmark:
        "results/benchmarks/compare_rdms/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(WITH_RDMS) or "none",
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

"""Majaj & Hong 2015: simulate the publisher's files (assembly, csv and zip)."""

from ventral.study.recordings import source_of


rule simulate_majaj:
    """Simulate recordings with known tuning, in the format of the publisher's files, and write the tuning too."""
    input:
        code=code_of("simulate_majaj"),
    output:
        **source_of("{dataset}", {"kind": "majaj", "source": "simulated"}).simulated_files(),
    log:
        paths.log("simulate_majaj/{dataset}"),
    benchmark:
        paths.benchmark("simulate_majaj/{dataset}")
    wildcard_constraints:
        dataset=either(of_kind("majaj", is_simulated=True)),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(30),
    params:
        simulation=lambda wildcards: config["datasets"][wildcards.dataset]["simulation"],
        seed=config["seed"],
    script:
        "../../scripts/simulate_majaj.py"

"""Majaj & Hong 2015: download the publisher's files (assembly, csv and zip), or simulate them."""

from ventral.data.sources.majaj import PUBLISHED, addresses
from ventral.study.recordings import source_of


rule download_majaj:
    """Download one of the publisher's three files. A hash checks it, so it does not depend on code."""
    output:
        file=f"{paths.DOWNLOADED.format(kind='majaj')}/{{name}}",
    log:
        paths.log("download_majaj/{name}"),
    benchmark:
        paths.benchmark("download_majaj/{name}")
    wildcard_constraints:
        name=either(name for name, _ in PUBLISHED.values()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(60),
    params:
        urls=lambda wildcards: addresses(wildcards.name),
        sha1=lambda wildcards: dict(PUBLISHED.values())[wildcards.name],
    script:
        "../../scripts/download_majaj.py"


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

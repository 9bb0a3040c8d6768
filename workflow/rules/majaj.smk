"""Majaj & Hong 2015: the publisher's assembly, csv and zip (or simulated ones) -> images and responses of IT and V4."""

from ventral.data.majaj.files import PUBLISHED as PUBLISHED_MAJAJ
from ventral.data.majaj.files import addresses

MAJAJ = DATASETS.get("majaj", {"source": "none"})
SIMULATED_MAJAJ = {kind: f"resources/majaj_simulated/{name}" for kind, (name, _) in PUBLISHED_MAJAJ.items()}
MAJAJ_FILES = {
    "files": MAJAJ,
    "published": {kind: MAJAJ.get(kind, f"resources/majaj/{name}") for kind, (name, _) in PUBLISHED_MAJAJ.items()},
}.get(MAJAJ["source"], SIMULATED_MAJAJ)
MAJAJ_FILES = {kind: MAJAJ_FILES[kind] for kind in PUBLISHED_MAJAJ}


rule download_majaj:
    """Download one of the publisher's three files; its hash says what it is, so no code is input."""
    output:
        file="resources/majaj/{name}",
    log:
        "results/logs/download_majaj/{name}.log",
    benchmark:
        "results/benchmarks/download_majaj/{name}.tsv"
    wildcard_constraints:
        name="|".join(name for name, _ in PUBLISHED_MAJAJ.values()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(60),
    params:
        urls=lambda wildcards: addresses(wildcards.name),
        sha1=lambda wildcards: dict(PUBLISHED_MAJAJ.values())[wildcards.name],
    script:
        "../../scripts/download_majaj.py"


rule simulate_majaj:
    """Write simulated recordings with known tuning in the publisher's own files, and the truth beside them."""
    input:
        code=code_of("simulate_majaj"),
    output:
        **SIMULATED_MAJAJ,
        truth="resources/majaj_simulated/truth.nc",
        course="resources/majaj_simulated/IT_data.h5",
    log:
        "results/logs/simulate_majaj.log",
    benchmark:
        "results/benchmarks/simulate_majaj.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(30),
    params:
        simulation=MAJAJ.get("simulation"),
        seed=config["seed"],
    script:
        "../../scripts/simulate_majaj.py"


rule pack_majaj_images:
    """Pack the images that were shown, in order of image id."""
    input:
        **MAJAJ_FILES,
        code=code_of("pack_majaj_images"),
    output:
        images="results/images/majaj.h5",
    log:
        "results/logs/pack_majaj_images.log",
    benchmark:
        "results/benchmarks/pack_majaj_images.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(20, 0.05),
    params:
        content=content_of(MAJAJ_FILES.values()),
    script:
        "../../scripts/pack_majaj_images.py"


rule read_majaj:
    """Average the repetitions of every site, estimate its reliability, and split the stimuli."""
    input:
        assembly=MAJAJ_FILES["assembly"],
        stimuli=MAJAJ_FILES["stimuli"],
        code=code_of("read_majaj"),
    output:
        responses="results/responses/majaj.nc",
    log:
        "results/logs/read_majaj.log",
    benchmark:
        "results/benchmarks/read_majaj.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(20, 0.1),
    params:
        content=content_of(MAJAJ_FILES["assembly"], MAJAJ_FILES["stimuli"]),
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_majaj.py"


if MAJAJ["source"] == "course_file":

    include: "majaj_course.smk"

"""Majaj & Hong 2015: the publisher's assembly, csv and zip (or simulated ones) -> images and responses of IT and V4."""

from ventral.data.majaj.files import PUBLISHED as PUBLISHED_MAJAJ
from ventral.data.majaj.files import addresses

MAJAJ = config["datasets"].get("majaj", {"source": "none"})
SIMULATED = paths.SIMULATED.format(dataset="majaj")
SIMULATED_MAJAJ = {kind: f"{SIMULATED}/{name}" for kind, (name, _) in PUBLISHED_MAJAJ.items()}
MAJAJ_FILES = {
    "files": MAJAJ,
    "published": {
        kind: MAJAJ.get(kind, f"{paths.MAJAJ_DOWNLOADED}/{name}") for kind, (name, _) in PUBLISHED_MAJAJ.items()
    },
}.get(MAJAJ["source"], SIMULATED_MAJAJ)
MAJAJ_FILES = {kind: MAJAJ_FILES[kind] for kind in PUBLISHED_MAJAJ}


rule download_majaj:
    """Download one of the publisher's three files; its hash says what it is, so no code is input."""
    output:
        file=f"{paths.MAJAJ_DOWNLOADED}/{{name}}",
    log:
        paths.log("download_majaj/{name}"),
    benchmark:
        paths.benchmark("download_majaj/{name}")
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
        truth=f"{SIMULATED}/truth.nc",
        course=f"{SIMULATED}/IT_data.h5",
    log:
        paths.log("simulate_majaj"),
    benchmark:
        paths.benchmark("simulate_majaj")
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
        images=paths.IMAGES.format(dataset="majaj"),
    log:
        paths.log("pack_majaj_images"),
    benchmark:
        paths.benchmark("pack_majaj_images")
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
        responses=paths.RESPONSES.format(dataset="majaj"),
    log:
        paths.log("read_majaj"),
    benchmark:
        paths.benchmark("read_majaj")
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

"""Majaj & Hong 2015: the publisher's assembly, csv and zip (or simulated ones) -> images and responses of IT and V4."""

MAJAJ = DATASETS.get("majaj", {})
SIMULATED_MAJAJ = {
    "assembly": "resources/majaj_simulated/assy_dicarlo_MajajHong2015_public.nc",
    "stimuli": "resources/majaj_simulated/stimulus_hvm-public.csv",
    "images": "resources/majaj_simulated/stimulus_hvm-public.zip",
}
MAJAJ_FILES = {
    kind: MAJAJ[kind] if MAJAJ.get("source") == "files" else simulated for kind, simulated in SIMULATED_MAJAJ.items()
}


rule simulate_majaj:
    """Write simulated recordings with known tuning in the publisher's own files, and the truth beside them."""
    input:
        code=code_of("simulate_majaj"),
    output:
        **SIMULATED_MAJAJ,
        truth="resources/majaj_simulated/truth.nc",
    log:
        "results/logs/simulate_majaj.log",
    benchmark:
        "results/benchmarks/simulate_majaj.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
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
        mem_mb=2000,
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
        mem_mb=2000,
    params:
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_majaj.py"

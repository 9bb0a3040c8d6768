"""Majaj & Hong 2015: the publisher's assembly, csv and zip (or simulated ones) -> images and responses of IT and V4."""

MAJAJ = DATASETS.get("majaj", {})
SIMULATED_MAJAJ = {
    "assembly": "resources/majaj_simulated/assy_dicarlo_MajajHong2015_public.nc",
    "stimuli": "resources/majaj_simulated/stimulus_hvm-public.csv",
    "images": "resources/majaj_simulated/stimulus_hvm-public.zip",
}
MAJAJ_FILES = MAJAJ if MAJAJ.get("source") == "files" else SIMULATED_MAJAJ


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
    threads: 1
    resources:
        mem_mb=2000,
    conda:
        "../../envs/cpu.yaml"
    params:
        simulation=MAJAJ.get("simulation"),
        seed=config["seed"],
    script:
        "../../scripts/simulate_majaj.py"


rule read_majaj:
    """Read the assembly, join it with the labels of the stimuli, average repetitions, estimate reliabilities."""
    input:
        assembly=MAJAJ_FILES["assembly"],
        stimuli=MAJAJ_FILES["stimuli"],
        images=MAJAJ_FILES["images"],
        code=code_of("read_majaj"),
    output:
        images="results/images/majaj.h5",
        responses="results/responses/majaj.nc",
    log:
        "results/logs/read_majaj.log",
    benchmark:
        "results/benchmarks/read_majaj.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    conda:
        "../../envs/cpu.yaml"
    params:
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/read_majaj.py"

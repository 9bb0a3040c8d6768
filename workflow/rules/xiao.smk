"""Xiao et al. 2024: session files in the dandiset's layout -> fixations aligned to images -> responses of units."""


rule align_fixations:
    """Match every fixation of a session to the image it fell on."""
    input:
        images=xiao_file("_image"),
        rasters=xiao_file(""),
        rig_info=f"{XIAO['tables']}/sess_rig_info.csv",
        eye_latency=f"{XIAO['tables']}/rig_eye_latency.csv",
        code=code_of("align_fixations"),
    output:
        fixations="results/xiao/sessions/{session}/fixations.csv",
    log:
        "results/logs/align_fixations/{session}.log",
    benchmark:
        "results/benchmarks/align_fixations/{session}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    script:
        "../../scripts/align_fixations.py"


rule bin_rasters:
    """Count the spikes of every unit after every selected fixation; average over fixations on the same image."""
    input:
        rasters=xiao_file(""),
        fixations="results/xiao/sessions/{session}/fixations.csv",
        bank_regions=f"{XIAO['tables']}/bank_array_regions.csv",
        unit_latency=f"{XIAO['tables']}/per_unit_latency-fix_on.csv.gz",
        code=code_of("bin_rasters"),
    output:
        responses="results/xiao/sessions/{session}/responses.nc",
    log:
        "results/logs/bin_rasters/{session}.log",
    benchmark:
        "results/benchmarks/bin_rasters/{session}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        latency_ms=XIAO.get("latency_ms"),
        window_ms=XIAO.get("window_ms"),
        fixations=XIAO.get("fixations"),
        seed=config["seed"],
    script:
        "../../scripts/bin_rasters.py"


rule join_sessions:
    """Set the neuroids of all chosen sessions side by side, over all stimuli that any of them showed."""
    input:
        sessions=expand("results/xiao/sessions/{session}/responses.nc", session=XIAO["sessions"]),
        code=code_of("join_sessions"),
    output:
        responses="results/responses/xiao.nc",
    log:
        "results/logs/join_sessions.log",
    benchmark:
        "results/benchmarks/join_sessions.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/join_sessions.py"

"""Xiao et al. 2024: session files in the dandiset's layout -> fixations and spikes -> responses and tables of units."""

SESSION = paths.SESSION.replace("{dataset}", "xiao")


localrules:
    assemble_units,


rule simulate_xiao:
    """Write simulated sessions with known tuning, gaze and latencies in the files of the dandiset, and the truth."""
    input:
        code=code_of("simulate_xiao"),
    output:
        [f"{SIMULATED_XIAO}/{name}" for name in simulated_files()],
        stimuli=directory(f"{SIMULATED_XIAO}/{SIMULATED_FOLDERS[0]}"),
        masks=directory([f"{SIMULATED_XIAO}/{name}" for name in SIMULATED_FOLDERS[1:]]),
    log:
        paths.log("simulate_xiao"),
    benchmark:
        paths.benchmark("simulate_xiao")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(20),
    params:
        simulation=XIAO.get("simulation"),
        seed=config["seed"],
    script:
        "../../scripts/simulate_xiao.py"


rule pack_xiao_images:
    """Pack the stimuli that the chosen sessions showed; list those that the archive of stimuli lacks."""
    input:
        fixations=expand(f"{SESSION}/fixations.csv", session=XIAO_STEMS),
        stimuli=XIAO_SHOWN,
        code=code_of("pack_xiao_images"),
    output:
        images=paths.IMAGES.format(dataset="xiao"),
        missing=report(paths.MISSING_STIMULI.format(dataset="xiao"), category="Tables", caption="../report/missing.rst"),
    log:
        paths.log("pack_xiao_images"),
    benchmark:
        paths.benchmark("pack_xiao_images")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000),
        runtime=enough(30, 0.05),
    params:
        content=content_of(XIAO_STIMULI),
        image_size=XIAO.get("image_size"),
    script:
        "../../scripts/pack_xiao_images.py"


rule align_fixations:
    """Match every fixation of a session to the image it fell on."""
    input:
        images=xiao_file("_image"),
        rasters=xiao_file(""),
        rig_info=f"{XIAO_TABLES}/sess_rig_info.csv",
        eye_latency=f"{XIAO_TABLES}/rig_eye_latency.csv",
        code=code_of("align_fixations"),
    output:
        fixations=f"{SESSION}/fixations.csv",
    log:
        paths.log("align_fixations/{session}"),
    benchmark:
        paths.benchmark("align_fixations/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(5),
    params:
        content=content_of(
            xiao_file("_image"),
            xiao_file(""),
            xiao_tables("sess_rig_info.csv", "rig_eye_latency.csv"),
        ),
    script:
        "../../scripts/align_fixations.py"


rule read_rasters:
    """Find the spikes of every unit of a session, once for all that count them."""
    input:
        rasters=xiao_file(""),
        code=code_of("read_rasters"),
    output:
        spikes=f"{SESSION}/spikes.h5",
    log:
        paths.log("read_rasters/{session}"),
    benchmark:
        paths.benchmark("read_rasters/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=xiao_file("")),
        runtime=enough(5, 0.1, of=xiao_file("")),
    params:
        content=content_of(xiao_file("")),
    script:
        "../../scripts/read_rasters.py"


rule count_responses:
    """Count the spikes of every unit after every selected fixation; average over fixations on an image, if not cropped."""
    input:
        spikes=f"{SESSION}/spikes.h5",
        fixations=f"{SESSION}/fixations.csv",
        bank_regions=f"{XIAO_TABLES}/bank_array_regions.csv",
        unit_latency=f"{XIAO_TABLES}/per_unit_latency-fix_on.csv.gz",
        code=code_of("count_responses"),
    output:
        responses=f"{SESSION}/responses.nc",
    log:
        paths.log("count_responses/{session}"),
    benchmark:
        paths.benchmark("count_responses/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=xiao_file("")),
        runtime=enough(5, 0.1, of=xiao_file("")),
    params:
        content=content_of(xiao_tables("bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz")),
        latency_ms=XIAO.get("latency_ms"),
        window_ms=XIAO.get("window_ms"),
        fixations=XIAO.get("fixations"),
        fixations_per_session=XIAO["fixations_per_session"] if "crop_degrees" in XIAO else None,
        source=XIAO_SOURCE,
        seed=config["seed"],
    script:
        "../../scripts/count_responses.py"


rule bin_psth:
    """Bin the spikes of every unit around the onsets of fixations and of images."""
    input:
        spikes=f"{SESSION}/spikes.h5",
        fixations=f"{SESSION}/fixations.csv",
        code=code_of("bin_psth"),
    output:
        psth=f"{SESSION}/psth.nc",
    log:
        paths.log("bin_psth/{session}"),
    benchmark:
        paths.benchmark("bin_psth/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=xiao_file("")),
        runtime=enough(5, 0.1, of=xiao_file("")),
    params:
        fixations=XIAO.get("fixations"),
        bin_ms=XIAO.get("bin_ms"),
    script:
        "../../scripts/bin_psth.py"


rule describe_units:
    """Describe every unit of a session: place, rate, reliability, latencies, self-consistency, preference for faces."""
    input:
        spikes=f"{SESSION}/spikes.h5",
        fixations=f"{SESSION}/fixations.csv",
        responses=f"{SESSION}/responses.nc",
        images=xiao_file("_image"),
        bank_regions=f"{XIAO_TABLES}/bank_array_regions.csv",
        unit_latency=f"{XIAO_TABLES}/per_unit_latency-fix_on.csv.gz",
        unit_rf=f"{XIAO_TABLES}/per_unit_rf.csv.gz",
        rois=xiao_rois,
        code=code_of("describe_units"),
    output:
        units=f"{SESSION}/units.csv",
    log:
        paths.log("describe_units/{session}"),
    benchmark:
        paths.benchmark("describe_units/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 15, of=xiao_file("")),
        runtime=enough(10, 0.2, of=xiao_file("")),
    params:
        content=content_of(
            xiao_file("_image"),
            xiao_rois,
            xiao_tables("bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz", "per_unit_rf.csv.gz"),
        ),
        latency_ms=XIAO.get("latency_ms"),
        window_ms=XIAO.get("window_ms"),
        fixations=XIAO.get("fixations"),
        permutations=XIAO.get("permutations"),
        rois=XIAO_ROIS,
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/describe_units.py"


rule join_sessions:
    """Set the neuroids of all chosen sessions side by side, over all stimuli that any of them showed."""
    input:
        sessions=expand(f"{SESSION}/responses.nc", session=XIAO_STEMS),
        similar=f"{XIAO_TABLES}/similar_images.txt",
        rois=xiao_rois,
        code=code_of("join_sessions"),
    output:
        responses=paths.RESPONSES.format(dataset="xiao"),
    log:
        paths.log("join_sessions"),
    benchmark:
        paths.benchmark("join_sessions")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 50),
        runtime=enough(30, 0.1),
    params:
        content=content_of(xiao_tables("similar_images.txt"), xiao_rois),
        rois=XIAO_ROIS,
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/join_sessions.py"


rule assemble_units:
    """Gather the units of all chosen sessions; which are visually selective depends on all of them."""
    input:
        units=expand(f"{SESSION}/units.csv", session=XIAO_STEMS),
        code=code_of("assemble_units"),
    output:
        units=report(paths.table("xiao_units"), category="Tables", caption="../report/xiao_units.rst"),
    log:
        paths.log("assemble_units"),
    benchmark:
        paths.benchmark("assemble_units")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(10),
    script:
        "../../scripts/assemble_units.py"


if XIAO["source"] == "dandi":

    include: "xiao_download.smk"


if "crop_degrees" in XIAO:

    include: "xiao_crops.smk"

"""Free viewing (Xiao et al. 2024): files of sessions, as in the dandiset -> fixations and spikes -> responses, units.

Every rule has a wildcard `dataset`, since two datasets may choose different sessions or different fixations.
"""

from ventral.data.xiao.simulated_sessions import SIMULATED_FOLDERS, simulated_files

DOWNLOADING = of_kind("xiao", source="dandi")


localrules:
    assemble_units,


rule simulate_xiao:
    """Simulate sessions with known tuning, gaze and latencies in the format of the dandiset, and write the tuning."""
    input:
        code=code_of("simulate_xiao"),
    output:
        [f"{paths.SIMULATED}/{name}" for name in simulated_files()],
        stimuli=directory(f"{paths.SIMULATED}/{SIMULATED_FOLDERS[0]}"),
        masks=directory([f"{paths.SIMULATED}/{name}" for name in SIMULATED_FOLDERS[1:]]),
    log:
        paths.log("simulate_xiao/{dataset}"),
    benchmark:
        paths.benchmark("simulate_xiao/{dataset}")
    wildcard_constraints:
        dataset=either(of_kind("xiao", is_simulated=True)),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(20),
    params:
        simulation=lambda wildcards: config["datasets"][wildcards.dataset]["simulation"],
        seed=config["seed"],
    script:
        "../../scripts/simulate_xiao.py"


rule pack_xiao_images:
    """Pack the stimuli that the chosen sessions showed, and list those without an image in the archive."""
    input:
        fixations=of_sessions(paths.FIXATIONS),
        stimuli=stimuli,
        code=code_of("pack_xiao_images"),
    output:
        images=paths.IMAGES,
        missing=report(paths.MISSING_STIMULI, category="Tables", caption="../report/missing.rst"),
    log:
        paths.log("pack_xiao_images/{dataset}"),
    benchmark:
        paths.benchmark("pack_xiao_images/{dataset}")
    wildcard_constraints:
        dataset=either(of_kind("xiao", crop_degrees=None)),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000),
        runtime=enough(30, 0.05),
    params:
        **keys("image_size"),
        content=content_of(stimuli),
    script:
        "../../scripts/pack_xiao_images.py"


rule crop_fixations:
    """Crop the images to the receptive fields of a session at each fixation, and list stimuli without an image."""
    input:
        fixations=of_sessions(paths.FIXATIONS),
        images=viewed(lambda source: source.session_files("_image")),
        stimuli=stimuli,
        unit_rf=table("per_unit_rf.csv.gz"),
        code=code_of("crop_fixations"),
    output:
        images=paths.IMAGES,
        crops=paths.CROPS,
        missing=report(paths.MISSING_STIMULI, category="Tables", caption="../report/missing.rst"),
    log:
        paths.log("crop_fixations/{dataset}"),
    benchmark:
        paths.benchmark("crop_fixations/{dataset}")
    wildcard_constraints:
        dataset=either(name for name in STUDY.with_sessions if name not in of_kind("xiao", crop_degrees=None)),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000, 1),
        runtime=enough(60, 0.1),
    params:
        **keys("crop_degrees", "fixations", "fixations_per_session", "image_size"),
        content=content_of(viewed(lambda source: source.session_files("_image")), stimuli, tables("per_unit_rf.csv.gz")),
        sessions=viewed(lambda source: list(source.stems)),
        seed=config["seed"],
    script:
        "../../scripts/crop_fixations.py"


rule align_fixations:
    """Match every fixation of a session with the image on which it fell."""
    input:
        images=session_file("_image"),
        rasters=session_file(),
        rig_info=table("sess_rig_info.csv"),
        eye_latency=table("rig_eye_latency.csv"),
        code=code_of("align_fixations"),
    output:
        fixations=paths.FIXATIONS,
    log:
        paths.log("align_fixations/{dataset}/{session}"),
    benchmark:
        paths.benchmark("align_fixations/{dataset}/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(5),
    params:
        content=content_of(session_file("_image"), session_file(), tables("sess_rig_info.csv", "rig_eye_latency.csv")),
    script:
        "../../scripts/align_fixations.py"


rule read_rasters:
    """Read the spike times of every unit of a session from its rasters."""
    input:
        rasters=session_file(),
        code=code_of("read_rasters"),
    output:
        spikes=paths.SPIKES,
    log:
        paths.log("read_rasters/{dataset}/{session}"),
    benchmark:
        paths.benchmark("read_rasters/{dataset}/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=session_file()),
        runtime=enough(5, 0.1, of=session_file()),
    params:
        content=content_of(session_file()),
    script:
        "../../scripts/read_rasters.py"


rule count_responses:
    """Count the spikes of every unit after each selected fixation. Average over those on an image, unless cropped."""
    input:
        spikes=paths.SPIKES,
        fixations=paths.FIXATIONS,
        bank_regions=table("bank_array_regions.csv"),
        unit_latency=table("per_unit_latency-fix_on.csv.gz"),
        code=code_of("count_responses"),
    output:
        responses=paths.SESSION_RESPONSES,
    log:
        paths.log("count_responses/{dataset}/{session}"),
    benchmark:
        paths.benchmark("count_responses/{dataset}/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=session_file()),
        runtime=enough(5, 0.1, of=session_file()),
    params:
        **keys("latency_ms", "window_ms", "fixations"),
        content=content_of(tables("bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz")),
        fixations_per_session=viewed(lambda source: source.fixations_per_session if source.crop_degrees else None),
        source=viewed(lambda source: source.name),
        seed=config["seed"],
    script:
        "../../scripts/count_responses.py"


rule bin_psth:
    """Bin the spikes of every unit around the onsets of fixations and of images."""
    input:
        spikes=paths.SPIKES,
        fixations=paths.FIXATIONS,
        code=code_of("bin_psth"),
    output:
        psth=paths.PSTH,
    log:
        paths.log("bin_psth/{dataset}/{session}"),
    benchmark:
        paths.benchmark("bin_psth/{dataset}/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 15, of=session_file()),
        runtime=enough(5, 0.1, of=session_file()),
    params:
        **keys("fixations", "bin_ms"),
    script:
        "../../scripts/bin_psth.py"


rule describe_units:
    """Describe every unit of a session: place, rate, reliability, latencies, self-consistency, face selectivity."""
    input:
        spikes=paths.SPIKES,
        fixations=paths.FIXATIONS,
        responses=paths.SESSION_RESPONSES,
        images=session_file("_image"),
        bank_regions=table("bank_array_regions.csv"),
        unit_latency=table("per_unit_latency-fix_on.csv.gz"),
        unit_rf=table("per_unit_rf.csv.gz"),
        rois=regions,
        code=code_of("describe_units"),
    output:
        units=paths.SESSION_UNITS,
    log:
        paths.log("describe_units/{dataset}/{session}"),
    benchmark:
        paths.benchmark("describe_units/{dataset}/{session}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 15, of=session_file()),
        runtime=enough(10, 0.2, of=session_file()),
    params:
        **keys("latency_ms", "window_ms", "fixations", "permutations"),
        content=content_of(
            *(session_file("_image"), regions),
            tables("bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz", "per_unit_rf.csv.gz"),
        ),
        rois=viewed(lambda source: source.regions_folder),
        bootstrap=config["bootstrap"],
        seed=config["seed"],
    script:
        "../../scripts/describe_units.py"


rule join_sessions:
    """Join the neuroids of all chosen sessions, over all stimuli that any of them showed."""
    input:
        sessions=of_sessions(paths.SESSION_RESPONSES),
        similar=table("similar_images.txt"),
        rois=regions,
        code=code_of("join_sessions"),
    output:
        responses=paths.RESPONSES,
    log:
        paths.log("join_sessions/{dataset}"),
    benchmark:
        paths.benchmark("join_sessions/{dataset}")
    wildcard_constraints:
        dataset=either(STUDY.with_sessions),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 50),
        runtime=enough(30, 0.1),
    params:
        content=content_of(tables("similar_images.txt"), regions),
        rois=viewed(lambda source: source.regions_folder),
        split=config["split"],
        seed=config["seed"],
    script:
        "../../scripts/join_sessions.py"


rule assemble_units:
    """Gather the units of all chosen sessions, and mark the visually selective ones, which depends on all sessions."""
    input:
        units=of_sessions(paths.SESSION_UNITS),
        code=code_of("assemble_units"),
    output:
        units=report(paths.table("{dataset}_units"), category="Tables", caption="../report/units.rst"),
    log:
        paths.log("assemble_units/{dataset}"),
    benchmark:
        paths.benchmark("assemble_units/{dataset}")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000, 10),
        runtime=enough(10),
    script:
        "../../scripts/assemble_units.py"


if DOWNLOADING:

    include: "xiao_download.smk"

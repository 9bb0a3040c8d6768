"""Xiao et al. 2024 by single fixations: stimuli and fixations -> what lay in the receptive fields at each."""


ruleorder: crop_fixations > pack_xiao_images


rule crop_fixations:
    """Cut out of the stimuli what lay in a session's receptive fields at each fixation; list stimuli that lack."""
    input:
        fixations=expand(f"{SESSION}/fixations.csv", session=XIAO_STEMS),
        images=[f"{XIAO_SESSION_FILES}/{stem}_image.nwb" for stem in XIAO_STEMS.values()],
        stimuli=XIAO_SHOWN,
        unit_rf=f"{XIAO_TABLES}/per_unit_rf.csv.gz",
        code=code_of("crop_fixations"),
    output:
        images=paths.IMAGES.format(dataset="xiao"),
        crops=paths.CROPS.format(dataset="xiao"),
        missing=report(paths.MISSING_STIMULI.format(dataset="xiao"), category="Tables", caption="../report/missing.rst"),
    log:
        paths.log("crop_fixations"),
    benchmark:
        paths.benchmark("crop_fixations")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(4000, 1),
        runtime=enough(60, 0.1),
    params:
        content=content_of(
            [f"{XIAO_SESSION_FILES}/{stem}_image.nwb" for stem in XIAO_STEMS.values()],
            XIAO_STIMULI,
            xiao_tables("per_unit_rf.csv.gz"),
        ),
        sessions=list(XIAO_STEMS),
        crop_degrees=XIAO["crop_degrees"],
        fixations=XIAO["fixations"],
        fixations_per_session=XIAO["fixations_per_session"],
        image_size=XIAO["image_size"],
        seed=config["seed"],
    script:
        "../../scripts/crop_fixations.py"

"""Majaj & Hong 2015 from the course's file: images and mean rates of IT, in place of the publisher's three files."""


ruleorder: pack_course_images > pack_majaj_images
ruleorder: read_course > read_majaj


rule pack_course_images:
    """Undo the normalisation of the course file's images, in its order."""
    input:
        course=MAJAJ["course_file"],
        code=code_of("pack_course_images"),
    output:
        images=paths.IMAGES.format(dataset="majaj"),
    log:
        paths.log("pack_course_images"),
    benchmark:
        paths.benchmark("pack_course_images")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(30),
    params:
        content=content_of(MAJAJ["course_file"]),
    script:
        "../../scripts/pack_course_images.py"


rule read_course:
    """Read the mean rates in the file's own split; reliabilities are from the assembly where it is given too."""
    input:
        **{kind: MAJAJ[kind] for kind in ("assembly", "stimuli") if kind in MAJAJ},
        course=MAJAJ["course_file"],
        code=code_of("read_course"),
    output:
        responses=paths.RESPONSES.format(dataset="majaj"),
    log:
        paths.log("read_course"),
    benchmark:
        paths.benchmark("read_course")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000),
        runtime=enough(30),
    params:
        content=content_of([MAJAJ[kind] for kind in ("assembly", "stimuli", "course_file") if kind in MAJAJ]),
        seed=config["seed"],
    script:
        "../../scripts/read_course.py"

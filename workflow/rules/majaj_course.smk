"""Majaj & Hong 2015 from the course's file: images and mean rates of IT, in place of the publisher's three files."""


ruleorder: pack_course_images > pack_majaj_images
ruleorder: read_course > read_majaj


rule pack_course_images:
    """Undo the normalisation of the course file's images, in its order."""
    input:
        course=MAJAJ["course_file"],
        code=code_of("pack_course_images"),
    output:
        images="results/images/majaj.h5",
    log:
        "results/logs/pack_course_images.log",
    benchmark:
        "results/benchmarks/pack_course_images.tsv"
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
        responses="results/responses/majaj.nc",
    log:
        "results/logs/read_course.log",
    benchmark:
        "results/benchmarks/read_course.tsv"
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

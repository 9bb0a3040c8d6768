"""Recordings of every kind -> images/{dataset}.h5 and responses/{dataset}.nc, by the readers of `ventral/data/sources`.

Datasets of several sessions have rules of their own (xiao.smk).
"""

import re

from ventral.study.imports import method_hash
from ventral.study.recordings import reader_settings

WHOLE = either(name for name in STUDY.datasets if name not in STUDY.with_sessions)


rule download_recordings:
    """Download a file of recordings. A hash checks it, so it does not depend on code."""
    output:
        file=f"{paths.DOWNLOADED}/{{name}}",
    log:
        paths.log("download_recordings/{kind}/{name}"),
    benchmark:
        paths.benchmark("download_recordings/{kind}/{name}")
    wildcard_constraints:
        kind=either(sorted({kind for kind, _ in STUDY.fetched})),
        name=either(sorted({re.escape(name) for _, name in STUDY.fetched})),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(60),
    params:
        urls=fetched("urls"),
        digest=fetched("digest"),
        size=fetched("size"),
    script:
        "../../scripts/download_recordings.py"


rule pack_images:
    """Pack the images of a dataset in one file. All later matrices have their order."""
    input:
        unpack(image_files),
        code=code_of_reader("pack_images", "read_images"),
    output:
        images=paths.IMAGES,
    log:
        paths.log("pack_images/{dataset}"),
    benchmark:
        paths.benchmark("pack_images/{dataset}")
    wildcard_constraints:
        dataset=WHOLE,
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 2),
        runtime=enough(30, 0.05),
        turn=TURN,
    params:
        content=content_of_files(image_files),
        kind=lambda wildcards: STUDY.datasets[wildcards.dataset].kind,
        reader=lambda wildcards: method_hash(module_of(wildcards), "read_images"),
        settings=lambda wildcards: reader_settings(STUDY.datasets[wildcards.dataset], "read_images", config),
    script:
        "../../scripts/pack_images.py"


rule read_responses:
    """Read the responses of a dataset: means over presentations, reliabilities, and labels and splits of stimuli."""
    input:
        unpack(response_files),
        code=code_of_reader("read_responses", "read_responses"),
    output:
        responses=paths.RESPONSES,
    log:
        paths.log("read_responses/{dataset}"),
    benchmark:
        paths.benchmark("read_responses/{dataset}")
    wildcard_constraints:
        dataset=WHOLE,
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(2000, 10),
        runtime=enough(30, 0.1),
        turn=TURN,
    params:
        content=content_of_files(response_files),
        kind=lambda wildcards: STUDY.datasets[wildcards.dataset].kind,
        reader=lambda wildcards: method_hash(module_of(wildcards), "read_responses"),
        settings=lambda wildcards: reader_settings(STUDY.datasets[wildcards.dataset], "read_responses", config),
    script:
        "../../scripts/read_responses.py"

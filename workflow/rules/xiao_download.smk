"""Xiao et al. 2024 from its publishers: sessions from DANDI, stimuli from OSF, tables from the authors' repository.

Inputs: none but `config/xiao_sessions.csv` and `config/xiao_tables.csv`, sizes and hashes of what is fetched.
Outputs: one folder with `000628/`, `Stimuli/`, `db/`, as the publishers name them.

No rule here has `code` among its inputs: the hashes alone say what the files are, so an edit of the code that fetches
them cannot change them, and nobody should download gigabytes again over a comment.
"""

from ventral.files.csv import read_columns
from ventral.data.xiao.dandi import DANDI_API, OSF_LISTING, TABLES as TABLES_URLS
from ventral.data.xiao.sessions import expected_files

XIAO_SERVERS = XIAO.get("servers", {})
XIAO_PUBLISHED = read_sessions(XIAO_CATALOGUE)  # once, not for every session
XIAO_MANIFEST = os.path.relpath(HOME / "config" / "xiao_tables.csv")


localrules:
    download_session,
    download_stimuli,
    download_tables,


rule download_session:
    """Download the rasters and the image file of a session."""
    output:
        rasters=f"{XIAO_SESSION_FILES}/{{stem}}.nwb",
        image=f"{XIAO_SESSION_FILES}/{{stem}}_image.nwb",
    log:
        paths.log("download_session/{stem}"),
    benchmark:
        paths.benchmark("download_session/{stem}")
    wildcard_constraints:
        stem="sub-[A-Z][a-z]/sub-[A-Z][a-z]_ses-[0-9]{8}T[0-9]{6}",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(500),
        runtime=enough(60),
    params:
        expected=lambda wildcards: expected_files(XIAO_PUBLISHED, wildcards.stem),
        api_url=XIAO_SERVERS.get("dandi", DANDI_API),
    script:
        "../../scripts/download_session.py"


rule download_stimuli:
    """Download the archive of images, unpack it, and keep every file whose MD5 is its name."""
    output:
        stimuli=directory(XIAO_STIMULI),
    log:
        paths.log("download_stimuli"),
    benchmark:
        paths.benchmark("download_stimuli")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(240),
    params:
        listing_url=XIAO_SERVERS.get("osf", OSF_LISTING),
    script:
        "../../scripts/download_stimuli.py"


rule download_tables:
    """Download the authors' repository; keep its tables and regions of interest."""
    input:
        manifest=XIAO_MANIFEST,
    output:
        [f"{XIAO_TABLES}/{path}" for path in read_columns(XIAO_MANIFEST, ["path", "sha256"])["path"] if "/" not in path],
        unit_sel=directory(f"{XIAO_TABLES}/unit_sel"),
        rois=directory(f"{XIAO_TABLES}/ROIs/Stimuli"),
    log:
        paths.log("download_tables"),
    benchmark:
        paths.benchmark("download_tables")
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=enough(1000),
        runtime=enough(60),
    params:
        urls=[XIAO_SERVERS["tables"]] if "tables" in XIAO_SERVERS else list(TABLES_URLS),
    script:
        "../../scripts/download_tables.py"

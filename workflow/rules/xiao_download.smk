"""Download Xiao et al. 2024: sessions from DANDI, stimuli from OSF, tables from the authors' repository.

Inputs: `config/xiao_sessions.csv` and `config/xiao_tables.csv`, with sizes and hashes of the downloads.
Outputs: one folder with `000628/`, `Stimuli/` and `db/`, as the publishers name them.

No rule here has `code` as an input. Hashes check the files, so an edit of the code cannot change them, and should not
download gigabytes again.
"""

from ventral.data.sources.xiao import CATALOGUE, MANIFEST, ROIS, SESSIONS, STIMULI, TABLES
from ventral.data.xiao.dandi import DANDI_API, OSF_LISTING, TABLES as TABLES_URLS
from ventral.data.xiao.sessions import expected_files, read_sessions
from ventral.files.csv import read_columns

DOWNLOADED = paths.DOWNLOADED.format(kind="xiao")
PUBLISHED_SESSIONS = read_sessions(CATALOGUE)  # read once for all sessions


for source in DOWNLOADING.values():
    print(source.download_plan(), file=sys.stderr)


localrules:
    download_session,
    download_stimuli,
    download_tables,


rule download_session:
    """Download the rasters and the image file of a session."""
    output:
        rasters=f"{DOWNLOADED}/{SESSIONS}/{{stem}}.nwb",
        image=f"{DOWNLOADED}/{SESSIONS}/{{stem}}_image.nwb",
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
        expected=lambda wildcards: expected_files(PUBLISHED_SESSIONS, wildcards.stem),
        api_url=server("dandi") or DANDI_API,
    script:
        "../../scripts/download_session.py"


rule download_stimuli:
    """Download the archive of images, unpack it, and keep every file whose name is its MD5."""
    output:
        stimuli=directory(f"{DOWNLOADED}/{STIMULI}"),
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
        listing_url=server("osf") or OSF_LISTING,
    script:
        "../../scripts/download_stimuli.py"


rule download_tables:
    """Download the authors' repository, and keep its tables and regions of interest."""
    input:
        manifest=os.path.relpath(MANIFEST),
    output:
        [
            f"{DOWNLOADED}/{TABLES}/{path}"
            for path in read_columns(MANIFEST, ["path", "sha256"])["path"]
            if "/" not in path
        ],
        unit_sel=directory(f"{DOWNLOADED}/{TABLES}/unit_sel"),
        rois=directory(f"{DOWNLOADED}/{TABLES}/{ROIS}"),
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
        urls=[server("tables")] if server("tables") else list(TABLES_URLS),
    script:
        "../../scripts/download_tables.py"

"""Where the files of Xiao et al. 2024 lie for each source (simulated, files, dandi), and which sessions the study has."""

from ventral.data.xiao.simulated_files import SESSIONS as SIMULATED_SESSIONS
from ventral.data.xiao.simulated_files import SIMULATED_FOLDERS, simulated_files
from ventral.data.xiao.files import find_sessions_folder, find_tables_folder, list_stems, session_stem
from ventral.data.xiao.labels import ANNOTATED
from ventral.data.xiao.sessions import choose_sessions, download_plan, read_sessions

XIAO = config["datasets"].get("xiao", {"source": "none", "sessions": []})
SIMULATED_XIAO = paths.SIMULATED.format(dataset="xiao")
DOWNLOADED_XIAO = paths.XIAO_DOWNLOADED
XIAO_HOME = SIMULATED_XIAO if XIAO["source"] == "simulated" else DOWNLOADED_XIAO
try:
    XIAO_SESSION_FILES = XIAO.get("path", f"{XIAO_HOME}/000628")
    XIAO_SESSION_FILES = find_sessions_folder(XIAO_SESSION_FILES) if XIAO["source"] == "files" else XIAO_SESSION_FILES
except InputError as error:
    raise WorkflowError(str(error))
XIAO_TABLES = XIAO.get("tables", f"{XIAO_HOME}/db")
XIAO_TABLES = find_tables_folder(XIAO_TABLES) if XIAO["source"] == "files" else XIAO_TABLES
XIAO_STIMULI = XIAO.get("stimuli", [] if XIAO["source"] == "files" else f"{XIAO_HOME}/Stimuli")
XIAO_HAS_IMAGES = "xiao" in config["datasets"] and bool(XIAO_STIMULI)
XIAO_SHOWN = given(XIAO_STIMULI) if XIAO["source"] == "files" and XIAO_STIMULI else XIAO_STIMULI
XIAO_READ = [  # of the authors' tables, by the rules of the study
    *("sess_rig_info.csv", "rig_eye_latency.csv", "bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz"),
    *("per_unit_rf.csv.gz", "similar_images.txt"),
]
XIAO_ROIS = f"{XIAO_TABLES}/ROIs/Stimuli"
XIAO_SOURCE = "simulated" if XIAO["source"] == "simulated" else "Xiao et al. 2024, DANDI 000628"
XIAO_CATALOGUE = HOME / "config" / "xiao_sessions.csv"


def xiao_stems():
    """The file stem of every session of the study, by the authors' name."""
    if XIAO["source"] == "simulated":
        return SIMULATED_SESSIONS
    if XIAO["source"] == "dandi":
        catalogue = read_sessions(XIAO_CATALOGUE)
        chosen = choose_sessions(catalogue, XIAO["sessions"], CONFIG_FILE)
        archives = [
            name
            for name, folder in {"stimuli": XIAO_STIMULI, "tables": XIAO_TABLES}.items()
            if not Path(folder).is_dir()
        ]
        beside = f"; and the archives of {', '.join(archives)}" if archives else ""
        print(download_plan(catalogue, chosen, XIAO_SESSION_FILES) + beside, file=sys.stderr)
        return {session: catalogue.loc[session, "stem"] for session in chosen}
    sessions_txt, stems = Path(XIAO_TABLES, "sessions.txt"), list_stems(XIAO_SESSION_FILES)
    return {session: session_stem(session, sessions_txt, stems, XIAO_SESSION_FILES) for session in XIAO["sessions"]}


try:
    XIAO_STEMS = xiao_stems() if "xiao" in config["datasets"] else {}
except InputError as error:
    raise WorkflowError(str(error))


# HMO learns to tell faces: it needs whole images, and sessions whose images were labelled.
HAS_FACES = XIAO_HAS_IMAGES and "crop_degrees" not in XIAO and any(session[:2] in ANNOTATED for session in XIAO_STEMS)


def xiao_file(kind):
    """Input function: the rasters ("") or the image file ("_image") of a session."""
    return lambda wildcards: f"{XIAO_SESSION_FILES}/{XIAO_STEMS[wildcards.session]}{kind}.nwb"


def xiao_tables(*names):
    """Those of the authors' tables."""
    return [f"{XIAO_TABLES}/{name}" for name in names]


def xiao_rois(wildcards):
    """Input function: what the regions of interest are read from, as the rule that makes them names it."""
    if XIAO["source"] == "simulated":
        return [f"{XIAO_ROIS}/face.csv", *(f"{SIMULATED_XIAO}/{name}" for name in SIMULATED_FOLDERS if "ROIs" in name)]
    return XIAO_ROIS if XIAO["source"] == "dandi" else given(XIAO_ROIS)

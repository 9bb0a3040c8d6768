"""The sessions of the simulated free-viewing recordings, and the files that the simulation writes."""

from typing import NamedTuple

from ventral.data.scenes.compose import FACE_TABLE, MASKS, SIMILAR
from ventral.data.xiao.layout import FIXATIONS

# Delay of the eye tracker in ms by rig and tracker, as measured by Xiao et al. 2024.
EYE_LATENCY = {("1", "None"): 24, ("2", "None"): 46, ("2", "EyeLink"): 5, ("3", "None"): 37}
SCREENS = {"1": "1600 x 1200 60 Hz", "2": "1920 x 1080 165 Hz", "3": "1280 x 1024 75 Hz"}  # of the rigs
LATENCIES, FIELDS = "per_unit_latency-fix_on.csv.gz", "per_unit_rf.csv.gz"


class Recording(NamedTuple):
    """The fixed settings of a simulated session.

    Attributes:
        stem: of its files, below the dandiset's folder.
        regions: of banks 0, 1, ...
        rig: of the set-up.
        tracker: the authors' words for the eye tracker; the last word is its name in the table of delays.
        pixels: width and height of the images on the screen.
        pixels_per_degree: of the screen.
        spread: largest distance of images from the centre of the screen in degrees.
        fixations: path of the fixations in the file.
    """

    stem: str
    regions: tuple[str, ...]
    rig: str
    tracker: str
    pixels: int
    pixels_per_degree: float
    spread: float
    fixations: str = FIXATIONS[0]

    @property
    def delay_ms(self) -> int:
        """Delay of the eye tracker."""
        return EYE_LATENCY[self.rig, self.tracker.split(" ")[-1]]

    @property
    def width_dva(self) -> float:
        """Width and height of the images in degrees."""
        return self.pixels / self.pixels_per_degree


EYELINK = "SR Research EyeLink"
RECORDINGS = {
    "Sa240101": Recording("sub-Sa/sub-Sa_ses-20240101T093000", ("V4",), "3", "None", 503, 35.93, 0.0),
    "Sb240102_1": Recording("sub-Sb/sub-Sb_ses-20240102T101500", ("CIT",), "2", EYELINK, 635, 39.71, 3.0),
    "Sb240102_2": Recording("sub-Sb/sub-Sb_ses-20240102T142000", ("AIT",), "2", "None", 635, 39.71, 3.0, FIXATIONS[1]),
    "Sc240103": Recording("sub-Sc/sub-Sc_ses-20240103T110500", ("CIT", "AIT"), "1", "None", 571, 35.63, 2.0),
}
SESSIONS = {session: recording.stem for session, recording in RECORDINGS.items()}
RECORDED, TABLES, STIMULI, TRUTH = "000628", "db", "Stimuli", "truth"  # the folders of a simulated dandiset
TABLE_FILES = (
    "sessions.txt", "sess_rig_info.csv", "rig_eye_latency.csv", "bank_array_regions.csv", "units.csv.gz",
    LATENCIES, FIELDS, SIMILAR, FACE_TABLE,
)  # fmt: skip
TRUTH_FILES = ("units.csv", "fixations.csv", "responses.csv", "objects.csv")
SIMULATED_FOLDERS = (
    STIMULI,
    *(f"{TABLES}/{masks}" for masks in MASKS.values()),
)  # folders with files that are named by their content


def simulated_files() -> list[str]:
    """Every file below the folder of a simulated dandiset, except those in `SIMULATED_FOLDERS`."""
    nwb = [f"{RECORDED}/{stem}{suffix}" for stem in SESSIONS.values() for suffix in (".nwb", "_image.nwb")]
    return [*nwb, *(f"{TABLES}/{name}" for name in TABLE_FILES), *(f"{TRUTH}/{name}" for name in TRUTH_FILES)]

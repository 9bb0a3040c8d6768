"""The names of all files that a study makes or downloads.

The names hold wildcards as Snakemake writes them: `IMAGES.format(dataset="majaj")` is the file of one dataset. The name
of an encoder is NETWORK-READOUT, or NAME-HEAD if it is trained by gradient descent.
"""

from pathlib import Path

HOME = Path(__file__).parents[2]  # folder of the project

# Recordings: the same files for every dataset.
IMAGES = "results/images/{dataset}.h5"
RESPONSES = "results/responses/{dataset}.nc"
CHECKED = "results/checks/{dataset}/{protocol}.txt"

# Free viewing: one folder for each session.
SESSION = "results/sessions/{dataset}/{session}"
FIXATIONS = f"{SESSION}/fixations.csv"
SPIKES = f"{SESSION}/spikes.h5"
SESSION_RESPONSES = f"{SESSION}/responses.nc"
PSTH = f"{SESSION}/psth.nc"
SESSION_UNITS = f"{SESSION}/units.csv"
MISSING_STIMULI = "results/sessions/{dataset}/missing_stimuli.csv"
CROPS = "results/sessions/{dataset}/crops.csv"

# Networks; the last three are those that the study itself trains to detect faces.
GRAMS = "results/activations/{dataset}/{network}.h5"
WEIGHTS_CHECK = "results/weights/{network}.csv"
FACES = "results/faces/faces.csv"
FACE_NETWORK = "results/faces/{network}"
HMO = "results/hmo"

# Encoders.
PREDICTIONS = "results/predictions/{dataset}/{protocol}/{encoder}.nc"
CURVES = "results/training/{dataset}/{protocol}/{encoder}.csv"
ENCODER = "results/encoders/{dataset}/{protocol}/{encoder}"
CHECKPOINTS = "resources/training/{dataset}/{protocol}/{encoder}"

# Results to look at.
SIMILARITY = "results/similarity/{dataset}.h5"
TABLE = "results/tables/{table}"
FIGURE = "results/figures/{figure}.{suffix}"
REPORT = "results/report.html"

# Downloads, and simulated data in their place.
DOWNLOADED = "resources/{kind}"
SIMULATED = "resources/{dataset}_simulated"
WEIGHTS = "resources/weights/{key}"
OBJECTS = "resources/objects.h5"


def log(job: str) -> str:
    """Name the log file of a rule's jobs, given a name such as `pack_images/{dataset}`."""
    return f"results/logs/{job}.log"


def benchmark(job: str) -> str:
    """Name the file with the time and memory of a rule's jobs, given the same name as for `log`."""
    return f"results/benchmarks/{job}.tsv"


def table(name: str) -> str:
    """Name the file of a table. Without an ending, it is a csv."""
    return TABLE.format(table=name if "." in name else f"{name}.csv")

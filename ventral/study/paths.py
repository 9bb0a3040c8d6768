"""Every file that a study makes or downloads, named once.

The names hold wildcards as Snakemake writes them: `IMAGES.format(dataset="majaj")` is the file of one dataset. An
encoder is called NETWORK-READOUT, or NAME-HEAD where it is trained by gradient.
"""

# Recordings, to one contract.
IMAGES = "results/images/{dataset}.h5"
RESPONSES = "results/responses/{dataset}.nc"
CHECKED = "results/checks/{dataset}/{protocol}.txt"

# Free viewing: one folder a session.
SESSION = "results/sessions/{dataset}/{session}"
FIXATIONS = f"{SESSION}/fixations.csv"
SPIKES = f"{SESSION}/spikes.h5"
SESSION_RESPONSES = f"{SESSION}/responses.nc"
PSTH = f"{SESSION}/psth.nc"
SESSION_UNITS = f"{SESSION}/units.csv"
MISSING_STIMULI = "results/sessions/{dataset}/missing_stimuli.csv"
CROPS = "results/sessions/{dataset}/crops.csv"

# Networks, and those that the study itself trains to detect faces.
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

# What a person looks at.
SIMILARITY = "results/similarity/{dataset}.h5"
TABLE = "results/tables/{table}"
FIGURE = "results/figures/{figure}.{suffix}"
REPORT = "results/report.html"

# What comes from elsewhere, or stands in for it.
DOWNLOADED = "resources/{kind}"
SIMULATED = "resources/{dataset}_simulated"
WEIGHTS = "resources/weights/{key}"
OBJECTS = "resources/objects.h5"


def log(job: str) -> str:
    """The log of a rule's jobs, by a name such as `pack_images/{dataset}`."""
    return f"results/logs/{job}.log"


def benchmark(job: str) -> str:
    """The time and memory of a rule's jobs, by the same name."""
    return f"results/benchmarks/{job}.tsv"


def table(name: str) -> str:
    """A table by its name, csv where that has no ending."""
    return TABLE.format(table=name if "." in name else f"{name}.csv")

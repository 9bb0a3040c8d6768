"""The study as every stage sees it: its config checked, its datasets sorted by what they hold, paths and code."""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.exceptions import WorkflowError

HOME = Path(workflow.basedir)
# Scripts run in processes of their own, on other machines too; all find the library by this.
PYTHON_PATH = os.pathsep.join(filter(None, [str(HOME), os.getenv("PYTHONPATH")]))
os.environ.update(PYTHONPATH=PYTHON_PATH)
sys.path[:0] = [str(HOME), str(HOME / "workflow")]

from functools import cache

from imports import imported_files, own_code
from ventral.files.atomic import check_writable
from ventral.study.config import complete
from ventral.files.contents import Contents
from ventral.files.errors import InputError
from ventral.files.listing import list_files
from ventral.networks.published import STUDY, is_reference, origin, state_of_study, weights_key
from ventral.study.provenance import git_state

CONFIG_FILE = str((workflow.configfiles or ["config"])[-1])
SCHEMA = yaml.safe_load((HOME / "workflow" / "schemas" / "config.schema.yaml").read_text())


def refuse(faults):
    """End before any job starts, with one line a fault."""
    if faults:
        raise WorkflowError("\n".join(f"{CONFIG_FILE}: {fault}" for fault in faults))


try:
    for folder in (".", "results", "resources"):
        check_writable(folder)
except InputError as fault:
    raise WorkflowError(str(fault))

refuse(complete(config, SCHEMA))

DATASETS = config["datasets"]
PUBLISHED = {"majaj", "xiao", "kriegeskorte92"}
OWN = [name for name in DATASETS if name not in PUBLISHED]
WITH_RATES = [name for name in DATASETS if name != "kriegeskorte92"]
XIAO_HAS_IMAGES = "xiao" in DATASETS and (DATASETS["xiao"]["source"] != "files" or "stimuli" in DATASETS["xiao"])
WITH_IMAGES = [name for name in DATASETS if name != "xiao" or XIAO_HAS_IMAGES]
WITH_ENCODERS = [name for name in WITH_RATES if name in WITH_IMAGES]
# Single fixations have no RDMs: those on one image share it and the state of the animal, in models and neurons alike.
WITH_RDMS = [name for name, settings in DATASETS.items() if "crop_degrees" not in settings]

# What the images of a dataset are labelled with; those of other datasets are not.
LABELS = {"majaj": {"object_name", "category_name"}, "kriegeskorte92": {"category_name"}}

# What reads responses and checks them comes first (`priority`), and no network starts beside it: the profiles grant so
# many turns at a time, all of which it takes, and a network one. Faults of responses are told before any network runs,
# and yet networks do not depend on responses. Not by `ancient` inputs: where one is made anew, Snakemake overlooks all
# else that changed for the jobs that have it.
TURN = 1000

# Of jobs that run networks.
NETWORK_ENV = str(HOME / "envs" / ("cpu.yaml" if config["device"] == "cpu" else "gpu.yaml"))

# Encoders trained on the neurons, by the names of their files.
TRAINED = {f"{name}-{entry['head']}": entry for name, entry in config["trained"].items()}


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    network="[A-Za-z0-9_]+",
    readout="[A-Za-z0-9_.-]+",
    protocol="holdout|brainscore|kfold",
    session="[A-Za-z0-9_]+",


def gpus(wildcards):
    """GPUs of a job that runs a network: none where there is none to wait for, so that such jobs run side by side."""
    is_likely = not workflow.local_exec or shutil.which("nvidia-smi")
    return 1 if config["device"] == "cuda" or (config["device"] == "auto" and is_likely) else 0


def code_of(script):
    """The library files that a script imports: an edit of one of them reruns the rule, an edit elsewhere does not."""
    files = imported_files(HOME / "scripts" / f"{script}.py", HOME)
    return sorted(os.path.relpath(file) for file in files)


def enough(base, per_mb=0, of=None):
    """A resource of a job: so much, and so much a MB of its inputs (or of the file `of`); as much again at each attempt.

    A job that runs out of memory or time is submitted again where the profile says so (docs/cluster.md). Files that are
    yet to be made count as empty: what a job of a group needs is told from `of`, which is there before the group is.
    """

    def amount(wildcards, input, attempt):
        files = [Path(file) for file in ([of(wildcards)] if of else input if per_mb else [])]
        files += [folder / name for folder in files if folder.is_dir() for name in list_files(folder)]
        return attempt * int(base + per_mb * sum(file.stat().st_size for file in files if file.is_file()) / 1e6)

    return amount


CONTENTS = Contents()


def given(path):
    """A file or folder from outside, as an input: the date of a folder says nothing, `content_of` says what it holds."""
    return ancient(path) if Path(path).is_dir() else path


@cache
def is_made(path):
    """Whether the study makes a file itself, and makes it again whenever it has to."""
    return any(rule.is_producer(path) for rule in workflow.rules)


def content_of(*sources):
    """A parameter that tells what files and folders from outside hold: a rule runs again where that changed.

    Snakemake compares the content of inputs only where their date is newer than that of the outputs, which that of a
    file out of an archive, or copied with its date, is not. What the study itself makes is left to Snakemake.

    Args:
        sources: paths, lists of them, or functions of wildcards that return either.
    """

    # Without `input`, by which Snakemake takes a parameter for one that follows from others, and compares it no more.
    def content(wildcards):
        found = [source(wildcards) if callable(source) else source for source in sources]
        paths = [path for item in found for path in ([item] if isinstance(item, str) else item)]
        return CONTENTS.of(path for path in paths if not is_made(path))

    return content


def figure(name, category, caption):
    """A figure in each format of the study, of which the png goes into the report: outputs of what draws it."""
    png, *others = [f"results/figures/{name}.{suffix}" for suffix in config["figure_formats"]]
    return [report(png, category=category, caption=f"../report/{caption}.rst"), *others]


def code_of_network(wildcards):
    """The user's own files that make a network, with all that they import; none of networks known by name."""
    settings = config["networks"][wildcards.network]
    source = settings["architecture"].rpartition(":")[0]
    own = [Path(settings["python_path"]).expanduser()] if "python_path" in settings else []
    roots = [*own, Path(), *map(Path, PYTHON_PATH.split(os.pathsep))]
    return sorted({os.path.relpath(file) for file in own_code(source, roots)}) if source else []


def networks_of(dataset):
    """The networks that can be run on a dataset: those made of labels need images with labels, others faces to learn."""
    labels = LABELS.get(dataset, set())
    return [
        name
        for name, settings in config["networks"].items()
        if settings.get("with_category") in {None, *labels}
        and (labels or settings["architecture"] != "labels")
        and (HAS_FACES or not learns_faces(name))
    ]


def learns_faces(network):
    """Whether the study itself trains a network, to tell the faces among the images of xiao."""
    settings = config["networks"].get(network)
    return settings is not None and origin(settings["architecture"], settings["weights"]) == "study"


def readouts_of(network):
    """The readouts of a network: those that name networks are for these alone."""
    return [name for name, readout in config["readouts"].items() if network in readout.get("networks", [network])]


def pls_of_hmo(dataset):
    """HMO's encoders by partial least squares, at most two: of the fewest components and of the most."""
    components = {
        f"{network}-{readout}": config["readouts"][readout]["pls"]
        for network in networks_of(dataset)
        if config["networks"][network]["architecture"] == "hmo"
        for readout in readouts_of(network)
        if "pls" in config["readouts"][readout]
    }
    ranked = sorted(components, key=components.get)
    return ranked[:1] + ranked[1:][-1:]


def readout_settings(name):
    """A readout, without the networks that it is for: to add one of them fits no other again."""
    return {key: value for key, value in config["readouts"][name].items() if key != "networks"}


def fitted_together():
    """Readouts that one job fits, as (kind, names), with the networks that have them.

    All linear ones of a network are of the kind `linear`. A deep head is alone, its kind its name: it takes minutes,
    and is not to be trained again for a new linear readout.
    """
    found = {}
    for network in config["networks"]:
        names = sorted(readouts_of(network))
        deep = [name for name in names if "mlp" in config["readouts"][name]]
        linear = tuple(name for name in names if name not in deep)
        for kind in [("linear", linear)] * bool(linear) + [(name, (name,)) for name in deep]:
            found.setdefault(kind, []).append(network)
    return found


def is_downloaded(settings):
    """Whether the weights of a network are elsewhere, and are to be fetched."""
    where = origin(settings["architecture"], settings["weights"])
    return where in ("publisher", "address") and config["download_weights"]


def claims_training(settings):
    """Whether the weights of a network are said to be trained; where downloads are off, some give way to random ones."""
    return is_downloaded(settings) or origin(settings["architecture"], settings["weights"]) in ("package", "file")


def weights_file(wildcards):
    """The file of a network's weights, the user's or a downloaded one; none where random or carried by a package."""
    settings = config["networks"][wildcards.network]
    architecture, weights = settings["architecture"], settings["weights"]
    if is_downloaded(settings):
        return f"resources/weights/{weights_key(architecture, weights)}"
    if learns_faces(wildcards.network):
        return state_of_study(wildcards.network, architecture)
    return weights if origin(architecture, weights) == "file" else []


def trained_of(dataset):
    """The trained encoders of a dataset: to co-train on categories, its stimuli must be labelled."""
    return [
        name
        for name, entry in TRAINED.items()
        if dataset in entry.get("datasets", DATASETS)
        and (dataset in PUBLISHED or not entry["category_weight"])
        and (HAS_FACES or not learns_faces(entry["network"]))
    ]


def trained_from(wildcards):
    """Files of the weights that training starts from; none where they are random or carried by a package."""
    entry = TRAINED[wildcards.encoder]
    if entry["network"] in config["networks"]:
        return weights_file(SimpleNamespace(network=entry["network"])) or []
    return [f"resources/weights/{key}" for key in HYBRID_WEIGHTS] if entry.get("weights", "random") != "random" else []


def code_of_trained(wildcards):
    """The user's own file that makes the network that is trained."""
    network = TRAINED[wildcards.encoder]["network"]
    return code_of_network(SimpleNamespace(network=network)) if network in config["networks"] else []


def from_outside(dataset):
    """Files and folders of a dataset that the user gave or that are downloaded; none where it is simulated."""
    settings = DATASETS[dataset]
    if settings.get("source") == "simulated":
        return []
    if dataset == "majaj":
        course = [settings[kind] for kind in ("course_file", "assembly", "stimuli") if kind in settings]
        return course if settings["source"] == "course_file" else list(MAJAJ_FILES.values())
    if dataset == "xiao":
        sessions = [f"{XIAO_SESSION_FILES}/{stem}{kind}.nwb" for stem in XIAO_STEMS.values() for kind in ("", "_image")]
        folders = [XIAO_STIMULI] * bool(XIAO_STIMULI) + [XIAO_ROIS] * bool(LEARN_FACES)
        return [*sessions, *folders, *(f"{XIAO_TABLES}/{name}" for name in XIAO_READ)]
    return ["resources/kriegeskorte92.mat"] if dataset in PUBLISHED else [settings["images"], settings["responses"]]


def weights_from_outside():
    """Files of weights and of code that the user gave or that are downloaded, by network or trained encoder."""
    found = {
        name: ["" if learns_faces(name) else weights_file(network), *code_of_network(network)]
        for name in config["networks"]
        for network in [SimpleNamespace(network=name)]
    }
    for encoder, entry in TRAINED.items():
        if entry["network"] not in config["networks"]:
            found[encoder] = trained_from(SimpleNamespace(encoder=encoder))
    return {name: [file for file in files if file] for name, files in found.items() if any(files)}

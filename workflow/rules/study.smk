"""The study: its datasets, networks, readouts, encoders, and what these leave (`ventral/study/plan.py`)."""

from types import SimpleNamespace

from ventral.study.plan import Study

KINDS = {"majaj": {"object_name", "category_name"}, "xiao": set(), "kriegeskorte92": {"category_name"}, "files": set()}


def recordings(name, settings):
    """What a study needs to know of a dataset."""
    kind = name if name in KINDS else "files"
    return SimpleNamespace(
        kind=kind,
        labels=KINDS[kind],
        has_rates=kind != "kriegeskorte92",
        has_images=kind != "xiao" or XIAO_HAS_IMAGES,
        # Fixations on one image share it and the state of the animal, in models and neurons alike: no RDMs.
        has_rdms="crop_degrees" not in settings,
        has_faces=kind == "xiao" and HAS_FACES,
        several_sessions=kind == "xiao",
        is_simulated=settings.get("source") == "simulated",
        from_outside=lambda: from_outside(kind, settings),
    )


def from_outside(kind, settings):
    """Files and folders of a dataset that the user gave or that are downloaded; none where it is simulated."""
    if settings.get("source") == "simulated":
        return []
    if kind == "majaj":
        course = [settings[key] for key in ("course_file", "assembly", "stimuli") if key in settings]
        return course if settings["source"] == "course_file" else list(MAJAJ_FILES.values())
    if kind == "xiao":
        sessions = [f"{XIAO_SESSION_FILES}/{stem}{part}.nwb" for stem in XIAO_STEMS.values() for part in ("", "_image")]
        folders = [XIAO_STIMULI] * bool(XIAO_STIMULI) + [XIAO_ROIS] * bool(STUDY.face_networks)
        return [*sessions, *folders, *(f"{XIAO_TABLES}/{name}" for name in XIAO_READ)]
    return [paths.KRIEGESKORTE] if kind == "kriegeskorte92" else [settings["images"], settings["responses"]]


STUDY = Study(
    config,
    {name: recordings(name, settings) for name, settings in config["datasets"].items()},
    [Path(), *map(Path, PYTHON_PATH.split(os.pathsep))],
)
refuse(STUDY.faults())
OWN = [name for name, dataset in STUDY.datasets.items() if dataset.kind == "files"]


def weights_file(wildcards):
    """Input function: the file of a network's weights, if any."""
    return STUDY.weights_file(wildcards.network) or []


def own_code(wildcards):
    """Input function: the user's own files that make a network, if any."""
    return STUDY.own_code(wildcards.network)

"""What rules ask of the study, as functions of wildcards: input files, the code behind them, parameters."""

from operator import attrgetter

from ventral.figures.catalogue import figures_of
from ventral.study.imports import method_files

DRAWN = figures_of(STUDY)
FIGURES = expand(paths.FIGURE, figure=DRAWN, suffix=config["figure_formats"])


def of_kind(kind, **facts):
    """The datasets of a kind, and of it those whose sources have these facts, by name."""
    return {
        name: source
        for name, source in STUDY.datasets.items()
        if source.kind == kind and all(getattr(source, fact) == value for fact, value in facts.items())
    }


def either(names):
    """A pattern that matches these names alone."""
    return "|".join(names) or "(?!)"


def weights_file(wildcards):
    """Input function: the file of a network's weights, if any."""
    return STUDY.weights_file(wildcards.network) or []


def own_code(wildcards):
    """Input function: the user's own files that make a network, if any."""
    return STUDY.own_code(wildcards.network)


def module_of(wildcards):
    """The file of the kind of a dataset."""
    return HOME / "ventral" / "data" / "sources" / f"{STUDY.datasets[wildcards.dataset].kind}.py"


def image_files(wildcards):
    """Input function: what the reader of a dataset's images reads, by name."""
    return as_inputs(STUDY.datasets[wildcards.dataset].image_files())


def response_files(wildcards):
    """Input function: what the reader of a dataset's responses reads, by name."""
    return as_inputs(STUDY.datasets[wildcards.dataset].response_files())


def as_inputs(files):
    """Files by name as inputs, each made by the study or from outside."""
    return {name: as_input(item) if isinstance(item, str) else [*map(as_input, item)] for name, item in files.items()}


def as_input(path):
    return path if is_made(path) else given(path)


def content_of_files(files):
    """A parameter that tells what the files of an input function by name hold, as `content_of`."""
    return content_of(lambda wildcards: collect_files(files(wildcards).values()))


def collect_files(items):
    return [file for item in items for file in ([item] if isinstance(item, str) else item)]


def code_of_reader(script, reader):
    """Input function: the library files that a script and a reader of the dataset import, as `code_of`."""

    def files(wildcards):
        needed = method_files(module_of(wildcards), reader, HOME)
        return sorted({*code_of(script), *(os.path.relpath(file) for file in needed)})

    return files


def viewed(tell):
    """Input function or parameter: what the source of a dataset tells."""
    return lambda wildcards: tell(STUDY.datasets[wildcards.dataset])


def keys(*names):
    """Parameters: these keys of a dataset, by name."""
    return {name: viewed(attrgetter(name)) for name in names}


def session_file(kind=""):
    """Input function: the rasters of a session, or with "_image" what was shown and looked at."""
    return lambda wildcards: STUDY.datasets[wildcards.dataset].session_file(wildcards.session, kind)


def of_sessions(pattern):
    """Input function: a file of every session of a dataset."""
    return lambda wildcards: expand(pattern, dataset=wildcards.dataset, session=STUDY.datasets[wildcards.dataset].stems)


def table(name):
    """Input function: one of the authors' tables."""
    return viewed(lambda source: source.table(name))


def tables(*names):
    """Input function: some of the authors' tables."""
    return viewed(lambda source: [source.table(name) for name in names])


def stimuli(wildcards):
    """Input function: the folder of the images, if any."""
    folder = STUDY.datasets[wildcards.dataset].stimulus_folder
    return given(folder) if folder else []


def regions(wildcards):
    """Input function: the regions of interest in the images."""
    return [given(file) for file in STUDY.datasets[wildcards.dataset].region_files()]


def server(name):
    """The address that the config gives in place of a publisher's, if any dataset has one: they share the files."""
    return next(
        filter(None, (getattr(source.servers, name, None) for source in of_kind("xiao", source="dandi").values())), None
    )


def face_regions(wildcards):
    """Input function: the regions of interest, faces among them, in the images that faces are learnt on."""
    return [given(file) for file in STUDY.datasets[STUDY.faces_dataset].region_files()]


def figure(attribute):
    """Function of wildcards: what the catalogue says of a figure."""
    return lambda wildcards: getattr(DRAWN[wildcards.figure], attribute)


def figure_files(wildcards):
    """Input function: the files that a figure is made from, by name."""
    return as_inputs(DRAWN[wildcards.figure].files)


def figure_code(wildcards):
    """Input function: the library files that draw a figure. An edit of one figure draws that figure alone."""
    return code_of("draw_figure", f"figures/{DRAWN[wildcards.figure].kind}.py")

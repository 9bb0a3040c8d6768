"""Functions of wildcards that rules use: input files, parameters, and the library files that jobs depend on."""

from functools import cache
from operator import attrgetter

from ventral.figures.catalogue import figures_of
from ventral.files.contents import Contents
from ventral.study.imports import method_files

CONTENTS = Contents()
DRAWN = figures_of(STUDY)
FIGURES = expand(paths.FIGURE, figure=DRAWN, suffix=config["figure_formats"])


@cache
def is_made(path):
    """Whether a rule of the study makes a file."""
    return any(rule.is_producer(path) for rule in workflow.rules)


def given(path):
    """An input that may come from outside. The date of such a folder is ignored; `content_of` follows its content."""
    return ancient(path) if Path(path).is_dir() and not is_made(path) else path


def content_of(*sources):
    """Parameter: the content of files and folders from outside. A change of it reruns the job.

    Snakemake compares the content of an input only if its date is newer than that of the outputs. A file that was
    unpacked or copied may keep an old date. Files that the study makes are left to Snakemake.

    Args:
        sources: paths, lists of them, or functions of wildcards that return either.
    """

    # The function must not take `input`: Snakemake would regard the parameter as derived, and would not compare it.
    def content(wildcards):
        found = [source(wildcards) if callable(source) else source for source in sources]
        return CONTENTS.of(path for path in collect_files(found) if path and not is_made(path))

    return content


def of_kind(kind, **facts):
    """The datasets of a kind whose sources have attributes with these values, by name."""
    return {
        name: source
        for name, source in STUDY.datasets.items()
        if source.kind == kind and all(getattr(source, fact) == value for fact, value in facts.items())
    }


def either(names):
    """A pattern that matches only these names."""
    return "|".join(names) or "(?!)"


def weights_file(wildcards):
    """Input function: the file of a network's weights, if any."""
    return STUDY.weights_file(wildcards.network) or []


def own_code(wildcards):
    """Input function: the user's own files that make a network, if any."""
    return STUDY.own_code(wildcards.network)


def module_of(wildcards):
    """The library file of the kind of a dataset."""
    return HOME / "ventral" / "data" / "sources" / f"{STUDY.datasets[wildcards.dataset].kind}.py"


def image_files(wildcards):
    """Input function: the files that the reader of a dataset's images reads, by name."""
    return as_inputs(STUDY.datasets[wildcards.dataset].image_files())


def response_files(wildcards):
    """Input function: the files that the reader of a dataset's responses reads, by name."""
    return as_inputs(STUDY.datasets[wildcards.dataset].response_files())


def as_inputs(files):
    """Files by name as inputs, whether the study makes them or they come from outside."""
    return {name: given(item) if isinstance(item, str) else [*map(given, item)] for name, item in files.items()}


def content_of_files(files):
    """Parameter: `content_of` the files that an input function returns by name."""
    return content_of(lambda wildcards: collect_files(files(wildcards).values()))


def collect_files(items):
    """The files of items that are a path or a list of paths each."""
    return [file for item in items for file in ([item] if isinstance(item, str) else item)]


def code_of_reader(script, reader):
    """Input function: the library files that a script and a reader of the dataset import (see `code_of`)."""

    def files(wildcards):
        needed = method_files(module_of(wildcards), reader, HOME)
        return sorted({*code_of(script), *(os.path.relpath(file) for file in needed)})

    return files


def fetched(attribute):
    """Parameter: an attribute of the download of a file of recordings."""
    return lambda wildcards: getattr(STUDY.fetched[wildcards.kind, wildcards.name], attribute)


def viewed(tell):
    """Input function or parameter: `tell` applied to the source of a dataset."""
    return lambda wildcards: tell(STUDY.datasets[wildcards.dataset])


def keys(*names):
    """Parameters: the values of these keys of a dataset, by name."""
    return {name: viewed(attrgetter(name)) for name in names}


def session_file(kind=""):
    """Input function: the file of a session with its rasters, or with stimuli and gaze if `kind` is "_image"."""
    return lambda wildcards: STUDY.datasets[wildcards.dataset].session_file(wildcards.session, kind)


def of_sessions(pattern):
    """Input function: a file of every session of a dataset."""
    return lambda wildcards: expand(pattern, dataset=wildcards.dataset, session=STUDY.datasets[wildcards.dataset].stems)


def table(name):
    """Input function: one of the authors' tables."""
    return viewed(lambda source: source.table(name))


def tables(*names):
    """Input function: several of the authors' tables."""
    return viewed(lambda source: [source.table(name) for name in names])


def stimuli(wildcards):
    """Input function: the folder of a dataset's images, if any."""
    folder = STUDY.datasets[wildcards.dataset].stimulus_folder
    return given(folder) if folder else []


def regions(wildcards):
    """Input function: the regions of interest in a dataset's images."""
    return [given(file) for file in STUDY.datasets[wildcards.dataset].region_files()]


def server(name):
    """The address that the config gives in place of a publisher's: the first of any dataset, since they share files."""
    return next(
        filter(None, (getattr(source.servers, name, None) for source in of_kind("xiao", source="dandi").values())), None
    )


def face_regions(wildcards):
    """Input function: the regions of interest in the images from which networks learn to detect faces."""
    return [given(file) for file in STUDY.datasets[STUDY.faces_dataset].region_files()]


def figure(attribute):
    """Parameter: an attribute of a figure in the catalogue."""
    return lambda wildcards: getattr(DRAWN[wildcards.figure], attribute)


def figure_memory(wildcards, input, attempt):
    """Resource: the memory that a figure needs, by `enough`."""
    return enough(*DRAWN[wildcards.figure].memory)(wildcards, input, attempt)


def figure_files(wildcards):
    """Input function: the files from which a figure is made, by name."""
    return as_inputs(DRAWN[wildcards.figure].files)


def figure_code(wildcards):
    """Input function: the library files that draw a figure. An edit of one figure redraws only that figure."""
    return code_of("draw_figure", f"figures/{DRAWN[wildcards.figure].kind}.py")

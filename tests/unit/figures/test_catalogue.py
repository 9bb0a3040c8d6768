"""Each figure is one module that declares everything about itself, found by its name."""

import subprocess
import sys
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

import pytest

from ventral.figures.catalogue import CATEGORIES, NO_FIGURES, figure_kind, figures_of, kinds
from ventral.study.imports import imported_files
from ventral.study.plan import Study

REPO = Path(__file__).parents[3]
FOLDER = REPO / "ventral" / "figures"


def recordings(**facts):
    known = {"kind": "files", "labels": set(), "has_rates": True, "has_images": True, "has_rdms": True}
    known |= {"has_faces": False, "has_categories": False, "several_sessions": False}
    return SimpleNamespace(**(known | facts))


def viewed(**facts):
    """Recordings of free viewing, of one session."""
    known = {"kind": "xiao", "several_sessions": True, "has_faces": True, "has_categories": True}
    known |= {"stems": {"Sa240101": "a"}, "name": "simulated", "stimulus_folder": None}
    return recordings(session_files=lambda part: [f"a{part}.nwb"], **(known | facts))


def study(datasets, **config):
    known = {
        "networks": {"hmo": {"architecture": "hmo", "weights": "random"}},
        "readouts": {"pls5": {"pls": 5}, "pls25": {"pls": 25}, "pls9": {"pls": 9}},
        "trained": {"cnn": {"network": "cnn", "head": "linear", "category_weight": 0}},
        "protocols": ["holdout"],
        "hmo": {},
        "seed": 0,
        "bootstrap": 100,
        "min_reliability": 0.1,
        "download_weights": False,
    }
    return Study(known | config, datasets)


EVERYTHING = study({"one": viewed(), "other": viewed(has_rdms=False), "mine": recordings()})


def test_every_module_of_the_folder_is_a_figure_but_those_that_serve_all():
    assert {path.stem for path in FOLDER.glob("[!_]*.py")} == set(kinds()) | NO_FIGURES


@pytest.mark.parametrize("name", kinds())
def test_a_figure_says_what_it_reads_and_its_words(name):
    kind = figure_kind(name)
    assert kind.category in CATEGORIES and kind.title and len(kind.caption) > 100
    assert ("{dataset}" in kind.caption) == kind.of_dataset
    dataset = "one" if kind.of_dataset else ""
    given = {*kind.inputs(EVERYTHING, dataset), *kind.settings(EVERYTHING, dataset), *(["dataset"] if dataset else [])}
    asked = signature(kind.read).parameters
    assert given <= set(asked)
    assert {one for one, each in asked.items() if each.default is each.empty} <= given


def test_a_study_has_the_figures_whose_conditions_hold():
    found = figures_of(EVERYTHING)
    assert found["levels_one"][:2] == ("levels", "one") and found["confound"][:2] == ("confound", "")
    of = {
        dataset: {one.kind for one in found.values() if one.dataset == dataset}
        for dataset in ("one", "other", "mine", "")
    }
    assert of["mine"] == {"layers", "scores", "targets", "r2", "levels", "rdms", "training"}
    assert of["one"] == of["mine"] | {"categories", "psth", "gaze"}
    assert of["other"] == of["one"] - {"levels", "rdms"}
    assert of[""] == {"reproduction", "confound", "faces"}
    alone = study({"mine": recordings(has_rates=False)}, networks={})
    assert set(figures_of(alone)) == {"rdms_mine"}
    assert set(figures_of(study({"mine": recordings()}, protocols=["kfold"]))) == {"rdms_mine", "training_mine"}


def test_r2_is_of_hmo_with_the_fewest_and_the_most_components():
    assert figures_of(EVERYTHING)["r2_one"].settings["encoders"] == ["hmo-pls5", "hmo-pls25"]


def test_an_edit_of_one_figure_touches_no_other():
    for name in kinds():
        code = imported_files(FOLDER / f"{name}.py", REPO)
        assert not code & {FOLDER / f"{other}.py" for other in [*kinds(), "catalogue"]}, name
        assert REPO / "ventral" / "study" / "plan.py" not in code


def test_to_ask_what_exists_loads_nothing_that_draws():
    asked = "from ventral.figures.catalogue import figure_kind, kinds; [figure_kind(name) for name in kinds()]"
    heavy = "import sys; print({'matplotlib', 'xarray', 'scipy', 'pandas', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{asked}; {heavy}"], cwd=REPO, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr

"""The report: what it says about a study, that it loads nothing, and that it is accessible."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image, PngImagePlugin

from ventral.figures.catalogue import figure_kind, kinds
from ventral.report import words
from ventral.report.cells import reproduction_table, rsa_table, summary_table
from ventral.report.page import render
from ventral.report.pictures import embed, left_out, pictures, read_caption
from ventral.report.results import Results
from ventral.report.stages import draw_stages, ranks, without_shortcuts
from ventral.scores.catalogue import METRICS
from ventral.tables.reproduction import statuses

FIGURES = {name: figure_kind(name) for name in kinds()}
NASTY = 'net<script>alert("1")</script>'
STAGES = [
    {"rule": "read_majaj", "says": "Read.", "after": []},
    {"rule": "fit_encoder", "says": "Fit.", "after": ["read_majaj"]},
    {"rule": "assemble_scores", "says": "Score.", "after": ["fit_encoder", "read_majaj"]},
]


class Page(HTMLParser):
    """What the tests ask of a page: tags with their attributes, and the text of the body."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.inside = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def summary_rows(encoder, r, among_best, region="IT", dataset="majaj", source="simulated", split="test", **more):
    row = {"dataset": dataset, "protocol": "holdout", "source": source, "region": region, "encoder": encoder}
    row |= {"network": encoder.split("-")[0], "weights": "random", "readout": "ols", "layer": "conv", "split": split}
    row |= {"n_stimuli": 20, "n_neuroids": 4, "n_scored": 4, "reliability_median": 0.8, "among_best": among_best}
    row |= {"reference": False, "n_directions": 60.0, "rank_cut": 1e-6}
    row |= {"ceiled_r2": r, "ceiled_r2_low": r - 0.1, "ceiled_r2_high": r + 0.1, "ceiled_r2_median": r}
    for metric in METRICS:
        ends = {"mean": r, "low": r - 0.1, "high": r + 0.1, "median": r}
        row |= {f"{metric}_{part}": value for part, value in ends.items()}
    below = {"below_best": 0.9 - r, "below_best_low": 0.8 - r, "below_best_high": 1 - r}
    return row | below | more


def make_study(source="simulated", **tables):
    rng = np.random.default_rng(0)
    responses = xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), rng.normal(size=(30, 4))),
            "n_presentations": (("stimulus", "neuroid"), np.full((30, 4), 5)),
        },
        coords={
            "split": ("stimulus", ["train"] * 20 + ["val"] * 4 + ["test"] * 6),
            "category_name": ("stimulus", ["face", "car", "chair"] * 10),
            "neuroid_id": ("neuroid", list("abcd")),
            "region": ("neuroid", ["IT", "IT", "V4", "V4"]),
            "subject": ("neuroid", ["Tito"] * 4),
            "session": ("neuroid", ["s1", "s1", "s2", "s2"]),
            "reliability": ("neuroid", [0.5, 0.9, np.nan, 0.7]),
        },
        attrs={"source": source, "units": "Hz"},
    )
    summary = pd.DataFrame(
        [
            summary_rows("cnn-ols", 0.3, False, source=source),
            summary_rows("vit-ols", 0.9, True, source=source),
            summary_rows(f"{NASTY}-ols", 0.8, True, source=source),
            summary_rows("cnn-ols", 0.99, True, split="val", source=source),
            summary_rows("vit-ols", 0.5, True, region="V4", source=source, ceiled_r2=np.nan),
            summary_rows("hmo-pls5", 0.2, False, region="V4", source=source, readout="pls5"),
        ]
    )
    layers = [("conv", 0, False), ("top", 1, True)]
    curves = pd.DataFrame(
        [
            summary_rows("vit-ols", 0.4 + depth / 10, True, region=region, source=source)
            | {"layer": layer, "depth": depth, "chosen": chosen, "train_r2_mean": 0.1}
            for layer, depth, chosen in layers
            for region in ("IT", "V4")
        ]
    )
    alike = {"compared_with": "vit", "spearman": 0.2, "low": 0.1, "high": 0.3, "n_stimuli": 30, "p": 0.001, "q": 0.002}
    alike |= {"ceiling": 0.7, "ceiling_low": np.nan, "ceiling_high": np.nan, "pooled": np.nan}
    alike |= {f"cka_unbiased{part}": 0.1 for part in ("", "_low", "_high")}
    rsa = pd.DataFrame(
        [
            alike | {"dataset": "majaj", "source": source, "region": region, "layer": layer, "spearman": spearman}
            for region in ("IT", "V4")
            for layer, spearman in (("conv", 0.6), ("top", 0.2))
        ]
        + [alike | {"dataset": "majaj", "source": source, "region": "IT", "compared_with": "V4", "layer": np.nan}]
    )
    given = {"report": "A & B (2020)", "dataset": "majaj", "region": "IT", "encoder": "vit", "metric": "pearson_r"}
    given |= {
        "split": "val",
        "reported": 0.5,
        "value": 0.4,
        "low": 0.3,
        "high": 0.6,
        "difference": -0.1,
        "note": np.nan,
    }
    reproduction = pd.DataFrame(
        [
            given | {"status": "matched", "why": np.nan},
            given | {"status": "not run", "why": "no vit in this study", "value": np.nan, "low": np.nan},
        ]
    )
    network = {"architecture": "vit_b_16", "weights": "random"}
    return Results(
        config={
            "seed": 3,
            "bootstrap": 200,
            "interval_over": "both",
            "min_reliability": 0.1,
            "split": {"val": 0.1, "test": 0.2},
            "protocols": ["holdout"],
            "download_weights": True,
            "networks": {
                "vit": network,
                "hmo": {"architecture": "hmo", "weights": "random"},
                "labels": {"architecture": "labels", "weights": "random"},
            },
            "readouts": {"ols": {"alpha": 0}, "pls5": {"pls": 5}},
            "trained": {"cnn": {"network": "cnn", "head": "linear", "seeds": 2}},
        },
        responses={"majaj": responses},
        tables={"summary": summary, "layers": curves, "rsa": rsa, "reproduction": reproduction} | tables,
        provenance={"versions": {"torch": "2.13.0", "timm": None}, "code": {"commit": "abc", "changed": True}},
    )


@pytest.fixture
def figures(tmp_path):
    """Paths of one small figure of every kind, in both formats."""
    paths = []
    for kind, figure in FIGURES.items():
        dataset = "majaj" if figure.of_dataset else ""
        name = f"{kind}_majaj" if dataset else kind
        told = PngImagePlugin.PngInfo()
        caption = figure.caption.format(dataset=dataset)
        about = {"Title": figure.title, "Description": f"{NASTY} in {kind}", "Caption": caption, "Dataset": dataset}
        for key, text in about.items():
            told.add_text(key, text)
        Image.new("RGB", (30, 20), "white").save(tmp_path / f"{name}.png", pnginfo=told)
        (tmp_path / f"{name}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        paths += [str(tmp_path / f"{name}.{suffix}") for suffix in ("png", "svg")]
    return paths


def write(study, figures=()):
    files = ["tables/summary.csv", "tables/rsa.csv", *(f"figures/{Path(path).name}" for path in figures)]
    return render(study, pictures(figures), STAGES, files, left_out(figures))


def test_the_page_escapes_what_it_is_given(figures):
    html = write(make_study(), figures)
    assert NASTY not in html and "net&lt;script&gt;" in html
    assert len(Page(html).all("script")) == 1


def test_the_answer_says_simulated_first_then_the_best_and_what_ties_with_it():
    study = make_study()
    assert words.what_is_simulated(study).startswith("The recordings of majaj are simulated")
    (place, best, rest), (_, _, unceiled) = words.answers(study)
    assert (place, best) == ("majaj (simulated), IT", "vit-ols")
    assert "r 0.900 [0.800, 1.000], 90 [80, 100] % of the noise ceiling, over 4 neuroids and 20 held-out stim" in rest
    assert rest.endswith(f"It cannot be distinguished from {NASTY}-ols (model confidence set).")
    assert "noise ceiling unknown" in unceiled and unceiled.endswith("it alone is in the model confidence set.")
    text = Page(write(study)).text
    assert text.index("are simulated") < text.index("vit-ols") < text.index("Recordings\n")


def test_real_recordings_are_not_called_simulated():
    text = Page(write(make_study("Majaj et al. 2015"))).text
    assert "simulated" not in text and "majaj (real)" in text and "Real recordings (Majaj et al. 2015)" in text


def test_encoders_are_marked_within_their_group():
    table = summary_table(make_study())
    marks = [(row[1].text, row[2].text, row[3].text) for row in table.rows]
    assert marks == [
        ("IT", "vit-ols", "best"),
        ("IT", f"{NASTY}-ols", "not distinguishable"),
        ("IT", "cnn-ols", ""),
        ("V4", "vit-ols", "best"),
        ("V4", "hmo-pls5", ""),
    ]
    assert table.choices("region") == ["IT", "V4"]
    assert [cell.text for cell in table.rows[3][4:6]] == ["0.500 [0.400, 0.600]", "none"]


def test_labels_are_said_to_replace_a_network():
    study = make_study(summary=pd.DataFrame([summary_rows("labels-ols", 0.9, True)]))
    assert next(words.answers(study))[2].startswith(" (the labels of the images, in place of a network), r 0.900")


def test_reproduction_has_statuses_and_reasons():
    table = reproduction_table(make_study())
    assert [(row[7].text, row[7].mark, row[8].text) for row in table.rows] == [
        ("matched", "matched", ""),
        ("not run", "not-run", "no vit in this study"),
    ]
    assert statuses(make_study().table("reproduction")) == "1 matched, 1 not run"


def test_similarity_is_of_the_layer_chosen_on_train_or_else_of_the_most_alike():
    rows = rsa_table(make_study()).rows
    assert [(row[1].text, row[2].text, row[3].text) for row in rows] == [
        ("IT", "V4", ""),
        ("IT", "vit", "top"),
        ("V4", "vit", "top"),
    ]
    rows = rsa_table(make_study(layers=pd.DataFrame())).rows
    assert [row[3].text for row in rows] == ["", "conv", "conv"]


@pytest.mark.parametrize("table", [summary_table, reproduction_table, rsa_table])
def test_tables_are_rectangular(table):
    made = table(make_study())
    assert {len(row) for row in made.rows} == {len(made.columns)}


def test_gaps_are_told():
    layers = pd.DataFrame({"network": ["vit"], "weights": ["random in place of pretrained"]})
    check = {"network": "vit", "weights": "pretrained", "accuracy": 0.4, "accuracy_random": 0.4, "n_images": 320}
    weights = pd.DataFrame([check | {"difference": 0.0, "low": -0.1, "high": 0.1, "passed": False}])
    study = make_study(layers=layers, weights=weights)
    study = replace(study, missing_stimuli={"xiao": [f"m{i}" for i in range(6)]})
    said = words.gaps(study)
    assert said[0] == "vit: random in place of pretrained weights."
    assert "no better than its random copy: 0.400 against 0.400 of 320 images" in said[1]
    assert said[2].startswith("xiao: 6 images") and said[2].endswith("m0, m1, m2 and 3 more.")
    assert words.gaps(make_study()) == words.checked(study) == []
    assert len(words.checked(make_study(weights=weights.assign(passed=True)))) == 1


def test_every_figure_has_its_alternative_text_and_its_caption(figures):
    page = Page(write(make_study(), figures))
    images = page.all("img")
    assert len(images) == len(page.all("figure")) == len(FIGURES)
    assert {image["alt"] for image in images} == {f"{NASTY} in {kind}" for kind in FIGURES}
    for picture in pictures(figures):
        assert len(picture.caption) > 100 and "{" not in picture.caption and "``" not in picture.caption


def test_nothing_is_loaded_and_ids_are_unique(figures):
    html = write(make_study(), figures)
    page = Page(html)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    used = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    linked = [attrs["href"] for attrs in page.all("a")]
    assert set(used) <= set(ids) and {link[1:] for link in linked if link.startswith("#")} <= set(ids)
    assert {image["src"][:11] for image in page.all("img")} <= {"data:image/"}
    assert not page.all("link") and not [attrs for attrs in page.all("script") if "src" in attrs]
    assert not re.search(r"https?://|url\(|@import", re.sub(r'src="data:[^"]*"', "", html))


def test_headings_are_in_order(figures):
    levels = [int(tag[1]) for tag, _ in Page(write(make_study(), figures)).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - level <= 1 for level, after in pairwise(levels))


def test_a_study_of_rdms_alone_has_a_page():
    study = make_study("Kriegeskorte et al. 2008", layers=pd.DataFrame())
    rdms = xr.Dataset({"rdm": (("region", "stimulus", "stimulus_2"), np.zeros((1, 9, 9)))}, coords={"region": ["IT"]})
    rdms.attrs["source"] = "Kriegeskorte et al. 2008"
    alone = Results(study.config, {"majaj": rdms}, {"rsa": study.table("rsa")}, {})
    text = Page(write(alone)).text
    assert "vit conv has the most similar RDM, Spearman 0.600" in " ".join(text.split())
    assert "published as RDMs: IT on 9 stimuli" in text and "Reported and reproduced" not in text


def test_the_same_study_gives_the_same_page(figures):
    assert write(make_study(), figures) == write(make_study(), figures)


def test_captions_become_html():
    text = "RDMs of a_b: r < 1, *simulated*\nsee ``rsa``; 2 * 3 * 4."
    assert read_caption(text) == ("RDMs of a_b: r &lt; 1, <em>simulated</em> see <code>rsa</code>; 2 * 3 * 4.")


def test_large_figures_are_embedded_in_fewer_colours(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "rdms.png")
    (tmp_path / "rdms.svg").write_bytes(b" " * 3_000_000)
    (tmp_path / "rdms.pdf").write_bytes(b"%PDF")
    address = embed([tmp_path / f"rdms.{suffix}" for suffix in ("pdf", "png", "svg")])
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert len(content) < (tmp_path / "rdms.png").stat().st_size / 2


def test_stages_stand_below_those_they_read():
    graph = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c", "a"]}
    assert without_shortcuts(graph) == {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
    assert ranks(graph) == {"a": 0, "b": 1, "c": 2, "d": 3}
    drawing = draw_stages({"a": [], "b": ["a"], "c": ["a"], "x<y": [], "d": ["c", "x<y"]}, "five")
    heights = {name: int(y) for y, name in re.findall(r'y="(\d+)">([^<]+)</text>', drawing)}
    assert heights["a"] == heights["x&lt;y"] < heights["b"] == heights["c"] < heights["d"]
    assert drawing.count("<rect") == 5 and drawing.count("<path") == 4

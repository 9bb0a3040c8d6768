"""Each metric is one file; tables, pages and figures take names, headings and directions from it."""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ventral.report import cells
from ventral.report.results import Results
from ventral.scores import catalogue
from ventral.scores.catalogue import HEADLINES, METRICS, columns_of, heading_of, higher_is_better
from ventral.tables import pages, reproduction

REPO = Path(__file__).parents[3]


def test_every_file_is_a_metric_and_headlines_come_first():
    files = {path.stem for path in (REPO / "ventral" / "scores" / "metrics").glob("[!_]*.py")}
    assert set(METRICS) == files and list(METRICS)[: len(HEADLINES)] == list(HEADLINES)
    assert len({metric.heading for metric in METRICS.values()}) == len(METRICS)
    assert all(metric.title and metric.meaning for metric in METRICS.values())


def test_headings_name_the_metric_and_its_direction():
    assert [heading_of(name) for name in ("pearson_r", "explained_variance_median", "ceiled_r2", "accuracy")] == [
        *("r", "median explained variance", "share of the ceiling", "accuracy")
    ]
    assert [higher_is_better(name) for name in ("mse", "mse_median", "r2", "accuracy")] == [False, False, True, True]


@pytest.fixture
def with_toy(monkeypatch):
    """One more metric: a headline that sorts before all others."""
    toy = replace(METRICS["mse"], title="toy error", heading="toy", is_headline=True)
    monkeypatch.setattr(catalogue, "METRICS", {"a_toy": toy, **METRICS})
    monkeypatch.setattr(catalogue, "HEADLINES", {"a_toy": toy, **HEADLINES})
    for module in (pages, cells):
        monkeypatch.setattr(module, "HEADLINES", catalogue.HEADLINES)
    return toy


def summary():
    """One encoder; the values of metric i are i + 0.5, so that each number says which metric it is."""
    row = {"dataset": "majaj", "protocol": "holdout", "source": "simulated", "region": "IT", "encoder": "net-ols"}
    row |= {"network": "net", "weights": "random", "readout": "ols", "layer": "conv", "split": "test", "n_stimuli": 20}
    row |= {"n_neuroids": 4, "n_scored": 4, "n_ceiled": 4, "reliability_median": 0.8, "among_best": True}
    row |= {"reference": False, "n_directions": 60.0, "rank_cut": 1e-6, "interval_over": "both"}
    row |= {f"ceiled_r2{part}": 9.5 for part in ("", "_low", "_high", "_median")}
    row |= {f"below_best{part}": 8.5 for part in ("", "_low", "_high")}
    for i, name in enumerate(("a_toy", *METRICS)):
        row |= dict.fromkeys(columns_of(name), i + 0.5)
    return pd.DataFrame([row])


def told(columns, rows):
    """The number under each heading."""
    return {
        heading: float(cell.split()[0].strip(","))
        for heading, cell in zip(columns, rows, strict=True)
        if cell[:1].isdigit()
    }


def test_headings_follow_a_new_metric(with_toy):
    expected = {metric.heading: i + 0.5 for i, metric in enumerate((with_toy, *METRICS.values())) if metric.is_headline}
    assert set(expected) == {"toy", "r", "explained variance"}
    (section,) = pages.summary_page(summary()).sections
    page = told(section.columns, section.rows[0])
    assert page == expected | {"share of the ceiling": 9.5, "median": 9.5}
    recorded = {"majaj": xr.Dataset(attrs={"source": "simulated"})}
    results = Results({"protocols": ["holdout"], "interval_over": "both"}, recorded, {"summary": summary()}, {})
    table = cells.summary_table(results)
    shown = told(table.columns, [cell.text for cell in table.rows[0]])
    assert (
        expected.items() <= shown.items() and shown["share of the ceiling"] == 9.5 and shown["r below the best"] == 8.5
    )


def test_a_reported_number_is_judged_by_the_direction_of_its_metric():
    reported = pd.DataFrame(
        [{"report": "A", "dataset": "majaj", "region": "IT", "encoder": "net", "split": "test", "metric": "mse_median"}]
    ).assign(value=2.0, ours="net-ols", layer="", note="")
    ours = summary().assign(source="real", mse_median=1.0)
    assert reproduction.reproduce(reported, ours, ours).loc[0, "status"] == "better"


def test_the_docs_name_every_metric_by_its_meaning():
    page = (REPO / "docs" / "results.md").read_text()
    for name, metric in METRICS.items():
        assert re.search(rf"\| `{name}_mean`.* \| {re.escape(metric.meaning)} \|", page), name


def test_formulas_agree_with_their_definitions():
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 30, 3))
    moments = import_module("ventral.scores.moments").moments_of(y, p)
    np.testing.assert_allclose(METRICS["mse"](moments)[0], ((y - p) ** 2).mean(axis=0))
    np.testing.assert_allclose(METRICS["r2"](moments)[0], 1 - ((y - p) ** 2).mean(axis=0) / y.var(axis=0))

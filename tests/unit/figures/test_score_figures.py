"""Figures of scores, rates and reported numbers: their data, and that they open and say what is simulated."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from PIL import Image

from ventral.figures import r2, reproduction, scores, targets
from ventral.figures.r2 import median_interval, with_ceiling
from ventral.figures.reproduction import cut_note, dot_rows
from ventral.figures.style import FLOOR, NothingToDraw, save
from ventral.figures.targets import Rates, Targets, mean_rates
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.tables.groups import Group, groups
from ventral.tables.neuroids import neuroid_scores
from ventral.tables.reproduction import COLUMNS, reproduce

ENCODERS = {"net-ridge": "pretrained", "net-ols": "pretrained", "net_random-ridge": "random", "pixels-ols": "none"}
N = 20


def summary_table(encoders=tuple(ENCODERS), regions=("IT", "V4"), splits=("val", "test"), source="simulated"):
    about = {"dataset": "majaj", "protocol": "holdout", "source": source, "n_stimuli": N}
    rows = [
        about
        | {"region": region, "encoder": name, "weights": ENCODERS[name], "split": split}
        # net-ridge is best on test, net-ols on val
        | {"reference": name in ("net_random-ridge", "pixels-ols")}
        | {"pearson_r_mean": 0.8 - 0.1 * i + 0.2 * (split == "val" and name == "net-ols")}
        for region in regions
        for i, name in enumerate(encoders)
        for split in splits
    ]
    return pd.DataFrame(rows)


def score_table(encoders=tuple(ENCODERS), regions=("IT", "V4"), splits=("val", "test"), reliability=0.64, n=6):
    rng = np.random.default_rng(0)
    rows = []
    for region in regions:
        known = np.linspace(0.2, reliability, n)
        for name in encoders:
            for split in splits:
                for k in range(n):
                    about = {"dataset": "majaj", "protocol": "holdout", "source": "simulated", "region": region}
                    about |= {"encoder": name, "split": split, "neuroid": f"{region}{k}"}
                    about |= {"reliability": known[k], "reliability_sd": 0.05, "ceiling": known[k]}
                    r = rng.uniform(-0.5, 0.9)
                    values = {"pearson_r": r, "explained_variance": r - 0.4, "r2": r - 0.5, "mse": 1.0}
                    for metric, value in values.items():
                        rows.append(about | {"metric": metric, "value": value})
    return pd.DataFrame(rows)


def recordings(n_train=30, missing=False, category=True):
    """Responses of two regions, and predictions of two layers of which each region has its own."""
    rng = np.random.default_rng(1)
    region = np.array(["IT"] * 4 + ["V4"] * 3)
    split = np.array(["train"] * n_train + ["val"] * 5 + ["test"] * N)
    rate = rng.normal(size=(len(split), len(region))) + 10 * np.arange(len(region))
    if missing:
        rate[n_train::2, :2] = np.nan
        rate[n_train + 1 :: 2, 2:] = np.nan
    ids = np.array([f"s{i}" for i in range(len(split))])
    responses = xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rate)},
        coords={"stimulus_id": ("stimulus", ids), "split": ("stimulus", split), "region": ("neuroid", region)},
        attrs={"source": "simulated", "units": "Hz"},
    )
    if category:
        responses["category_name"] = ("stimulus", np.resize(["Cars", "Faces"], len(split)))
    held_out = split != "train"
    values = rng.normal(size=(1, 2, held_out.sum(), len(region)))
    predictions = xr.Dataset(
        {"prediction": (("repeat", "layer", "stimulus", "neuroid"), values.astype(np.float32))},
        coords={
            "layer": ["early", "late"],
            "stimulus_id": ("stimulus", ids[held_out]),
            "split": (("repeat", "stimulus"), split[held_out][None]),
            "chosen_layer": (("repeat", "neuroid"), np.where(region == "IT", "late", "early")[None]),
        },
    )
    return responses, predictions


def group_of(region, split):
    """The encoders of a region, as far as scores of neuroids and rates ask for them."""
    rows = pd.DataFrame(
        {"encoder": ["net-ridge"], "n_stimuli": [N], "weights": ["pretrained"], "pearson_r_mean": [0.8]}
    )
    return Group("majaj", "holdout", region, "simulated", split, rows)


IT = group_of("IT", "test")
REPORTED = [
    ("A (report 000)", "IT", "pixels-ols", "explained_variance", -537.1, "pixels-ols"),
    ("A (report 000)", "IT", "pixels-ols", "pearson_r", 0.2, "pixels-ols"),
    ("A (report 000)", "IT", "pixels-ols", "mse", 0.3, "pixels-ols"),
    ("B (report 001)", "IT", "net", "explained_variance", 0.4, "net-ridge"),
    ("B (report 001)", "IT", "net", "pearson_r", 0.69, "net-ridge"),
    ("A (report 000)", "IT", "other", "pearson_r", 0.1, "other-ols"),
    ("A (report 000)", "IT", "no figure", "explained_variance", np.nan, "other-ols"),
    ("B (report 001)", "IT", "random", "explained_variance", -0.2, "net_random-ridge"),
]


def reproduced(source="Majaj et al. 2015", found=("net-ridge", "pixels-ols", "net_random-ridge")):
    rows = [(a, "majaj", b, c, "val", d, e, f, "", "") for a, b, c, d, e, f in REPORTED]
    reported = pd.DataFrame(rows, columns=list(COLUMNS))
    summary = pd.DataFrame(
        {"dataset": "majaj", "region": "IT", "protocol": "holdout", "encoder": name, "split": "val", "source": source}
        | {"weights": ENCODERS[name], "layer": ""}
        | {f"{metric}_{part}": value + shift for metric, value in (("explained_variance", 0.41), ("pearson_r", 0.5))
           for part, shift in (("mean", 0), ("low", -0.05), ("high", 0.05))}
        for name in found
    )  # fmt: skip
    columns = ["dataset", "protocol", "region", "encoder", "split"]
    return reproduce(reported, summary.reindex(columns=[*columns, *summary.columns.difference(columns)]), summary)


def targets_figure(regions=("IT", "V4"), **given):
    responses, predictions = recordings(**given)
    shown = [(group_of(region, "test"), mean_rates(responses, predictions, region, "test")) for region in regions]
    return targets.draw(Targets(shown, "majaj", responses.attrs["source"], responses.attrs["units"]))


def draw_r2(table, encoders):
    return r2.draw(r2.collect(table, summary_table(), encoders, "majaj", 50, 0))


def r2_figure(encoders=("net-ridge", "net-ols"), **given):
    return draw_r2(score_table(**given), encoders)


def draw_scores(table, summary, dataset):
    return scores.draw(scores.choose(table, summary, dataset))


FIGURES = {
    "r2": r2_figure,
    "r2 of one encoder": lambda: r2_figure(["net-ols"]),
    "r2 without ceiling": lambda: r2_figure(reliability=np.nan),
    "scores": lambda: draw_scores(score_table(), summary_table(), "majaj"),
    "scores of one encoder": lambda: draw_scores(score_table(), summary_table(["net-ridge"], ["IT"]), "majaj"),
    "scores without ceiling": lambda: draw_scores(score_table(reliability=np.nan), summary_table(), "majaj"),
    "targets": targets_figure,
    "targets of one region": lambda: targets_figure(["V4"]),
    "targets of neuroids that saw different stimuli": lambda: targets_figure(missing=True),
    "targets without categories": lambda: targets_figure(category=False),
}


def opened(figure, folder):
    save(figure, [str(folder / "a.png"), str(folder / "a.svg")], {})
    assert not plt.get_fignums()
    with Image.open(folder / "a.png") as image:
        assert len(np.unique(np.asarray(image.convert("L")))) > 10
    assert ElementTree.parse(folder / "a.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figures_open_in_both_formats_and_say_simulated(tmp_path, draw):
    figure = draw()
    assert figure.get_suptitle().startswith("majaj (simulated): ")
    opened(figure, tmp_path)


@pytest.mark.parametrize("table", [reproduced(), reproduced(found=["net-ridge"]), reproduced().iloc[:0]])
def test_the_reproduction_opens_in_both_formats(tmp_path, table):
    opened(reproduction.draw(table), tmp_path)


def test_the_best_encoder_is_of_test_where_there_is_one():
    def best(summary):
        found = [group for group in groups(summary, "holdout") if group.is_scored]
        return [(group.region, group.split, group.best["encoder"], group.random) for group in found]

    assert best(summary_table()) == [(region, "test", "net-ridge", "net_random-ridge") for region in ("IT", "V4")]
    assert best(summary_table(splits=["val"]))[0][1:3] == ("val", "net-ols")
    random_first = summary_table(["net_random-ridge", "net-ols"], ["IT"])
    assert best(random_first) == [("IT", "test", "net-ols", "net_random-ridge")]  # models first
    no_model = summary_table(["net_random-ridge", "pixels-ols"], ["IT"])
    assert best(no_model) == [("IT", "test", "net_random-ridge", None)]
    unscored = summary_table().assign(pearson_r_mean=np.nan)
    assert best(unscored) == best(summary_table().assign(protocol="kfold")) == best(unscored.iloc[:0]) == []
    for table in (unscored, unscored.iloc[:0]):
        with pytest.raises(NothingToDraw, match="no encoder has a score"):
            draw_scores(score_table(), table, "majaj")
    with pytest.raises(NothingToDraw, match="no neuroid has a score"):
        r2_figure(regions=["none"])


def test_scores_of_neuroids_are_those_of_the_table_and_ceilings_roots_of_reliability():
    table = score_table(reliability=0.64, n=3)
    found = neuroid_scores(table, IT, "net-ridge")
    here = table[(table["region"] == "IT") & (table["encoder"] == "net-ridge") & (table["split"] == "test")]
    r = here["value"][here["metric"] == "pearson_r"].to_numpy()
    assert list(found.index) == ["IT0", "IT1", "IT2"]
    np.testing.assert_array_equal(found["pearson_r"], r)
    np.testing.assert_allclose(found["explained_variance"], r - 0.4)
    np.testing.assert_allclose(found["signed_r2"], np.sign(r) * r**2)
    np.testing.assert_allclose(found["ceiling"].iloc[-1], 0.8)
    np.testing.assert_allclose(found[["low", "high"]].iloc[-1], np.sqrt([0.59, 0.69]))
    assert list(neuroid_scores(table, IT, "net-ridge", min_reliability=0.3).index) == ["IT1", "IT2"]


def test_unreliable_neuroids_have_a_ceiling_of_nothing_and_unscored_ones_no_row():
    table = score_table(reliability=0.64, n=3)
    table.loc[table["neuroid"] == "IT1", ["reliability", "ceiling"]] = -0.2
    table.loc[table["neuroid"] == "IT2", "value"] = np.nan
    found = neuroid_scores(table, IT, "net-ridge")
    assert list(found.index) == ["IT0", "IT1"]
    assert found.loc["IT1", ["ceiling", "low", "high"]].tolist() == [0, 0, 0]


def test_r2_is_told_with_its_interval_and_what_has_no_ceiling():
    table = score_table(n=3)
    table.loc[table["neuroid"] == "IT1", ["reliability", "ceiling"]] = -0.2
    figure = draw_r2(table, ["net-ridge", "net-ols"])
    legend = figure.axes[0].get_legend()
    assert legend.get_title().get_text() == "IT: 3 neuroids, 20 stimuli (test)"
    found = neuroid_scores(table, IT, "net-ridge")
    told = median_interval(found["r2"].to_numpy(), 50, 0)
    median, low, high = told.value, told.low, told.high
    assert low <= median <= high and median == found["r2"].median()
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0] == f"net-ridge: median {median:z.2f} [{low:z.2f}, {high:z.2f}]"
    assert texts[2] == "noise ceiling: median 0.42, of all but IT1"
    plt.close(figure)
    assert with_ceiling(found.assign(ceiling_r2=np.nan)) == "of 0 neuroids"
    assert with_ceiling(found.assign(ceiling_r2=0.5)) == "of all"


def test_a_histogram_holds_every_neuroid_and_marks_the_median():
    table = score_table(regions=["IT"])
    table.loc[(table["neuroid"] == "IT0") & (table["metric"] == "explained_variance"), "value"] = -50
    figure = draw_scores(table, summary_table(["net-ridge"], ["IT"]), "majaj")
    left, middle, right = figure.axes
    expected = neuroid_scores(table, IT, "net-ridge")
    assert sum(bar.get_height() for bar in left.patches) == len(expected)
    assert sum(bar.get_height() for bar in middle.patches) == 2 * len(expected)  # the ceilings behind
    assert left.lines[0].get_xdata()[0] == pytest.approx(expected["explained_variance"].clip(FLOOR).median())
    assert middle.lines[0].get_xdata()[0] == pytest.approx(expected["signed_r2"].median())
    below = (expected["explained_variance"] < FLOOR).sum()
    assert left.get_title(loc="left") == f"{below} below -0.3, in the first bar"
    points = right.lines[0].get_xydata()
    np.testing.assert_allclose(points, expected[["ceiling", "pearson_r"]].to_numpy())
    (legend,) = figure.subfigs[0].legends
    assert legend.get_title().get_text() == "IT: 6 neuroids, 20 stimuli (test)"
    plt.close(figure)


def test_without_a_ceiling_the_figure_says_so():
    figure = draw_scores(score_table(reliability=np.nan).assign(ceiling=np.nan), summary_table(), "majaj")
    assert [axes.texts[0].get_text() for axes in figure.axes[2::3]] == ["no noise ceiling is known"] * 2
    assert [text.get_text() for text in figure.subfigs[0].legends[0].texts] == ["net-ridge", "net_random-ridge"]
    plt.close(figure)


def test_rates_are_means_over_the_neuroids_of_the_region_from_its_own_layer():
    responses, predictions = recordings()
    rates = mean_rates(responses, predictions, "IT", "test")
    np.testing.assert_allclose(rates.target, responses["rate"].values[-N:, :4].mean(axis=1))
    np.testing.assert_allclose(rates.predicted, predictions["prediction"].values[0, 1, -N:, :4].mean(axis=1), 1e-5)
    assert (rates.n_neuroids, rates.centred) == (4, False)
    assert list(rates.category) == list(responses["category_name"].values[-N:])
    v4 = mean_rates(responses, predictions, "V4", "val")
    np.testing.assert_allclose(v4.predicted, predictions["prediction"].values[0, 0, :5, 4:].mean(axis=1), 1e-5)
    assert rates.r == pytest.approx(np.corrcoef(rates.target, rates.predicted)[0, 1])


def test_sessions_of_other_stimuli_are_not_told_apart_by_their_mean_rates():
    responses, predictions = recordings(missing=True)
    rates = mean_rates(responses, predictions, "IT", "test")
    assert rates.centred
    usual = responses["rate"].values[:30, :4].mean(axis=0)
    np.testing.assert_allclose(rates.target, np.nanmean(responses["rate"].values[-N:, :4] - usual, axis=1))
    assert np.abs(rates.target).max() < 5  # neuroids differ by tens of Hz, and sessions with them
    figure = targets_figure(missing=True)
    assert figure.axes[0].get_xlabel() == "predicted response less train mean (Hz)"
    plt.close(figure)


def test_stimuli_that_no_neuroid_of_the_region_saw_are_left_out():
    responses, predictions = recordings()
    responses["rate"][-3:, :4] = np.nan
    rates = mean_rates(responses, predictions, "IT", "test")
    assert len(rates.target) == len(rates.category) == N - 3
    assert isinstance(rates, Rates) and np.isfinite(rates.r)


def test_a_point_a_stimulus_by_category_with_r_and_n_in_the_title():
    figure = targets_figure(["IT"])
    (axes,) = figure.axes
    responses, predictions = recordings()
    rates = mean_rates(responses, predictions, "IT", "test")
    points = np.concatenate([np.asarray(part.get_offsets()) for part in axes.collections])
    order = np.argsort(rates.category, kind="stable")
    np.testing.assert_allclose(points, np.column_stack([rates.predicted, rates.target])[order])
    r = pearson_r(rates.target[:, None], rates.predicted[:, None])[0]
    assert axes.get_title() == f"IT: r = {r:.2f}\n4 neuroids, 20 stimuli (test)\nnet-ridge"
    assert [text.get_text() for text in figure.legends[0].texts] == ["Cars", "Faces"]
    assert axes.get_xlim() == axes.get_ylim()
    plt.close(figure)


def test_reported_numbers_are_lines_by_report_with_a_line_for_its_name():
    rows = dot_rows(reproduced(found=["net-ridge", "pixels-ols"]))
    lines = rows.drop_duplicates("line")[["line", "report", "encoder", "was_run"]]
    assert lines.to_numpy().tolist() == [
        [1, "A (report 000)", "pixels-ols", True],
        [2, "A (report 000)", "other", False],
        [4, "B (report 001)", "net", True],
        [5, "B (report 001)", "random", False],
    ]
    assert set(rows["metric"]) == {"explained_variance", "pearson_r"}


def test_numbers_below_the_axis_are_written_out():
    assert cut_note(-537.1, 0.4) == "reported -537.1"
    assert cut_note(-537.1, -1.25) == "reported -537.1, ours -1.25"
    assert cut_note(np.nan, -0.9) == ""
    figure = reproduction.draw(reproduced())
    left = figure.axes[0]
    assert "reported -537.1" in [text.get_text() for text in left.texts]
    assert left.get_xlim()[0] > -1.2
    plt.close(figure)


def test_marks_say_what_became_of_each_number():
    table = reproduced(found=["net-ridge", "pixels-ols"])
    figure = reproduction.draw(table)
    left, right = figure.axes
    # of `net`: 0.40 lies in ours, 0.41 +- 0.05; 0.69 is above ours, 0.50 +- 0.05
    drawn = [[line for line in axes.lines if len(line.get_xdata()) == 1] for axes in (left, right)]
    filled = [{(line.get_marker(), float(line.get_xdata()[0])) for line in part} for part in drawn]
    assert {("o", 0.4), ("o", 0.41), ("<", -1.0), ("o", -0.2)} <= filled[0]
    assert {("v", 0.5), ("o", 0.69), ("o", 0.1)} <= filled[1]
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == ["reported", "ours: matched", "ours: better", "ours: worse", "reported, not run here"]
    names = {tick.get_text(): tick.get_color() for tick in left.get_yticklabels()}
    assert names["net"] == "k" and names["random"] != "k"
    plt.close(figure)


@pytest.mark.parametrize(
    ("source", "told"), [("simulated", "\nours are from simulated recordings, and not comparable"), ("real", "")]
)
def test_the_reproduction_says_what_is_simulated(source, told):
    figure = reproduction.draw(reproduced(source))
    assert figure.get_suptitle() == f"published numbers and ours: 3 of 4 encoders run{told}"
    plt.close(figure)

"""Figures are drawn, open, say what is simulated, and are the same every time."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from PIL import Image
from scipy.spatial.distance import pdist, squareform

from ventral.figures import categories as by_category
from ventral.figures import layers as by_layer
from ventral.figures import rdms as of_rdms
from ventral.figures.categories import category_means
from ventral.figures.layers import Layers
from ventral.figures.rdms import LayerRDM, RDMs
from ventral.figures.style import save
from ventral.similarity.regions import RegionRDM
from ventral.tables.layers import Ceiling, best_readout, region_ceilings

N = 16
NETWORKS = {"net": ["a", "b", "c"], "net_random": ["a", "b", "c"], "other": ["x", "y"], "pixels": ["pixels"]}
CEILING = Ceiling(4, {"explained_variance": 0.8, "pearson_r": 0.9})
UNKNOWN = Ceiling(4, {"explained_variance": np.nan, "pearson_r": np.nan})
METRICS = tuple(CEILING.values)


def layer_table(networks=tuple(NETWORKS), regions=("IT", "V4"), source="simulated") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for region, network, readout in itertools.product(regions, networks, ("ols", "ridge")):
        for depth, layer in enumerate(NETWORKS[network]):
            row = {"region": region, "network": network, "readout": readout, "layer": layer, "depth": depth}
            row |= {"weights": "random" if network.endswith("random") else "pretrained"}
            row |= {"dataset": "majaj", "source": source, "chosen": depth == 0, "dead": False}
            row["train_r2_mean"] = rng.random() + (readout == "ridge")
            for metric in METRICS:
                mean = rng.normal() * 0.3
                row |= {f"{metric}_mean": mean, f"{metric}_low": mean - 0.1, f"{metric}_high": mean + 0.1}
            rows.append(row)
    return pd.DataFrame(rows)


def region_rdm(name: str, n: int = N, reliability: float = 0.7) -> RegionRDM:
    rdm = squareform(pdist(np.random.default_rng(n).normal(size=(n, 8)), "correlation"))
    return RegionRDM(name, rdm, np.arange(n), reliability)


def responses_of(regions=("IT", "V4"), reliability=0.5, source="simulated") -> xr.Dataset:
    rng = np.random.default_rng(0)
    names = np.repeat(regions, 4)
    rate = rng.normal(size=(N, len(names)))
    rate[3, 0] = np.nan
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rate)},
        coords={
            "category_name": ("stimulus", np.array(["Faces", "Fruits", "Cars", "Planes"] * (N // 4), dtype=object)),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(len(names))]),
            "region": ("neuroid", names),
            "reliability": ("neuroid", np.linspace(0, reliability, len(names))),
        },
        attrs={"source": source, "units": "Hz"},
    )


def draw_layers(table, dataset, ceilings):
    return by_layer.draw(Layers(table[table["readout"] == best_readout(table)], ceilings, dataset))


def draw_categories(responses, dataset, n_draws, seed):
    return by_category.draw(by_category.average(responses, n_draws, seed, dataset))


def draw_rdms(dataset, source, regions, categories, models):
    layers = [model and LayerRDM(model[0], 0.5, model[1]) for model in models]
    return of_rdms.draw(RDMs(regions, layers, categories, dataset, source))


def categories() -> np.ndarray:
    return np.array(["Faces", "Fruits"] * (N // 2))


def rdms(source="simulated", **options):
    regions = [region_rdm("IT"), region_rdm("V4", 9)]
    given = {"categories": categories(), "models": [("net late", region_rdm("", 16).rdm), ("net a", regions[1].rdm)]}
    return draw_rdms("majaj", source, regions, **(given | options))


FIGURES = {
    "layers": lambda: draw_layers(layer_table(), "majaj", {"IT": CEILING, "V4": CEILING}),
    "layers of one region": lambda: draw_layers(layer_table(regions=["IT"]), "majaj", {"IT": CEILING}),
    "layers of one network": lambda: draw_layers(layer_table(["other"]), "majaj", {"IT": CEILING, "V4": CEILING}),
    "layers of pixels": lambda: draw_layers(layer_table(["pixels"], ["IT"]), "majaj", {"IT": CEILING}),
    "layers without ceiling": lambda: draw_layers(layer_table(), "majaj", {"IT": UNKNOWN, "V4": CEILING}),
    "rdms": rdms,
    "rdms without categories": lambda: rdms(categories=None),
    "rdms without networks": lambda: rdms(models=[None, None]),
    "rdms with one network": lambda: rdms(models=[("net late", region_rdm("").rdm), None]),
    "rdm of one region": lambda: draw_rdms(
        "majaj", "simulated", [region_rdm("IT", reliability=np.nan)], categories(), [None]
    ),
    "categories": lambda: draw_categories(responses_of(), "majaj", 100, 0),
    "categories of one region": lambda: draw_categories(responses_of(["IT"]), "majaj", 100, 0),
    "categories without reliability": lambda: draw_categories(responses_of(reliability=np.nan), "majaj", 100, 0),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figures_open_in_both_formats_and_say_simulated(tmp_path, draw):
    figure = draw()
    assert figure.get_suptitle().startswith("majaj (simulated): ")
    save(figure, [str(tmp_path / "figures" / "a.png"), str(tmp_path / "figures" / "a.svg")], {})
    assert not plt.get_fignums()
    with Image.open(tmp_path / "figures" / "a.png") as image:
        image.load()
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert len(np.unique(np.asarray(image.convert("L")))) > 10
    root = ElementTree.parse(tmp_path / "figures" / "a.svg").getroot()
    assert root.tag.endswith("svg")
    assert sorted(file.name for file in (tmp_path / "figures").iterdir()) == ["a.png", "a.svg"]


@pytest.mark.parametrize("name", ["layers", "rdms", "categories"])
def test_the_same_input_gives_the_same_file(tmp_path, name):
    kinds = ("svg", "png", "pdf")
    for i in range(2):
        save(FIGURES[name](), [str(tmp_path / f"{i}.{kind}") for kind in kinds], {"Title": "r²"})
    for kind in kinds:
        assert (tmp_path / f"0.{kind}").read_bytes() == (tmp_path / f"1.{kind}").read_bytes()
    assert (tmp_path / "0.pdf").read_bytes().startswith(b"%PDF")


def test_real_recordings_are_not_called_simulated():
    table = layer_table(source="Majaj et al. 2015")
    for figure in (
        draw_layers(table, "majaj", {"IT": CEILING}),
        rdms(source="Majaj et al. 2015"),
        draw_categories(responses_of(source="Majaj et al. 2015"), "majaj", 100, 0),
    ):
        assert figure.get_suptitle().startswith("majaj (Majaj et al. 2015): ")
        plt.close(figure)


def labels_of(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_network_and_its_random_copy_share_a_panel():
    figure = draw_layers(layer_table(), "majaj", {"IT": CEILING, "V4": UNKNOWN})
    top = figure.axes[:2]
    rows = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert rows == [f"{region}: {metric}" for region in ("IT", "V4") for metric in ("explained variance", "Pearson r")]
    assert labels_of(top[0]) == ["net", "net_random", "pixels", "noise ceiling"]
    assert labels_of(top[1]) == ["other", "pixels", "noise ceiling"]
    assert [tick.get_text() for tick in figure.axes[6].get_xticklabels()] == ["a", "b", "c"]
    solid, dashed = (line.get_linestyle() for line in top[0].get_lines()[:3:2])
    assert (solid, dashed) == ("-", "--")
    plt.close(figure)


def test_the_curves_are_the_means_of_the_table_and_scores_far_below_chance_end_at_the_floor():
    table = layer_table(["other"], ["IT"])
    table.loc[table["depth"] == 1, "pearson_r_mean"] = -50
    table.loc[table["depth"] == 1, "pearson_r_low"] = -60
    figure = draw_layers(table, "majaj", {"IT": CEILING})
    shown = table[table["readout"] == "ridge"]
    np.testing.assert_allclose(
        figure.axes[0].get_lines()[0].get_ydata(), shown["explained_variance_mean"].clip(lower=-0.3)
    )
    np.testing.assert_allclose(figure.axes[1].get_lines()[0].get_ydata()[1], -0.3)
    assert figure.axes[1].get_ylim()[0] > -1
    plt.close(figure)


def test_the_readout_shown_is_that_which_predicts_train_best():
    table = layer_table()
    assert best_readout(table) == "ridge"
    table.loc[table["readout"] == "ols", "train_r2_mean"] += 2
    assert best_readout(table) == "ols"
    of_one_network = table[table["network"] == "net"].assign(readout="deep_head", train_r2_mean=9)
    assert best_readout(pd.concat([table, of_one_network])) == "ols"


def test_a_readout_is_shown_where_every_neuroid_is_too_unreliable_to_tell():
    scores = [f"{metric}_{part}" for metric in METRICS for part in ("mean", "low", "high")]
    table = layer_table().assign(train_r2_mean=np.nan, **dict.fromkeys(scores, np.nan))
    assert best_readout(table) == "ols"
    plt.close(draw_layers(table, "majaj", {"IT": UNKNOWN, "V4": UNKNOWN}))


def test_ceilings_are_of_the_neuroids_that_means_are_over():
    responses = responses_of(["IT", "V1", "V4"])
    reliability = np.array([-2, 0.25, 1, np.nan, *4 * [0.05], *4 * [np.nan]])
    responses["reliability"] = "neuroid", reliability
    responses["signal_variance"], responses["noise_variance"] = ("neuroid", reliability), ("neuroid", 1 - reliability)
    # Stimuli of val were shown once, the others more often: theirs is the ceiling.
    split = np.resize(["val", "train", "test"], responses.sizes["stimulus"])
    responses = responses.assign_coords(split=("stimulus", split))
    shown = np.where(split == "val", 1, 9)[:, None] * np.ones(len(reliability), dtype=int)
    responses["n_presentations"] = ("stimulus", "neuroid"), shown
    found = region_ceilings(responses, 0.1)
    assert found["IT"] == Ceiling(3, {"explained_variance": 0.625, "pearson_r": 0.75})
    assert np.isnan([found[region].values[metric] for region in ("V1", "V4") for metric in METRICS]).all()
    everyone = region_ceilings(responses, -np.inf)
    assert everyone["IT"].values["pearson_r"] == 0.5 and everyone["V1"].values["explained_variance"] == pytest.approx(
        0.05
    )


def test_rdms_are_percentiles_sorted_by_category():
    region = region_rdm("IT")
    labels = categories()
    figure = draw_rdms("d", "simulated", [region], labels, [("model", region.rdm)])
    left, right = (np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes[:2])
    order = np.argsort(labels, kind="stable")
    expected = region.rdm[np.ix_(order, order)]
    np.testing.assert_array_equal(left, right)
    assert (left.min(), left.max()) == (0, 100)
    upper = np.triu_indices(N, 1)
    np.testing.assert_array_equal(np.argsort(left[upper]), np.argsort(expected[upper]))
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["Faces", "Fruits"]
    assert figure.axes[0].get_title() == "IT, 16 stimuli, reliability 0.70"
    plt.close(figure)


def test_means_of_categories_agree_with_pandas_and_their_intervals_hold_them():
    responses = responses_of()
    rates, labels = responses["rate"].values, responses["category_name"].values.astype(str)
    names, means, bounds = category_means(rates, labels, 200, 0)
    expected = pd.DataFrame(rates).groupby(labels).mean()
    assert list(names) == list(expected.index)
    np.testing.assert_allclose(means, expected.to_numpy())
    assert bounds.shape == (2, *means.shape)
    assert (bounds[0] <= means).all()
    assert (means <= bounds[1]).all()


def test_the_most_reliable_neuroid_is_shown_and_others_sorted_by_preference():
    responses = responses_of(["IT"])
    rate, labels = responses["rate"].values, responses["category_name"].values
    rate[3, 0] = 0
    for k, name in enumerate(["Planes", "Cars", "Faces", "Fruits"]):
        rate[labels == name, k] += 10
    figure = draw_categories(responses, "majaj", 100, 0)
    assert figure.axes[0].get_title() == "IT: n3"
    shown = np.asarray(figure.axes[1].get_images()[0].get_array())
    np.testing.assert_array_equal(shown.argmax(axis=0), range(4))
    assert figure.axes[0].get_ylabel() == "response (Hz)"
    plt.close(figure)

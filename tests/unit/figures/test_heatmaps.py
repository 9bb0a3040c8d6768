import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from ventral.figures.levels import CEILING, Levels, draw, encoding_map, in_stream_order, similarity_maps


def layers():
    rows = [
        {"network": network, "layer": layer, "depth": depth, "region": region, "readout": "ridge"}
        | {"pearson_r_mean": depth + 0.1 * (region == "V4")}
        for network, names in {"net": ["late", "later"], "pixels": ["pixels"]}.items()
        for depth, layer in enumerate(names)
        for region in ("IT", "V4")
    ]
    return pd.DataFrame(rows)


def rsa():
    rows = [
        {"region": region, "compared_with": "net", "layer": layer, "depth": depth, "spearman": 0.5, "ceiling": 0.8}
        | {"cka_unbiased": 0.2, "within": np.nan}
        for region in ("AIT Sc1", "V1")
        for depth, layer in enumerate(["b", "a"])
    ]
    between = {"region": "V1", "compared_with": "AIT", "layer": np.nan, "spearman": 0.9}
    return pd.DataFrame([*rows, between])


def test_regions_are_in_the_order_of_the_stream():
    assert in_stream_order(["x", "AIT Sc2", "V4", "IT", "AIT Sc1", "V1"]) == [
        "V1",
        "V4",
        "AIT Sc1",
        "AIT Sc2",
        "IT",
        "x",
    ]


def test_encoding_map_has_a_row_a_layer_and_the_ceiling_last():
    values = encoding_map(layers(), {"IT": 0.9}).values
    assert list(values.index) == ["net late", "net later", "pixels", CEILING]
    assert list(values.columns) == ["V4", "IT"]
    assert values.loc["net later", "V4"] == 1.1
    assert values.loc[CEILING, "IT"] == 0.9 and np.isnan(values.loc[CEILING, "V4"])


def test_similarity_maps_leave_out_comparisons_of_regions():
    spearman, cka = similarity_maps(rsa())
    assert list(spearman.values.index) == ["net b", "net a", CEILING]
    assert spearman.values.loc[CEILING].tolist() == [0.8, 0.8]
    assert cka.values.loc["net a"].tolist() == [0.2, 0.2]
    assert len(similarity_maps(rsa().assign(cka_unbiased=np.nan))) == 1


def test_sessions_give_way_to_their_area():
    area = {"region": "AIT", "compared_with": "net", "layer": "a", "depth": 0, "spearman": 0.4, "ceiling": 0.7}
    joined = pd.concat([rsa(), pd.DataFrame([area | {"within": 0.4, "cka_unbiased": 0.1}])])
    spearman, _ = similarity_maps(joined)
    assert list(spearman.values.columns) == ["AIT"]
    assert spearman.values.loc[CEILING, "AIT"] == 0.7


def test_figure_says_what_is_simulated():
    figure = draw(Levels([encoding_map(layers(), {}), *similarity_maps(rsa())], "majaj", "simulated", {"V4": 8}))
    assert figure.get_suptitle() == "majaj (simulated): every network layer against every region"
    assert len(figure.axes) == 6
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["V4, n = 8", "IT"]
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["net late", "net later", "pixels", "net b", "net a", CEILING]
    plt.close(figure)

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from ventral.faces.task import SETS
from ventral.figures.faces import FIGURE
from ventral.scores.classification import beside_baselines, score_sets
from ventral.tables.gather import gather_faces


def test_every_set_and_every_held_out_category_is_drawn():
    rng = np.random.default_rng(0)
    sets = np.array(SETS)[np.arange(80) % 4]
    category = np.where(sets == SETS[-1], "pareidolia", np.array(["face", "nonface"])[np.arange(80) // 4 % 2])
    face, parts = category == "face", []
    for name in ("hmo", "cnn"):
        called = beside_baselines(name, rng.random(80) < 0.5, rng.normal(size=(80, 4)), face, sets == "train")
        parts.append(pd.DataFrame(score_sets(called, face, sets, category, SETS)))
    table = gather_faces(parts, "viewing", "simulated")
    figure = FIGURE.draw(table)
    left, right = figure.axes
    assert left.get_legend_handles_labels()[1] == ["hmo", "cnn", "pixels", "majority"]
    assert [label.get_text() for label in left.get_xticklabels()][-1] == "high variation\n20 images"
    rows = [label.get_text() for label in right.get_yticklabels()]
    assert rows == ["face (10)", "nonface (10)", "pareidolia (20)"]
    shown = table[(table["set"] == "test") & (table["classifier"] == "cnn")].set_index("category")
    assert right.images[0].get_array()[0, 1] == shown.loc["face", "called_face"]
    assert "simulated" in figure.get_suptitle()
    plt.close(figure)

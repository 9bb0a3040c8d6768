"""Learning curves: one panel for each encoder, one line for each run, the kept epoch marked."""

import numpy as np
import pandas as pd
from matplotlib.colors import same_color

from ventral.figures.style import save
from ventral.figures.training import CEILING, CURVES, Training, draw


def curves(n_seeds=1, n_epochs=5, first_loss=1.2):
    rows = [
        {"split": 0, "seed": seed, "epoch": epoch, "train_loss": first_loss / epoch, "stop_loss": 1 / epoch}
        | {"stop_r": 0.1 * epoch, "learning_rate": 1e-3, "best": epoch == 4}
        for seed in range(n_seeds)
        for epoch in range(1, n_epochs + 1)
    ]
    return pd.DataFrame(rows)


def lines(axes, colour):
    return [line for line in axes.lines if same_color(line.get_color(), colour)]


def test_a_panel_an_encoder_and_a_line_a_run(tmp_path):
    figure = draw(Training({f"net{i}": curves(n_seeds=i + 1) for i in range(5)}, "mine", "simulated"))
    drawn = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in drawn] == [f"net{i}" for i in range(5)]
    for i, axes in enumerate(drawn):
        assert len(lines(axes, CURVES["train_loss"][0])) == i + 1
        runs = [line for line in lines(axes, CURVES["stop_loss"][0]) if len(line.get_xdata()) == 5]
        kept = [line for line in lines(axes, CURVES["stop_loss"][0]) if len(line.get_xdata()) == 1]
        assert len(runs) == len(kept) == i + 1
        assert kept[0].get_xdata()[0] == 4 and kept[0].get_ydata()[0] == 0.25
    assert "simulated" in figure.get_suptitle()
    save(figure, [str(tmp_path / "training.png"), str(tmp_path / "training.svg")], {})
    assert all(path.stat().st_size > 1000 for path in tmp_path.iterdir())


def test_the_first_steps_do_not_flatten_the_rest():
    figure = draw(Training({"net": curves(first_loss=50)}, "mine", "simulated"))
    (line,) = lines(figure.axes[0], CURVES["train_loss"][0])
    assert np.max(line.get_ydata()) == CEILING

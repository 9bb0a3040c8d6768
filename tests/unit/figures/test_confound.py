from matplotlib import pyplot as plt

from ventral.figures.confound import FIGURE


def test_the_confound_is_drawn_with_its_numbers():
    panels = FIGURE.read(bootstrap=100, seed=0)
    figure = FIGURE.draw(panels)
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    assert heights == [panels.pooled, panels.partial, panels.within]
    assert panels.confounded and figure.get_suptitle().startswith("simulated")
    plt.close(figure)

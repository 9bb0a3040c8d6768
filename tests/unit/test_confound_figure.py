from matplotlib import pyplot as plt

from ventral.figures.confound import draw_confound
from ventral.similarity.confound import confound_panels


def test_the_confound_is_drawn_with_its_numbers():
    panels = confound_panels(0, 100)
    figure = draw_confound(panels)
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    assert heights == [panels.pooled, panels.partial, panels.within]
    assert panels.confounded and figure.get_suptitle().startswith("simulated")
    plt.close(figure)

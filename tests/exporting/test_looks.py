"""Styles and widths: letters that can be read in a column, colours of the ground, nothing cut off."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.table import Table as MplTable
from matplotlib.text import Text
from PIL import Image
from sample_results import RESULTS, history
from test_view_figures import CHART, MAPS, TABLE

from odeviz.exporting.figures import draw_figure, save_figure
from odeviz.exporting.palette import DARK
from odeviz.exporting.style import COLUMN, Look
from odeviz.tasks.chart import Chart, Charts, Curve, frozen

X = frozen([0.0, 1.0, 2.0])
CROWDED = Chart("Crowded", "t", "y", tuple(Curve(f"curve {k}", X, X + k, "class1") for k in range(8)))
ALL = {
    **RESULTS,
    "chart": {"picture": CHART},
    "charts": {"picture": Charts("three", (CHART,) * 3, columns=3)},
    "crowded": {"picture": CROWDED},
    "maps": {"picture": MAPS},
    "table": {"picture": TABLE},
}


def drawn(name, look):
    return draw_figure(name if name in RESULTS else "view", look, **ALL[name])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [COLUMN, 2 * COLUMN], ids=["column", "page"])
def test_in_print_letters_are_at_least_seven_points_and_nothing_is_cut_off(name, width):
    figure = drawn(name, Look("publication", width))
    cells = [cell.get_text() for table in figure.findobj(MplTable) for cell in table.get_celld().values()]
    seen = [
        text for text in (*figure.findobj(Text), *cells) if text.get_text().strip() and text.get_visible()
    ]
    assert min(text.get_fontsize() for text in seen) >= 7.0
    figure.draw_without_rendering()
    wide, high = figure.get_size_inches()
    titles = [axes._left_title for axes in figure.axes] + [axes._right_title for axes in figure.axes]
    boxes = [
        title.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        for title in titles
        if title.get_text()
    ]
    for box in (figure.get_tightbbox(), *boxes):
        assert box.x0 > -0.01
        assert box.y0 > -0.01
        assert box.x1 < wide + 0.01
        assert box.y1 < high + 0.01
    if name != "table":
        assert wide == pytest.approx(width)


def test_slides_have_larger_letters_and_the_grounds_colours(tmp_path):
    dark = drawn("loss", Look("dark"))
    assert to_hex(dark.get_facecolor()).upper() == DARK.ground
    assert to_hex(dark.axes[0].xaxis.label.get_color()).upper() == DARK.text
    assert dark.axes[0].yaxis.label.get_fontsize() > drawn("loss", None).axes[0].yaxis.label.get_fontsize()
    save_figure("nfe", tmp_path / "nfe.png", dpi=50, look=Look("dark", 4.0), history=history())
    with Image.open(tmp_path / "nfe.png") as image:
        assert image.width == 200
        corner = np.asarray(image.convert("RGB"))[0, 0]
    assert "#{:02X}{:02X}{:02X}".format(*corner) == DARK.ground


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"style": "blue"}, "style must be one of publication, light, dark, not 'blue'"),
        ({"width": 0.1}, "width must be from 38 to 508 mm, not 2.54 mm"),
    ],
)
def test_a_look_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Look(**wrong)

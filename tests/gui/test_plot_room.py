"""How a plot shares its room with its axes."""

import itertools

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QPainter, QPicture

from odeviz.widgets.plot import Plot
from odeviz.widgets.value_axis import ValueAxis


def test_an_axis_whose_room_would_change_its_numbers_again_comes_to_rest(qtbot, theme, monkeypatch):
    """Where both scales are locked, wider numbers leave a narrower plot, which has other numbers."""
    made = []

    def numbers(axis, values, scale, spacing):
        made.append(axis.linkedView().width())
        return ["1234567890" if made[-1] > 210 else "1"] * len(values)

    monkeypatch.setattr(ValueAxis, "tickStrings", numbers)
    plot = Plot(theme, "x", "y")
    qtbot.addWidget(plot)
    plot.setAspectLocked(True)
    plot.resize(300, 300)
    plot.show()
    plot.setRange(xRange=(0.0, 1.0), yRange=(0.0, 1.0))
    QCoreApplication.processEvents()
    at_rest = len(made)
    QCoreApplication.processEvents()
    assert made[-1] < 210
    assert len(made) == at_rest < 60


def numbers(axis):
    """Where each number of an axis begins and ends along it, in order."""
    picture = QPicture()
    painter = QPainter(picture)
    painter.setFont(axis.style["tickFont"])
    boxes = [box for box, _, _ in axis.generateDrawSpecs(painter)[2]]
    painter.end()
    upright = axis.orientation == "left"
    return sorted((b.top(), b.bottom()) if upright else (b.left(), b.right()) for b in boxes)


@pytest.mark.parametrize("text", [1.0, 2.0])
def test_numbers_of_large_letters_do_not_run_together(show, theme, text):
    theme.set_scale(text)
    plot = show(Plot, "iteration", "loss", size=(260, 130))
    plot.setRange(xRange=(0.0, 1100.0), yRange=(0.0, 4.9))
    plot.grab()
    # The boxes of upright numbers have room above and below their digits.
    for name, least in (("bottom", 3.0), ("left", -1.0)):
        along = numbers(plot.getAxis(name))
        assert len(along) > 1
        apart = [other[0] - one[1] for one, other in itertools.pairwise(along)]
        assert min(apart) >= least, name

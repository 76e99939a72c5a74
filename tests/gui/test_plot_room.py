"""How a plot shares its room with its axes."""

from PySide6.QtCore import QCoreApplication

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

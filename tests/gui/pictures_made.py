"""Small pictures that the tests of the views panel show: a chart, maps, a table."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from odeviz.tasks.chart import Chart, Curve, Map, Maps, Table, frozen
from odeviz.tasks.task import View

VIEWS = (View("first", "First view", "What is first."), View("second", "Second view", "What is second."))
X = frozen(np.linspace(0.0, 2.0, 21))


def chart(**more):
    curves = (
        Curve("learnt", X, frozen(np.sin(X)), low=frozen(np.sin(X) - 0.1), high=frozen(np.sin(X) + 0.1)),
        Curve("true", X, frozen(np.cos(X)), "truth", "dashed"),
        Curve("seen", X, frozen(np.cos(X) + 0.01), "data", "points"),
        Curve("counted", X, frozen(X + 1.0), "muted", "bars"),
    )
    return Chart("Waves", "time t", "height", curves, **more)


def maps(**more):
    values = frozen(np.arange(12.0).reshape(3, 4) - 4.0)
    one = Map("one", (0.0, 4.0, 0.0, 3.0), values, points=frozen([[1.0, 1.0]]))
    return Maps("Two", (one, Map("two", (0.0, 4.0, 0.0, 3.0), frozen(10 * values))), columns=2, **more)


TABLE = Table("Rows", ("name", "error", "size"), (("net", 0.0312, 27562.0), ("ode", float("nan"), 6698.0)), 1)


def colours(panel):
    image = panel.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return {int(value) & 0xFFFFFF for value in np.unique(pixels)}

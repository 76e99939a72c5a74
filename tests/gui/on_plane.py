"""Places of the plane in a flow view."""

from PySide6.QtCore import QPointF

from odeviz.analysis.results import Extent

EXTENT = Extent(-2.0, 2.0, -2.0, 2.0)


def on_screen(view, x, y):
    """Where a point of the plane is in the viewport."""
    scene = view._box.mapViewToScene(QPointF(x, y))
    return view._plot.mapFromScene(scene)

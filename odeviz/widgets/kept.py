"""What takes long to draw and seldom changes: kept as a picture until it, or the view of it, does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from odeviz.widgets.primitives import elements, pixel_ratio


class Kept:
    """The picture of one item of a plot, as it was last painted."""

    def __init__(self) -> None:
        self._picture: QPixmap | None = None
        self._key: tuple[Any, ...] = ()

    def forget(self) -> None:
        """What it shows has changed."""
        self._picture = None

    def paint(
        self, painter: QPainter, widget: QWidget, bounds: QRectF, draw: Callable[[QPainter], object]
    ) -> None:
        """Paint what ``draw`` draws within ``bounds`` of the item, from the picture if that is still right."""
        transform, ratio = painter.transform(), pixel_ratio(painter)
        box = transform.mapRect(bounds).toAlignedRect().intersected(widget.rect())
        if box.isEmpty():
            return
        key = (*elements(transform), ratio, box.getRect())
        if self._picture is None or key != self._key:
            self._picture, self._key = QPixmap(box.size() * ratio), key
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._picture)
            inner.setRenderHints(painter.renderHints())
            inner.setTransform(transform * QTransform.fromTranslate(-box.x(), -box.y()))
            draw(inner)
            inner.end()
        painter.save()
        painter.resetTransform()
        painter.drawPixmap(box.topLeft(), self._picture)
        painter.restore()

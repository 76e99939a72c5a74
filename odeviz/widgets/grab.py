"""The view as it is seen, saved as a PNG at a chosen scale."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from odeviz.storage.atomic import atomic_write


def grab(widget: QWidget, scale: float = 1.0) -> QPixmap:
    """A picture of a widget at ``scale`` device pixels per pixel."""
    result = QPixmap(widget.size() * scale)
    result.setDevicePixelRatio(scale)
    result.fill(widget.palette().window().color())
    widget.render(result, QPoint(0, 0))
    return result


def grab_png(widget: QWidget, path: Path | str, scale: float = 2.0) -> None:
    """Save a widget as it is seen. Raises ``OSError`` when it cannot be written; leaves no half of a file."""
    picture = grab(widget, scale)
    with atomic_write(Path(path)) as temporary:
        if not picture.save(str(temporary), "PNG"):
            raise OSError("the picture could not be encoded")

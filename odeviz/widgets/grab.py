"""The view as it is seen, saved as a PNG at a chosen scale."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QPoint
from PySide6.QtGui import QImage, QPixmap
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
    write_png(grab(widget, scale).toImage(), Path(path))


def write_png(picture: QImage, path: Path) -> None:
    """Write a picture, in any thread. Raises ``OSError`` saying why it cannot be; leaves no half of a file."""
    # Encoded in memory: Qt keeps the reason for a failed write to itself.
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):
        raise OSError("the picture is empty")
    with atomic_write(path) as temporary:
        temporary.write_bytes(buffer.data().data())

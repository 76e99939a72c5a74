"""Icons of the Phosphor set, drawn from qtawesome's font in the theme's colours.

qtawesome costs 70-110 ms to import and to load its fonts, so it is loaded when the first icon is painted.
The colour is looked up at paint time: after a change of theme an icon needs a repaint and nothing else.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap

from odeviz.widgets.guard import guarded
from odeviz.widgets.theme import Theme


class _Engine(QIconEngine):
    def __init__(self, name: str, theme: Theme, role: str, checked: str) -> None:
        super().__init__()
        self._name, self._theme, self._role, self._checked = name, theme, role, checked

    @guarded
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        role = self._checked if state == QIcon.State.On else self._role
        role = "faint" if mode == QIcon.Mode.Disabled else role
        draw(painter, QRectF(rect), self._name, getattr(self._theme.colors, role))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        result = QPixmap(size)
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return result

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._theme, self._role, self._checked)


def icon(name: str, theme: Theme, role: str = "text", checked: str = "accent") -> QIcon:
    """The Phosphor icon ``name`` in the theme colour ``role``, and ``checked`` where a button is on.

    Each is made once and stays as long as the theme. An engine in Python that goes with the last copy of its icon,
    while Qt deletes the widget that held it, has been seen to crash the binding.
    """
    key = (name, role, checked)
    if key not in theme.icons:
        theme.icons[key] = QIcon(_Engine(name, theme, role, checked))
    return theme.icons[key]


def draw(painter: QPainter, rect: QRectF, name: str, color: str) -> None:
    """Draw the icon ``name`` centred in ``rect``."""
    import qtawesome

    painter.save()
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    painter.setFont(qtawesome.font("ph", max(1, round(min(rect.width(), rect.height())))))
    painter.setPen(QColor(color))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, qtawesome.charmap(f"ph.{name}"))
    painter.restore()

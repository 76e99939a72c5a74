"""A legend row above a plot: key, name and latest value of each curve, clear of the curves themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from odeviz.widgets.guard import guarded, painted
from odeviz.widgets.theme import Theme

#: Height of the first row, distance of the next, edge at the left, room for a key's line.
_ROW, _NEXT, _MARGIN, _KEY = 28, 18, 12.0, 22.0
#: The least room in which a name still tells something.
_LEAST = 40.0


@dataclass(frozen=True, slots=True)
class Key:
    """One curve of a legend: its kind is line, dash, dot, cross, hatch, or text for none.

    Its colour is a theme role or ``classes.N``.
    """

    name: str
    role: str
    kind: str = "line"
    value: str = ""
    #: What its value is, for the tooltip.
    about: str = ""


def _lead(key: Key) -> float:
    """Room before its name."""
    return 0.0 if key.kind == "text" else _KEY


def shade(theme: Theme, role: str) -> str:
    """The colour of a role such as ``accent`` or ``classes.1``."""
    name, _, index = role.partition(".")
    return str(theme.colors.classes[int(index)] if index else getattr(theme.colors, name))


class Legend(QWidget):
    """Draws keys in ``rows`` rows at most, as many as there is room for; the tooltip has them all."""

    def __init__(
        self, theme: Theme, keys: Sequence[Key] = (), parent: QWidget | None = None, rows: int = 1
    ) -> None:
        super().__init__(parent)
        self._theme, self._keys, self._rows = theme, tuple(keys), rows
        #: The room each key has taken: it only grows, so that no key moves with another one's digits.
        self._taken: dict[int, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._restyle)
        self._fit()

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Other curves or other values."""
        if tuple(keys) != self._keys:
            if [key.name for key in keys] != [key.name for key in self._keys]:
                self._taken.clear()
            self._keys = tuple(keys)
            told = [f"{key.name} {key.value}".strip() for key in self._keys]
            self.setAccessibleName(", ".join(told))
            explained = [
                f"{name}: {key.about}" for key, name in zip(self._keys, told, strict=True) if key.about
            ]
            self.setToolTip("\n".join(explained) if explained else ", ".join(told))
            self._fit()
            self.update()

    def set_rows(self, rows: int) -> None:
        """Take this many rows at most."""
        if rows != self._rows:
            self._rows = rows
            self._fit()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self._theme.px(_ROW))

    @guarded
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._taken.clear()
        self._fit()

    def _restyle(self) -> None:
        self._taken.clear()
        self._fit()
        self.update()

    def _fit(self) -> None:
        """As high as the keys' rows."""
        rows = 1 + max((row for row, _ in self._places()), default=0)
        self.setFixedHeight(self._theme.px(_ROW + (rows - 1) * _NEXT))

    def _places(self) -> list[tuple[int, float]]:
        """Row and left edge of every key there is room for."""
        places: list[tuple[int, float]] = []
        row, x = 0, _MARGIN
        for place, key in enumerate(self._keys):
            wanted = _lead(key) + sum(part[3] + 6 for part in self._parts(key))
            width = self._taken[place] = max(wanted, self._taken.get(place, 0.0))
            if x + width > self.width() and x > _MARGIN:
                row, x = row + 1, _MARGIN
            if row >= self._rows or x + width > self.width():
                break
            places.append((row, x))
            x += width + 10
        return places

    def _parts(self, key: Key) -> list[tuple[str, QFont, str, float]]:
        """A key's texts with their font, colour and width."""
        c, plain, bold = self._theme.colors, self._theme.font(-1), self._theme.font(-1)
        bold.setWeight(bold.Weight.DemiBold)
        # A name that no row has room for ends in dots.
        value = QFontMetricsF(bold).horizontalAdvance(key.value) + 6 if key.value else 0.0
        room = self.width() - _MARGIN - _lead(key) - value - 6
        name = QFontMetricsF(plain).elidedText(key.name, Qt.TextElideMode.ElideRight, max(room, _LEAST))
        return [
            (text, font, colour, QFontMetricsF(font).horizontalAdvance(text))
            for text, font, colour in ((name, plain, c.muted), (key.value, bold, c.text))
            if text
        ]

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        for key, (row, x) in zip(self._keys, self._places(), strict=False):
            y, high = self._theme.px(row * _NEXT), self._theme.px(_ROW)
            if key.kind != "text":
                self._paint_key(painter, QRectF(x, y + high / 2 - 6, 16, 12), key)
            x += _lead(key)
            for text, font, colour, width in self._parts(key):
                painter.setFont(font)
                painter.setPen(QColor(colour))
                painter.drawText(QRectF(x, y, width + 2, high), Qt.AlignmentFlag.AlignVCenter, text)
                x += width + 6
        places = self._places()
        if len(places) < len(self._keys):
            # What there is no room for is in the tooltip.
            last = places[-1][0] if places else 0
            painter.setPen(QColor(self._theme.colors.muted))
            y, high = self._theme.px(last * _NEXT), self._theme.px(_ROW)
            painter.drawText(QRectF(self.width() - 14, y, 14, high), Qt.AlignmentFlag.AlignVCenter, "…")

    def _paint_key(self, painter: QPainter, box: QRectF, key: Key) -> None:
        colour, middle = QColor(shade(self._theme, key.role)), box.center()
        style = Qt.PenStyle.DashLine if key.kind == "dash" else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 2, style))
        if key.kind in ("line", "dash"):
            painter.drawLine(QPointF(box.left(), middle.y()), QPointF(box.right(), middle.y()))
        elif key.kind == "cross":
            painter.drawLine(middle + QPointF(-3, -3), middle + QPointF(3, 3))
            painter.drawLine(middle + QPointF(-3, 3), middle + QPointF(3, -3))
        elif key.kind == "hatch":
            painter.fillRect(box, QBrush(colour, Qt.BrushStyle.BDiagPattern))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(middle, 3.5, 3.5)

"""Chips: small switches that carry the colour key of what they show, for one row above a plot."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QEnterEvent, QLinearGradient, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

#: Draws a key within a square.
Swatch = Callable[[QPainter, QRectF, Theme], None]


class Chip(QAbstractButton):
    """A switch with a swatch and a word, or in an exclusive group one of a choice.

    ``set_compact(True)`` leaves the swatch alone.
    """

    def __init__(
        self, theme: Theme, text: str, swatch: Swatch, tooltip: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._swatch, self._compact = theme, swatch, False
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self._about = tooltip
        self.setToolTip(f"{text}: {tooltip}")
        self.setAccessibleName(text)
        self.setAccessibleDescription(tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()

    def set_compact(self, compact: bool) -> None:
        """Show the swatch without the word."""
        if compact != self._compact:
            self._compact = compact
            self.updateGeometry()
            self.update()

    def set_face(self, text: str, swatch: Swatch) -> None:
        """Another word and another key for the same switch."""
        if text != self.text() or swatch is not self._swatch:
            self._swatch = swatch
            self.setText(text)
            self.setToolTip(f"{text}: {self._about}")
            self.setAccessibleName(text)
            self.updateGeometry()

    def full_width(self) -> int:
        """Pixels it takes with its word."""
        return 8 + self._theme.px(14) + 6 + self.fontMetrics().horizontalAdvance(self.text()) + 8

    def minimumSizeHint(self) -> QSize:
        return QSize(8 + self._theme.px(14) + 8, self._theme.px(24))

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint() if self._compact else QSize(self.full_width(), self._theme.px(24))

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c = self._theme.colors
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        # One of several to choose from is not off when another one is chosen.
        choice = self.group() is not None and self.group().exclusive()
        chosen = choice and self.isChecked()
        on = choice or self.isChecked()
        fill = c.accent_soft if chosen else c.hover
        painter.setPen(QPen(QColor(c.accent), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(fill) if chosen or self.underMouse() else QBrush(Qt.BrushStyle.NoBrush))
        painter.drawRoundedRect(box, 6, 6)
        painter.setOpacity(1.0 if on else 0.3)
        side = self._theme.px(14)
        painter.save()
        painter.translate(8, (self.height() - side) / 2)
        painter.scale(side / 14, side / 14)
        self._swatch(painter, QRectF(0, 0, 14, 14), self._theme)
        painter.restore()
        painter.setOpacity(1.0)
        if not self._compact:
            painter.setPen(QColor(c.accent if chosen else c.text if on else c.faint))
            painter.drawText(
                QRectF(14 + side, 0, self.width() - side - 14, self.height()),
                Qt.AlignmentFlag.AlignVCenter,
                self.text(),
            )

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)


def gradient(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """The density map from low to high."""
    fill = QLinearGradient(box.bottomLeft(), box.topLeft())
    for share in (0.15, 0.4, 0.65, 1.0):
        fill.setColorAt(share, theme.density_map.map(share, mode="qcolor"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(fill))
    painter.drawRoundedRect(box, 3, 3)


def regions(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Two regions and the line between them."""
    c = theme.colors
    left, right = QRectF(box), QRectF(box)
    left.setRight(box.center().x())
    right.setLeft(box.center().x())
    painter.setPen(Qt.PenStyle.NoPen)
    for part, shade in ((left, c.classes[0]), (right, c.classes[1])):
        painter.setBrush(theme.qcolor(shade, 0.55))
        painter.drawRect(part)
    painter.setPen(QPen(QColor(c.text), 1.5))
    painter.drawLine(QPointF(box.center().x(), box.top()), QPointF(box.center().x(), box.bottom()))


def arrow(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """An arrow of the field."""
    painter.setPen(_ink(theme.colors.field))
    tip, tail = box.topRight() + QPointF(-2, 3), box.bottomLeft() + QPointF(2, -3)
    painter.drawLine(tail, tip)
    painter.drawPolyline(QPolygonF([tip + QPointF(-5.5, 0.3), tip, tip + QPointF(-1.2, 5.2)]))


def waves(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Two trails in two classes' colours."""
    for index, lift in ((0, 4.0), (1, 9.5)):
        painter.setPen(_ink(theme.colors.classes[index]))
        y = box.top() + lift
        points = [(0.0, 2.0), (3.5, -0.8), (7.0, -0.8), (10.5, 1.6), (14.0, 1.0)]
        painter.drawPolyline(QPolygonF([QPointF(box.left() + dx, y + dy) for dx, dy in points]))


def dotted_waves(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """A trail, and a dotted one beside it."""
    points = [(0.0, 2.0), (3.5, -0.8), (7.0, -0.8), (10.5, 1.6), (14.0, 1.0)]
    for lift, style in ((4.0, Qt.PenStyle.SolidLine), (8.5, Qt.PenStyle.DotLine)):
        ink = _ink(theme.colors.text)
        ink.setStyle(style)
        painter.setPen(ink)
        painter.drawPolyline(
            QPolygonF([QPointF(box.left() + dx, box.top() + lift + dy) for dx, dy in points])
        )


def dots(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Scattered points of two classes."""
    painter.setPen(Qt.PenStyle.NoPen)
    for x, y, index in ((3, 4, 0), (9, 2.5, 1), (6.5, 8, 1), (2.5, 11, 0), (11.5, 10.5, 0)):
        painter.setBrush(QColor(theme.colors.classes[index]))
        painter.drawEllipse(box.topLeft() + QPointF(x, y), 1.7, 1.7)


def particle(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """A moving point and its tail."""
    painter.setPen(_ink(theme.colors.muted))
    painter.drawLine(box.bottomLeft() + QPointF(1, -2), box.center() + QPointF(2, -2))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors.text))
    painter.drawEllipse(box.center() + QPointF(3, -3), 3.2, 3.2)


def ring(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """A seed's handle."""
    painter.setPen(_ink(theme.colors.seed, 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box.center(), 4.5, 4.5)


def rings(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Contour lines."""
    painter.setPen(_ink(theme.colors.muted, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for radius in (2.0, 4.2, 6.4):
        painter.drawEllipse(box.center(), radius, 0.8 * radius)


def border(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """A bent boundary."""
    painter.setPen(_ink(theme.colors.accent, 2))
    painter.drawPolyline(_through(box, (1, 12), (4, 7.5), (7, 8.5), (10, 5), (13, 1.5)))


def stream(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Two curves along a field."""
    painter.setPen(_ink(theme.colors.field))
    painter.drawPolyline(_through(box, (0.5, 7), (3.5, 4), (7, 3), (13, 4)))
    painter.drawPolyline(_through(box, (0.5, 12), (3.5, 9), (7, 8), (13, 9)))
    painter.drawPolyline(_through(box, (10, 6.5), (13, 9), (9.5, 11)))


def tracers(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Drifting points with fading tails."""
    for x, y in ((4, 3.5), (12, 6), (6, 9), (13, 12)):
        for back, alpha in ((4.0, 0.25), (2.0, 0.9)):
            painter.setPen(QPen(theme.qcolor(theme.colors.text, alpha), 1.5))
            painter.drawLine(
                box.topLeft() + QPointF(x - back, y), box.topLeft() + QPointF(x - back + 2, y - 0.6)
            )


def crossing(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Two nullclines that cross."""
    painter.setPen(_ink(theme.colors.classes[2], 2))
    painter.drawPolyline(_through(box, (1, 4), (5, 5.5), (9, 9), (13, 10)))
    painter.setPen(_ink(theme.colors.classes[3], 2))
    painter.drawPolyline(_through(box, (3, 13), (5.5, 8), (8.5, 6), (11, 1)))


def hollow_dots(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Rings where trajectories begin."""
    painter.setPen(_ink(theme.colors.muted, 1.1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for x, y in ((3, 4), (10, 3), (7, 8.5), (2.5, 11.5), (11.5, 11)):
        painter.drawEllipse(box.topLeft() + QPointF(x, y), 1.8, 1.8)


def rest(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """A stable state at rest and a saddle."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors.text))
    painter.drawEllipse(box.topLeft() + QPointF(4, 5), 3.2, 3.2)
    painter.setPen(_ink(theme.colors.text))
    middle = box.topLeft() + QPointF(10.5, 10)
    painter.drawLine(middle - QPointF(2.5, 2.5), middle + QPointF(2.5, 2.5))
    painter.drawLine(middle - QPointF(2.5, -2.5), middle + QPointF(2.5, -2.5))


def _through(box: QRectF, *points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([box.topLeft() + QPointF(x, y) for x, y in points])


def _ink(color: str, width: float = 1.5) -> QPen:
    return QPen(
        QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    )

"""A plot's axis: values or their logarithms, ticks at the ends of a time, and short names that stand upright."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPicture, QResizeEvent
from PySide6.QtWidgets import QWidget

from odeviz.exporting.style import UPRIGHT
from odeviz.tasks.numerals import figure, power
from odeviz.widgets.guard import guarded

#: Pixels around a text item's letters.
_AROUND = 4
#: An end has a tick of its own if there is room for so many letters between it and the next one, of pixels at least.
_END_LETTERS, _LETTER = 3.2, 12
#: Room between two numbers, in letters; and pixels of a decade's ticks, at the system's text size.
_GAP, _DECADE = 0.25, 36
#: Rounding, as a share of the axis: a tick so little beyond its end stands on it.
_ROUNDING = 1e-6


class ValueAxis(pg.AxisItem):
    """An axis that can show log10 values, with ticks at 1, 2, 5 times powers of ten where there is room."""

    log = False
    #: It is a time: the ends of its range have ticks of their own where there is room.
    ends = False
    #: Pixels that a number at an end may reach beyond it, to the left and to the right.
    beyond = 0.0
    #: Where it and the plot lay when its ticks were drawn.
    _place: tuple[QRectF, QRectF | None] | None = None

    def set_log(self, log: bool) -> None:
        """Whether the values drawn are log10 of what the ticks say."""
        self.log = log
        self.picture = None
        self.update()

    def set_ends(self, ends: bool) -> None:
        """Whether the ends of the range have ticks of their own where there is room."""
        if ends != self.ends:
            self.ends = ends
            self.picture = None
            self.update()

    @property
    def upright(self) -> bool:
        """Whether its name is so short that it is not turned."""
        name = self.labelText
        return self.orientation == "left" and 0 < len(name) <= UPRIGHT and "…" not in name

    def boundingRect(self) -> QRectF:
        # Numbers that reach out of these bounds are left out.
        bounds: QRectF = super().boundingRect()
        return bounds.adjusted(-self.beyond, 0, self.beyond, 0)

    def resizeEvent(self, event: QResizeEvent | None = None) -> None:
        super().resizeEvent(event)
        if self.label is None:
            return
        self.label.setRotation(0 if self.upright or self.orientation == "bottom" else -90)
        if self.upright:
            self.label.setPos(-_AROUND, (self.size().height() - self.label.boundingRect().height()) / 2)

    def _updateWidth(self) -> None:
        super()._updateWidth()
        if self.upright and self.fixedWidth is None and self.isVisible() and self.label.isVisible():
            # A name that is not turned takes its width, and not its height.
            box = self.label.boundingRect()
            width = self.maximumWidth() + box.width() - 2 * _AROUND - 0.8 * box.height()
            self.setMaximumWidth(width)
            self.setMinimumWidth(width)

    def prepare(self) -> None:
        """Draw the ticks of a new range to a picture, and ask for the room that their labels need.

        Done in the paint this is too late: with other room the whole plot is painted once more.
        """
        view = self.linkedView()
        place = self.geometry(), view.geometry() if view is not None else None
        if self.picture is not None and place == self._place:
            return
        self._place = place
        picture = QPicture()
        painter = QPainter(picture)
        try:
            if self.style["tickFont"]:
                painter.setFont(self.style["tickFont"])
            specs = self.generateDrawSpecs(painter)
            if specs is not None:
                self.drawPicture(painter, *specs)
        finally:
            painter.end()
        self.picture = picture

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None) -> None:
        self.prepare()
        self.picture.play(painter)

    def tickValues(self, lo: float, hi: float, size: float) -> list[tuple[float, list[float]]]:
        if self.log:
            return self._decades(lo, hi, size)
        room = _ROUNDING * (hi - lo)
        levels = [
            (spacing, [min(max(v, lo), hi) for v in values])
            for spacing, values in super().tickValues(lo - room, hi + room, size)
        ]
        if levels:
            levels[0] = self._told_apart(*levels[0], lo, hi, size)
        if self.ends and levels:
            _, values = levels[0]
            apart = self._end_room() * (hi - lo) / max(size, 1.0)
            values += [v for v in (lo, hi) if all(abs(v - tick) > apart for tick in values)]
        return levels

    def _told_apart(
        self, spacing: float, values: list[float], lo: float, hi: float, size: float
    ) -> tuple[float, list[float]]:
        """Ticks so far apart that their numbers do not run together: of large letters there is room for fewer."""
        told = spacing, values
        while len(told[1]) > 2:
            pixels = size * spacing / max(hi - lo, 1e-300)
            if pixels >= self._number_room(told[1], spacing):
                break
            lead = spacing / 10 ** math.floor(math.log10(spacing) + 1e-9)
            spacing *= 2.0 if lead < 1.5 else 2.5 if lead < 2.25 else 2.0
            every = range(math.ceil(lo / spacing - _ROUNDING), math.floor(hi / spacing + _ROUNDING) + 1)
            if len(every) < 2:
                # One number tells no scale.
                break
            told = spacing, [min(max(k * spacing, lo), hi) for k in every]
        return told

    def _number_room(self, values: list[float], spacing: float) -> float:
        """Pixels between ticks of which each has a number."""
        metrics = QFontMetricsF(self.style["tickFont"] or QFont())
        if self.orientation == "left":
            return metrics.height()
        texts = [text.replace("-", "−") for text in super().tickStrings(values, 1.0, spacing)]
        return max(metrics.horizontalAdvance(text) for text in texts) + _GAP * self._letter

    @property
    def _letter(self) -> float:
        """Pixels of the numbers' letters."""
        font = self.style["tickFont"]
        return float(font.pixelSize() if font else _LETTER)

    def _end_room(self) -> float:
        """Pixels between the tick of an end and its neighbour."""
        return _END_LETTERS * self._letter

    def _decades(self, lo: float, hi: float, size: float) -> list[tuple[float, list[float]]]:
        if not (math.isfinite(lo) and math.isfinite(hi)) or hi <= lo:
            return []
        room = max(2, int(size / max(_DECADE, _DECADE * self._letter / _LETTER)))
        decades = range(math.floor(lo), math.ceil(hi) + 1)
        for digits in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
            ticks = [d + math.log10(k) for d in decades for k in digits]
            ticks = [v for v in ticks if lo <= v <= hi]
            if len(ticks) <= room:
                return [(1.0, ticks)]
        every = math.ceil(len(ticks) / room)
        return [(1.0, [v for v in ticks if round(v) % every == 0])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self.log:
            return [power(10**value) for value in values]
        texts = [text.replace("-", "−") for text in super().tickStrings(values, scale, spacing)]
        if not self.ends:
            return texts
        # As the others, which may be years, without a comma.
        own = [figure(v, 4).replace(",", "") for v in values]
        return [
            text if _is_whole(v / spacing) else end for v, text, end in zip(values, texts, own, strict=True)
        ]


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-3

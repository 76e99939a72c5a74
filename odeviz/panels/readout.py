"""The card in the flow view's corner: what is known at the point under the mouse."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from odeviz.analysis.results import ProbeResult
from odeviz.widgets.theme import Theme

#: How near the mouse comes before the card makes way.
_NEAR = 24
_ROWS = (
    ("mark", ""),
    ("x", "z"),
    ("f", "f(z, t)"),
    ("speed", "‖f‖"),
    ("divergence", "∇·f"),
    ("log_density", "log p"),
)


class Readout(QFrame):
    """Point, velocity, speed, divergence and log-density; rows without a value are hidden."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Values under the mouse")
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        self._names: dict[str, QLabel] = {}
        self._values: dict[str, QLabel] = {}
        for row, (key, symbol) in enumerate(_ROWS):
            name, value = QLabel(symbol, self), QLabel(self)
            name.setProperty("role", "caption")
            value.setProperty("role", "readout")
            value.setFont(theme.font(-1))
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            if symbol:
                grid.addWidget(name, row, 0)
                grid.addWidget(value, row, 1)
            else:
                grid.addWidget(value, row, 0, 1, 2)
            self._names[key], self._values[key] = name, value
        # As wide as its widest content, so that it does not breathe with the digits.
        grid.setColumnMinimumWidth(1, self.fontMetrics().horizontalAdvance("−00.000, −00.000"))
        self._values["mark"].hide()
        self._names["mark"].hide()
        self._area, self._aside = QRect(), False
        self.set_probe(None)

    def set_point(self, point: Sequence[float], mark: str = "", name: str = "z") -> None:
        """The point under the mouse, known before anything else, with its name, and what lies there in a few words."""
        self._names["x"].setText(name)
        self._values["x"].setText(", ".join(map(number, point)))
        if self._values["mark"].text() != mark:
            self._values["mark"].setText(mark)
            self._values["mark"].setVisible(bool(mark))
            self.place(self._area)

    def set_probe(self, probe: ProbeResult | None) -> None:
        """All that is known there, or only the point."""
        texts = {"f": "", "speed": "", "divergence": "", "log_density": ""}
        if probe is not None:
            texts = {
                "f": f"{number(probe.velocity[0])}, {number(probe.velocity[1])}",
                "speed": number(probe.speed),
                "divergence": number(probe.divergence),
                "log_density": "" if math.isnan(probe.log_density) else f"{number(probe.log_density)} nats",
            }
        shape = self.isHidden()
        for key, text in texts.items():
            shape = shape or self._values[key].isHidden() == bool(text)
            self._values[key].setText(text)
            self._values[key].setVisible(bool(text))
            self._names[key].setVisible(bool(text))
        if shape:
            self.place(self._area)

    def place(self, area: QRect) -> None:
        """Sit in the upper right corner of an area, or in the upper left one while the mouse is there."""
        self._area = area
        self.adjustSize()
        right = area.right() - self.width() - 11
        self.move(area.left() + 12 if self._aside else right, area.top() + 12)

    def avoid(self, x: float, y: float) -> None:
        """Do not lie over what the mouse points at, a point of the parent."""
        area, gap = self._area, 12 + _NEAR
        aside = x > area.right() - self.width() - gap and y < area.top() + self.height() + gap
        if aside != self._aside:
            self._aside = aside
            self.place(area)


def number(value: float) -> str:
    """Three decimals with a true minus sign, or a power of ten where that would hide the digits."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 1000 else f"{value:.2e}"
    return text.replace("-", "−")

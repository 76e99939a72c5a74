"""A label of several lines that ends in dots where its height does not hold all of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class ShortLabel(QLabel):
    """``text`` is what it was told; what is cut of it is in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self._lines = 0
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        if text != self._whole:
            self._whole = text
            self.setToolTip(text)
            self._cut()

    def text(self) -> str:
        return self._whole

    def set_lines(self, lines: int) -> None:
        """Show this many lines at most; 0 for all."""
        if lines != self._lines:
            self._lines = lines
            self._cut()

    @property
    def shown(self) -> str:
        """What can be read."""
        return super().text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._cut()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._cut()

    def _cut(self) -> None:
        super().setText(self._whole if not self._lines else self._first_lines())

    def _first_lines(self) -> str:
        layout = QTextLayout(self._whole, self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        layout.beginLayout()
        begins = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(self.width(), 1))
            begins.append(line.textStart())
        layout.endLayout()
        if len(begins) <= self._lines:
            return self._whole
        last = begins[self._lines - 1]
        rest = self._whole[last:].replace("\n", " ")
        return self._whole[:last] + self.fontMetrics().elidedText(
            rest, Qt.TextElideMode.ElideRight, self.width() - 2
        )

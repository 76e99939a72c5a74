"""A label of several lines that ends in dots where there is no room for all of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class ShortLabel(QLabel):
    """``text`` is what it was told; what is cut of it is in the tooltip.

    It keeps the height of its longest text, so that what stands beside it does not move with its digits.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self._lines = 0
        #: Lines of the longest text so far.
        self._most = 0
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
            self._lines, self._most = lines, 0
            self._cut()

    def give_back(self) -> None:
        """Take only the height that the next text needs."""
        self._most = 0

    @property
    def shown(self) -> str:
        """What can be read."""
        return super().text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._most = 0
            self._cut()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._most = 0
            self._cut()

    def _cut(self) -> None:
        begins = self._begins()
        whole = not self._lines or len(begins) <= self._lines
        super().setText(self._whole if whole else self._first_lines(begins))
        self._most = max(self._most, min(len(begins), self._lines or len(begins)))
        self.setMinimumHeight(self._most * self.fontMetrics().lineSpacing())

    def _begins(self) -> list[int]:
        """Where each line of the whole text begins."""
        layout = QTextLayout(self._whole.replace("\n", "\u2028"), self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        layout.beginLayout()
        begins = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(self.width(), 1))
            begins.append(line.textStart())
        layout.endLayout()
        return begins

    def _first_lines(self, begins: list[int]) -> str:
        last = begins[self._lines - 1]
        rest = self._whole[last:].replace("\n", " ")
        return self._whole[:last] + self.fontMetrics().elidedText(
            rest, Qt.TextElideMode.ElideRight, self.width() - 2
        )

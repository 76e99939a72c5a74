"""The mark on the flow view that says which moment of the run is on show, and leads back to the latest."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from odeviz.tasks.numerals import thousands
from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

#: How far above the view's lower edge it stands: clear of the axis and of the key to its colours.
_ABOVE = 96


class ReplayMark(QFrame):
    """Lies over the lower middle of its parent while an earlier moment is shown."""

    #: So many moments back; a negative number goes forwards.
    stepped = Signal(int)
    #: Back to the latest.
    released = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Moment of the run on show")
        self._text = QLabel(self)
        self.back = self._button(theme, "caret-left", "Earlier checkpoint")
        self.forth = self._button(theme, "caret-right", "Later checkpoint")
        self.live = QPushButton("Live", self)
        self.live.setToolTip("Show the latest again, as training goes on")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(4)
        for widget in (self.back, self._text, self.forth, self.live):
            row.addWidget(widget)
        self.back.clicked.connect(self._on_back)
        self.forth.clicked.connect(self._on_forth)
        self.live.clicked.connect(self.released)
        parent.installEventFilter(self)
        self.hide()

    def tell(self, iteration: int | None, latest: int, first: bool = False) -> None:
        """Say which iteration is on show, of how many; None: the latest is, and the mark goes."""
        if iteration is not None:
            self._text.setText(f"Showing iteration {thousands(iteration)} of {thousands(latest)}")
            # As wide as the longest text to come: it does not breathe with the digits.
            widest = f"Showing iteration {thousands(latest)} of {thousands(latest)}"
            self._text.setMinimumWidth(self._text.fontMetrics().horizontalAdvance(widest) + 4)
            self.back.setEnabled(not first)
            self._place()
        elif self.isAncestorOf(self.window().focusWidget() or self.parentWidget()):
            # The keyboard stays where the mark was, rather than with whatever Qt finds next.
            self.parentWidget().setFocus()
        self.setVisible(iteration is not None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _button(self, theme: Theme, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name, theme))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoRepeat(True)
        return button

    def _place(self) -> None:
        self.adjustSize()
        area = self.parentWidget().rect()
        self.move((area.width() - self.width()) // 2, area.height() - self.height() - _ABOVE)
        self.raise_()

    def _on_back(self) -> None:
        self.stepped.emit(1)

    def _on_forth(self) -> None:
        self.stepped.emit(-1)

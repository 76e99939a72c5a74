"""A bar with a sentence and what can be done about it, which waits until somebody has time for it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget


class NoticeBar(QWidget):
    """Hidden until it is told a sentence. Its buttons trigger actions; the first is the one that is recommended."""

    def __init__(self, actions: Sequence[tuple[QAction, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Notice")
        frame = QFrame(self)
        frame.setProperty("role", "notice")
        around = QVBoxLayout(self)
        around.setContentsMargins(8, 8, 8, 0)
        around.addWidget(frame)
        self._sentence = QLabel(frame)
        self._sentence.setWordWrap(True)
        self._sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(frame)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(6)
        row.addWidget(self._sentence, 1)
        self.buttons: list[QPushButton] = []
        for action, title in actions:
            button = QPushButton(title, frame)
            button.setToolTip(action.toolTip())
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(action.trigger)
            row.addWidget(button)
            self.buttons.append(button)
        if self.buttons:
            self.buttons[0].setProperty("kind", "primary")
        self.hide()

    def tell(self, sentence: str) -> None:
        """Show a sentence; "" hides the bar."""
        self._sentence.setText(sentence)
        self.setAccessibleDescription(sentence)
        self.setVisible(bool(sentence))

    @property
    def sentence(self) -> str:
        return self._sentence.text()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, super().minimumSizeHint().height())

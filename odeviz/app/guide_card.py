"""What am I seeing? A card beside a panel with its guide, and what is special about what it shows now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from odeviz.panels.guides import Guide
from odeviz.widgets.theme import Theme

_WIDTH, _MARGIN = 400, 16


class GuideCard(QDialog):
    """Closes on Escape, or by a click beside it. ``now`` are headings and texts about what is on show."""

    def __init__(
        self, theme: Theme, guide: Guide, now: Sequence[tuple[str, str]] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("guide")
        self.setWindowTitle(f"What am I seeing? {guide.title}")
        self._theme, self._texts = theme, [guide.title]
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(_MARGIN, 12, _MARGIN, _MARGIN)
        self._column.setSpacing(8)
        self._say(guide.title, "title", tell=False)
        self._say(guide.what)
        if guide.equation:
            equation = self._say(guide.equation, "equation")
            equation.setContentsMargins(0, 4, 0, 4)
        if guide.symbols:
            self._list_symbols(guide.symbols)
        if guide.look_for:
            self._part("What to look for", guide.look_for)
        for heading, text in now:
            self._part(heading, text)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(guide.title)
        scroll.setAccessibleDescription("\n".join(self._texts[1:]))
        around = QVBoxLayout(self)
        around.setContentsMargins(1, 1, 1, 1)
        around.addWidget(scroll)
        width = theme.px(_WIDTH)
        room = (parent or self).screen().availableGeometry().height()
        self.resize(width, min(page.heightForWidth(width - 2) + 4, round(0.8 * room)))
        scroll.setFocus()

    @property
    def text(self) -> str:
        """All that it says."""
        return "\n".join(self._texts)

    def stand_by(self, place: QRect, within: QRect) -> None:
        """Stand beside a place on the screen ``within`` another, so that it can be seen; else in its corner."""
        width, height = self.width(), self.height()
        x = min(max(place.right() - width - 8, within.left()), within.right() - width)
        y = min(max(place.top() + 8, within.top()), within.bottom() - height)
        beside = (
            QPoint(place.left() - width - 4, y), QPoint(place.right() + 4, y),
            QPoint(x, place.top() - height - 4), QPoint(x, place.bottom() + 4),
        )  # fmt: skip
        self.move(next((at for at in beside if within.contains(QRect(at, self.size()))), QPoint(x, y)))

    def _say(self, text: str, role: str = "", tell: bool = True) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setProperty("role", role)
        self._column.addWidget(label)
        if tell:
            self._texts.append(text)
        return label

    def _part(self, heading: str, text: str) -> None:
        self._say(heading, "section").setContentsMargins(0, 6, 0, 0)
        self._say(text)

    def _list_symbols(self, symbols: Sequence[tuple[str, str]]) -> None:
        grid = QGridLayout()
        self._column.addLayout(grid)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, (symbol, meaning) in enumerate(symbols):
            name, about = QLabel(symbol), QLabel(meaning)
            name.setProperty("role", "strong")
            about.setProperty("role", "muted")
            about.setWordWrap(True)
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(about, row, 1)
            self._texts.append(f"{symbol}: {meaning}")

"""The gallery: a card for each preset, with its data, a sentence and what to look for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from odeviz.storage.paths import card, pretrained
from odeviz.tasks.presets import PRESETS, Preset
from odeviz.tasks.registry import TASKS
from odeviz.tasks.task import Task
from odeviz.widgets.guard import guarded
from odeviz.widgets.theme import Theme

COLUMNS = 2
#: From this text size on one column is all there is room for.
LARGE = 1.5
#: Pixels of a card's picture.
SIDE = 112
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


def _fitted(points: NDArray[Any]) -> NDArray[Any]:
    """Points ``[n, 2]`` moved and scaled alike on both axes into the square from -1 to 1."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-12)


class Thumbnail(QWidget):
    """The picture of a preset's shipped model; without one, points of its data set in the colours of their classes."""

    def __init__(self, preset: Preset, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        points, self._labels = TASKS[preset.experiment.task].sketch(preset.experiment)
        self._points = _fitted(points)
        self._name = preset.name
        self.setFixedSize(SIDE, SIDE)
        self._take_picture()
        theme.changed.connect(self._take_picture)

    @Slot()
    def _take_picture(self) -> None:
        """The one drawn for the theme's ground."""
        found = card(self._name, self._theme.dark)
        self._picture = QPixmap(str(found)) if found is not None else QPixmap()
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.qcolor(colors.base))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        if not self._picture.isNull():
            shape = QPainterPath()
            shape.addRoundedRect(QRectF(self.rect()), 6, 6)
            painter.setClipPath(shape)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self.rect(), self._picture)
            painter.end()
            return
        scale = 0.46 * SIDE
        for label in np.unique(self._labels):
            painter.setBrush(self._theme.qcolor(colors.classes[max(int(label), 0)], 0.75))
            for x, y in self._points[self._labels == label]:
                painter.drawEllipse(QPointF(SIDE / 2 + x * scale, SIDE / 2 - y * scale), 1.5, 1.5)
        painter.end()


class Card(QFrame):
    """One preset."""

    chosen = Signal(str)
    #: An arrow key: to the right and down.
    stepped = Signal(int, int)

    def __init__(self, preset: Preset, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = preset.name
        self.setProperty("role", "card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(preset.title)
        self.setAccessibleDescription(f"{preset.sentence} {preset.look_for}")
        trained = pretrained(preset.name) is not None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(16)
        layout.addWidget(Thumbnail(preset, theme), 0, Qt.AlignmentFlag.AlignTop)
        text = QVBoxLayout()
        layout.addLayout(text, 1)
        text.setSpacing(4)
        for words, role in (
            (preset.title, "title"),
            (preset.sentence, "text"),
            (preset.look_for, "muted"),
            ("Opens trained" if trained else f"Trains in about {preset.seconds:.0f} s", "caption"),
        ):
            label = QLabel(words)
            label.setProperty("role", role)
            label.setWordWrap(True)
            text.addWidget(label)
        text.addStretch()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.name)
        elif event.key() in _ARROWS:
            self.stepped.emit(*_ARROWS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


class Gallery(QDialog):
    """All presets, with a search; choosing one closes it."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setWindowTitle("Gallery")
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search: a data set, a model, a paper’s word …")
        self._search.setAccessibleName("Search the gallery")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter)
        self._search.returnPressed.connect(self._choose_first)
        self._search.installEventFilter(self)
        self._nothing = QLabel("No preset has these words.", self)
        self._nothing.setProperty("role", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        page = QWidget()
        self._sections = [_Cards(task, theme, page) for task in TASKS.values()]
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(16)
        for section in self._sections:
            section.chosen.connect(self._choose)
            section.stepped.connect(self._step)
            column.addWidget(section)
        column.addWidget(self._nothing)
        column.addStretch(1)
        scroll = self._scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        # It goes with the card that has the keyboard.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self._search)
        layout.addWidget(scroll)
        room = (parent or self).screen().availableGeometry().size()
        self.resize(min(theme.px(900), room.width()), min(theme.px(680), round(0.9 * room.height())))
        self._filter("")
        self._search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down leads from the search to the cards."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Down
        ):
            self._go(self._shown()[:1])
            return True
        return super().eventFilter(watched, event)

    @Slot(int, int)
    def _step(self, dx: int, dy: int) -> None:
        now = self.focusWidget()
        if isinstance(now, Card):
            self._go(self._beside(now, dx, dy) or [self._search if dy < 0 else now])

    def _shown(self) -> list[Card]:
        return [card for section in self._sections for card in section.shown]

    def _beside(self, now: Card, dx: int, dy: int) -> list[QWidget]:
        """The nearest card to a side, where a line is a row of cards."""
        here = now.mapTo(self, now.rect().center())
        others = {
            card: card.mapTo(self, card.rect().center()) - here for card in self._shown() if card is not now
        }
        there = {card: at for card, at in others.items() if (at.x() * dx if dx else at.y() * dy) > 10}
        if dx:
            there = {card: at for card, at in there.items() if abs(at.y()) < now.height()}
            # At the end of a row nothing is beside: stay.
            return [min(there, key=lambda card: abs(there[card].x()))] if there else [now]
        return [min(there, key=lambda card: (abs(there[card].y()), abs(there[card].x())))] if there else []

    def _go(self, to: Sequence[QWidget]) -> None:
        for widget in to[:1]:
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            self._scroll.ensureWidgetVisible(widget)

    @Slot(str)
    def _filter(self, text: str) -> None:
        """Show the cards that have every word: as the beginning of one, or where none has, within others."""
        words = text.lower().split()
        begun = any(section.has(words) for section in self._sections)
        shown = [section.filter(words, begun) for section in self._sections]
        self._nothing.setVisible(not any(shown))

    @Slot()
    def _choose_first(self) -> None:
        first = next((section.first for section in self._sections if section.first), "")
        if first and self._search.text().strip():
            self._choose(first)

    @Slot(str)
    def _choose(self, name: str) -> None:
        self.accept()
        self.chosen.emit(name)


class _Cards(QWidget):
    """The presets of one task under its heading."""

    chosen = Signal(str)
    stepped = Signal(int, int)

    def __init__(self, task: Task, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        #: The name of the first preset on show; "" if there is none.
        self.first = ""
        self.shown: list[Card] = []
        heading = QLabel(task.title)
        heading.setProperty("role", "section")
        heading.setToolTip(task.sentence)
        self._cards = []
        for preset in PRESETS.values():
            if preset.experiment.task == task.name:
                each = Card(preset, theme, self)
                each.chosen.connect(self.chosen)
                each.stepped.connect(self.stepped)
                words = (task.title, task.name, preset.name, preset.title, preset.sentence, preset.look_for)
                self._cards.append((each, " ".join(words).lower()))
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        self._columns = 1 if theme.scale >= LARGE else COLUMNS
        for place in range(self._columns):
            self._grid.setColumnStretch(place, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(heading)
        column.addLayout(self._grid)

    def has(self, words: Sequence[str]) -> bool:
        """Whether a card has words that begin with each of these."""
        return any(_begun(words, text) for _, text in self._cards)

    def filter(self, words: Sequence[str], begun: bool) -> int:
        """Show the cards that have all words, those first that have them in their titles; how many there are.

        With ``begun`` only the beginnings of words count.
        """
        found = [
            each
            for each, text in self._cards
            if (_begun(words, text) if begun else all(word in text for word in words))
        ]
        if words:
            found.sort(key=lambda card: not _begun(words, card.accessibleName().lower()))
        for each, _ in self._cards:
            self._grid.removeWidget(each)
            each.setVisible(each in found)
        for place, each in enumerate(found):
            self._grid.addWidget(each, place // self._columns, place % self._columns)
        self.shown = found
        self.setVisible(bool(found))
        self.first = found[0].name if found else ""
        return len(found)


def _begun(words: Sequence[str], text: str) -> bool:
    """Whether each of the words begins one of the text."""
    return all(re.search(rf"(?<!\w){re.escape(word)}", text) for word in words)

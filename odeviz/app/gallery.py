"""The gallery: a card for each preset, with its data, a sentence and what to look for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from odeviz.storage.paths import pretrained
from odeviz.tasks.presets import PRESETS, Preset
from odeviz.tasks.registry import TASKS
from odeviz.widgets.guard import guarded
from odeviz.widgets.theme import Theme

COLUMNS = 2
#: Pixels of a card's picture.
SIDE = 112


def _fitted(points: NDArray[Any]) -> NDArray[Any]:
    """Points ``[n, 2]`` moved and scaled alike on both axes into the square from -1 to 1."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-12)


class Thumbnail(QWidget):
    """Points of a preset's data set, in the colours of their classes."""

    def __init__(self, preset: Preset, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        points, self._labels = TASKS[preset.experiment.task].sketch(preset.experiment)
        self._points = _fitted(points)
        self.setFixedSize(SIDE, SIDE)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.qcolor(colors.base))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        scale = 0.46 * SIDE
        for label in np.unique(self._labels):
            painter.setBrush(self._theme.qcolor(colors.classes[max(int(label), 0)], 0.75))
            for x, y in self._points[self._labels == label]:
                painter.drawEllipse(QPointF(SIDE / 2 + x * scale, SIDE / 2 - y * scale), 1.5, 1.5)
        painter.end()


class Card(QFrame):
    """One preset."""

    chosen = Signal(str)

    def __init__(self, preset: Preset, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = preset.name
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(preset.title)
        trained = pretrained(preset.name) is not None
        text = QVBoxLayout()
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
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(16)
        layout.addWidget(Thumbnail(preset, theme), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(text, 1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self._name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._name)
        else:
            super().keyPressEvent(event)


class Gallery(QDialog):
    """All presets; choosing one closes it."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setWindowTitle("Gallery")
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setSpacing(12)
        row = 0
        for task in TASKS.values():
            label = QLabel(task.title)
            label.setProperty("role", "section")
            grid.addWidget(label, row, 0, 1, COLUMNS)
            presets = [preset for preset in PRESETS.values() if preset.experiment.task == task.name]
            for place, preset in enumerate(presets):
                card = Card(preset, theme)
                card.chosen.connect(self._choose)
                grid.addWidget(card, row + 1 + place // COLUMNS, place % COLUMNS)
            row = grid.rowCount()
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(scroll)
        self.resize(880, 620)

    @Slot(str)
    def _choose(self, name: str) -> None:
        self.accept()
        self.chosen.emit(name)

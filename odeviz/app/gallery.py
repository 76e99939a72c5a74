"""The gallery: a card for each preset, with a sentence and what to look for."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from odeviz.storage.paths import pretrained
from odeviz.tasks.presets import PRESETS, Preset

COLUMNS = 3


class Card(QFrame):
    """One preset."""

    chosen = Signal(str)

    def __init__(self, preset: Preset, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = preset.name
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(preset.title)
        title = QLabel(preset.title)
        title.setProperty("role", "title")
        sentence = QLabel(preset.sentence)
        look_for = QLabel(preset.look_for)
        trained = pretrained(preset.name) is not None
        about = QLabel("Opens trained" if trained else f"Trains in about {preset.seconds:.0f} s")
        for label, role in ((look_for, "muted"), (about, "caption")):
            label.setProperty("role", role)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(6)
        for label in (title, sentence, look_for):
            label.setWordWrap(True)
            layout.addWidget(label)
        layout.addStretch()
        layout.addWidget(about)

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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setWindowTitle("Gallery")
        grid = QGridLayout()
        grid.setSpacing(12)
        for task, heading in (("density", "Densities"), ("classification", "Classifiers")):
            label = QLabel(heading)
            label.setProperty("role", "section")
            grid.addWidget(label, grid.rowCount(), 0, 1, COLUMNS)
            top = grid.rowCount()
            presets = [preset for preset in PRESETS.values() if preset.experiment.task == task]
            for place, preset in enumerate(presets):
                card = Card(preset)
                card.chosen.connect(self._choose)
                grid.addWidget(card, top + place // COLUMNS, place % COLUMNS)
        page = QWidget()
        page.setLayout(grid)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll)
        self.resize(900, 640)

    @Slot(str)
    def _choose(self, name: str) -> None:
        self.accept()
        self.chosen.emit(name)

"""Points drawn with the mouse: a canvas, a brush for each class, and what becomes of the drawing."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from odeviz.storage.own_data import OwnData
from odeviz.tasks.numerals import thousands
from odeviz.tasks.own_data import FEWEST, classes_of
from odeviz.widgets.chip import Chip
from odeviz.widgets.spray_canvas import NARROWEST, WIDEST, WIPER, SprayCanvas
from odeviz.widgets.theme import Theme

#: Brushes: one for each class that a classifier tells apart.
CLASSES = 2
#: Points of a class that is to be told from another.
_EACH = FEWEST // 2


class DrawDialog(QDialog):
    """Emits the drawing as :class:`OwnData`: points of one class without labels, of several with theirs."""

    drawn = Signal(object)
    #: However it is closed: the points and labels that are on the canvas.
    left = Signal(object, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("draw")
        self.setWindowTitle("Draw data")
        self.canvas = SprayCanvas(theme, CLASSES, self)
        self._told = QLabel(self)
        self._told.setWordWrap(True)
        self._undo = self._button("Undo", "Take the last stroke back (Ctrl+Z).")
        self._undo.setShortcut("Ctrl+Z")
        self._undo.clicked.connect(self.canvas.undo)
        self._redo = self._button("Redo", "Make the stroke again (Ctrl+Shift+Z).")
        self._redo.setShortcut("Ctrl+Shift+Z")
        self._redo.clicked.connect(self.canvas.redo)
        self._clear = self._button("Clear", "Take all points away.")
        self._clear.clicked.connect(self.canvas.clear)
        self.radius = self._slider(
            "Brush size", "How wide the brush is (Page Up and Page Down).",
            (round(100 * NARROWEST), round(100 * WIDEST), round(100 * self.canvas.radius)),
        )  # fmt: skip
        self.radius.valueChanged.connect(self._resize_brush)
        self.density = self._slider(
            "Density", "How many points each movement sprays.", (1, 40, self.canvas.density)
        )
        self.density.valueChanged.connect(self._set_density)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._learn = self._buttons.addButton("Learn from it", QDialogButtonBox.ButtonRole.AcceptRole)
        self._learn.setProperty("kind", "primary")
        # Its letters are bold, which the button's own hint does not know.
        self._learn.setMinimumWidth(self._learn.fontMetrics().horizontalAdvance("Learn from it") + 56)
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)
        self._lay_out(theme)
        self.canvas.changed.connect(self._tell)
        self.canvas.setFocus()
        self._tell()

    def _lay_out(self, theme: Theme) -> None:
        column = QVBoxLayout(self)
        tools, sliders = QHBoxLayout(), QHBoxLayout()
        column.addLayout(tools)
        column.addWidget(self.canvas, 1)
        column.addLayout(sliders)
        column.addWidget(self._told)
        column.addWidget(self._buttons)
        tools.setSpacing(4)
        self._brushes = QButtonGroup(self)
        for label in range(CLASSES):
            name = f"class {label + 1}"
            brush = Chip(
                theme, name.capitalize(), _dots[label], f"Spray points of {name} ({label + 1}).", self
            )
            self._brushes.addButton(brush, label)
            tools.addWidget(brush)
        wiper = Chip(theme, "Eraser", _ring, "Wipe points away (E, or the right button).", self)
        # A group takes -1 for "give it a number".
        self._brushes.addButton(wiper, CLASSES)
        tools.addWidget(wiper)
        self._brushes.idClicked.connect(self._take)
        for chip in self._brushes.buttons():
            # None of their words is cut.
            chip.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        tools.addStretch(1)
        for button in (self._undo, self._redo, self._clear):
            tools.addWidget(button)
        for slider in (self.radius, self.density):
            sliders.addWidget(QLabel(slider.accessibleName(), self))
            sliders.addWidget(slider, 1)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def _slider(self, name: str, tip: str, numbers: tuple[int, int, int]) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(*numbers[:2])
        slider.setValue(numbers[2])
        slider.setAccessibleName(name)
        slider.setToolTip(tip)
        return slider

    @Slot(int)
    def _take(self, number: int) -> None:
        self.canvas.take(WIPER if number == CLASSES else number)
        self.canvas.setFocus()

    @Slot(int)
    def _resize_brush(self, percent: int) -> None:
        self.canvas.widen(percent / 100)

    @Slot(int)
    def _set_density(self, points: int) -> None:
        self.canvas.density = points

    @Slot()
    def _tell(self) -> None:
        """Show what is drawn, with which brush, and what will be learnt from it."""
        canvas = self.canvas
        counts = [int((canvas.labels == label).sum()) for label in range(CLASSES)]
        texts = [f"{thousands(count)} of class {k}" for k, count in enumerate(counts, start=1) if count]
        then = "to be told apart." if len(texts) > 1 else "their density will be learnt."
        self._say(f"{' and '.join(texts)}: {then}" if texts else "Two classes will be told apart; of one class, "
                  "the density is learnt.", "muted")  # fmt: skip
        self._brushes.button(CLASSES if canvas.brush == WIPER else canvas.brush).setChecked(True)
        self.radius.setValue(round(100 * canvas.radius))
        self._undo.setEnabled(canvas.can_undo)
        self._redo.setEnabled(canvas.can_redo)
        self._clear.setEnabled(len(canvas.points) > 0)

    def _say(self, text: str, role: str) -> None:
        self._told.setText(text)
        if self._told.property("role") != role:
            self._told.setProperty("role", role)
            self._told.style().polish(self._told)

    def _missing(self) -> str:
        """Why nothing can be learnt from the drawing, in one sentence; "" when something can."""
        labels = self.canvas.labels
        found = classes_of(labels)
        if not len(found):
            return f"Nothing is drawn yet: drag over the square; at least {FEWEST} points are needed."
        if len(labels) < FEWEST:
            return f"{len(labels)} points are too few: at least {FEWEST} are needed."
        for label in found if len(found) > 1 else ():
            count = int((labels == label).sum())
            if count < _EACH:
                return (
                    f"{count} points of class {label + 1} are too few to be told from the others: draw at least "
                    f"{_EACH}, or wipe them away."
                )
        return ""

    def done(self, result: int) -> None:
        self.left.emit(self.canvas.points, self.canvas.labels)
        super().done(result)

    @Slot()
    def _accept(self) -> None:
        missing = self._missing()
        if missing:
            self._say(missing, "error")
            return
        # Labels are the numbers that the classes have here, and are called by everywhere.
        points, labels = self.canvas.points.astype(np.float32), self.canvas.labels + 1
        if len(classes_of(labels)) == 1:
            labels = np.full(len(points), -1, dtype=np.int64)
        self.drawn.emit(OwnData({"points": points, "labels": labels}))
        self.accept()


def _class_dots(label: int, painter: QPainter, box: QRectF, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors.of_class(label)))
    for x, y in ((3, 4), (9, 2.5), (6.5, 8), (2.5, 11), (11.5, 10.5)):
        painter.drawEllipse(box.topLeft() + QPointF(x, y), 1.8, 1.8)


def _dots_a(painter: QPainter, box: QRectF, theme: Theme) -> None:
    _class_dots(0, painter, box, theme)


def _dots_b(painter: QPainter, box: QRectF, theme: Theme) -> None:
    _class_dots(1, painter, box, theme)


def _ring(painter: QPainter, box: QRectF, theme: Theme) -> None:
    painter.setPen(QPen(QColor(theme.colors.muted), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box.center(), 5.0, 5.0)


_dots = (_dots_a, _dots_b)

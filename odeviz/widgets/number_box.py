"""An entry for one number: typed freely, judged as it is typed, stepped by keys and wheel."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QWidget


class NumberBox(QAbstractSpinBox):
    """A whole or decimal number from ``lo`` to ``hi``; ``log`` steps by factors instead of differences.

    ``typed`` is emitted with the text at every key, so that it can be judged at once; ``chosen`` with the
    number when it is entered (Enter, leaving the box) or stepped. Setting the number emits neither.
    """

    typed = Signal(str)
    chosen = Signal(object)

    def __init__(
        self, whole: bool, lo: float | None, hi: float | None, log: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._whole, self._log = whole, log
        self._lo = -math.inf if lo is None else lo
        self._hi = math.inf if hi is None else hi
        self.number: float = 0
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Not the line edit's own mark of modification: the box clears that one before Enter is told.
        self._dirty = False
        self.lineEdit().textEdited.connect(self._edited)
        self.editingFinished.connect(self._entered)

    def set_number(self, number: float) -> None:
        """Show a number; nothing is emitted. What a person is typing just now is left alone."""
        changed = number != self.number
        self.number = number
        if changed or not self._dirty:
            self.lineEdit().setText(self._text(number))
            self._dirty = False

    def parse(self, text: str) -> float | str:
        """The number a text means; the text itself when it means none."""
        cleaned = text.strip().replace("−", "-").replace(",", ".")
        try:
            return int(cleaned) if self._whole else float(cleaned)
        except ValueError:
            return text

    def validate(self, text: str, position: int) -> object:
        return QValidator.State.Acceptable, text, position

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self.number < self._hi:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if self.number > self._lo:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return flags

    def stepBy(self, steps: int) -> None:
        number = self.number
        for _ in range(abs(steps)):
            number = self._next(number, 1 if steps > 0 else -1)
        number = min(max(number, self._lo), self._hi)
        if number != self.number:
            self.number = number
            self.lineEdit().setText(self._text(number))
            self._dirty = False
            self.chosen.emit(number)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A form is scrolled with the wheel: only a box that has the keyboard takes it.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._dirty:
            self.lineEdit().setText(self._text(self.number))
            self._dirty = False
            self.typed.emit(self.lineEdit().text())
        else:
            super().keyPressEvent(event)

    def _next(self, number: float, sign: int) -> float:
        if self._log and self._whole:
            # Doubling and halving: sizes in this field are mostly powers of two.
            return max(number * 2, 1) if sign > 0 else number // 2
        if self._log:
            return _neighbour(number, sign)
        if self._whole:
            return number + sign
        step = 0.01 if abs(number) < 1 else 0.1 if abs(number) < 10 else 1.0
        return round(number + sign * step, 6)

    def _text(self, number: float) -> str:
        if self._whole:
            return f"{number:d}"
        return f"{number:.6g}" if number == 0 or abs(number) >= 1e-3 else f"{number:.3g}".replace("e-0", "e-")

    def _edited(self, text: str) -> None:
        self._dirty = True
        self.typed.emit(text)

    def _entered(self) -> None:
        if not self._dirty:
            return
        self._dirty = False
        value = self.parse(self.lineEdit().text())
        if not isinstance(value, str) and value == self.number:
            self.lineEdit().setText(self._text(self.number))
        self.chosen.emit(value)


def _neighbour(number: float, sign: int) -> float:
    """The next larger or smaller of 1, 2, 5 times a power of ten."""
    if number <= 0:
        return 1e-6 if sign > 0 else 0.0
    exponent = math.floor(math.log10(number))
    ladder = [lead * 10.0**e for e in range(exponent - 1, exponent + 2) for lead in (1, 2, 5)]
    if sign > 0:
        found = min(step for step in ladder if step > number * 1.0001)
    else:
        found = max(step for step in ladder if step < number * 0.9999)
    return float(f"{found:.3g}")

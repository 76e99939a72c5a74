"""An entry for one number: typed freely, judged as it is typed, stepped by keys and wheel."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from odeviz.tasks.quantities import read_number

#: What a step leads through, and through what with Ctrl held.
FINER = {"decades": "125", "125": "digits", "doubles": "ones", "digits": "digits", "": "tenths"}
#: Leading digits of the numbers on a ladder.
_LEADS = {"decades": (1,), "125": (1, 2, 5), "digits": tuple(range(1, 10))}
_UNDO = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
#: Units up to this length stand beside their number.
_SHORT_UNIT = 2
#: Steps of the Page keys.
_PAGE = 3
#: Eighths of a degree in a notch of the wheel.
_NOTCH = 120


class NumberBox(QAbstractSpinBox):
    """A whole or decimal number from ``lo`` to ``hi``, stepped by the arrow keys, the arrows and the wheel.

    ``ladder`` is what a step leads through: "decades" (powers of ten), "125" (1, 2, 5, 10 ...), "doubles" (powers of
    two) or "" (equal steps); with Ctrl held, a finer one. From zero a ladder's step leads to ``start``. Zero is
    written ``zero`` where it has a name, and numbers carry their ``unit`` if that is short; both may be typed or left
    out. What is typed is read by :func:`odeviz.tasks.quantities.read_number`, to which "2 min" are 120 s.

    ``typed`` is emitted with the text at every key, so that it can be judged at once; ``chosen`` with the
    number when it is entered (Enter, leaving the box) or stepped. Setting the number emits neither.
    """

    typed = Signal(str)
    chosen = Signal(object)

    def __init__(
        self,
        whole: bool,
        lo: float | None,
        hi: float | None,
        ladder: str = "",
        start: float = 1.0,
        zero: str = "",
        unit: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole, self._ladder, self._start = whole, ladder, start
        self._zero, self._unit = zero, unit
        self._lo = -math.inf if lo is None else lo
        self._hi = math.inf if hi is None else hi
        self.number: float = 0
        self._turned = 0
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
            self._dirty = False
            # What is selected, for the next key to replace it, stays so where nothing else is to be shown.
            if self.lineEdit().text() != self._text(number):
                self.lineEdit().setText(self._text(number))

    def parse(self, text: str) -> float | str:
        """The number a text means; the text itself when it means none."""
        if self._zero and text.strip().lower() == self._zero:
            return 0
        try:
            return read_number(text, self._whole, self._unit)
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
        self._step(steps, self._ladder)

    def _step(self, steps: int, ladder: str) -> None:
        number = self.number
        for _ in range(abs(steps)):
            number = self._next(number, 1 if steps > 0 else -1, ladder)
        number = min(max(number, self._lo), self._hi)
        if number != self.number:
            self.number = number
            self.lineEdit().setText(self._text(number))
            self._dirty = False
            self.chosen.emit(number)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A form is scrolled with the wheel: only a box that has the keyboard takes it.
        if not self.hasFocus():
            event.ignore()
            return
        # A touch pad tells of a notch in many small parts.
        self._turned += event.angleDelta().y()
        turns = int(self._turned / _NOTCH)
        self._turned -= turns * _NOTCH
        fine = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        self._step(turns, FINER[self._ladder] if fine else self._ladder)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.lineEdit().text() != self._text(self.number):
            self.lineEdit().setText(self._text(self.number))
            self._dirty = False
            self.typed.emit(self.lineEdit().text())
        elif event.key() in _STEPS:
            fine = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            self._step(_STEPS[Qt.Key(event.key())], FINER[self._ladder] if fine else self._ladder)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        typing = self._dirty or event.type() != QEvent.Type.ShortcutOverride
        if not typing and isinstance(event, QKeyEvent) and any(map(event.matches, _UNDO)):
            # Where nothing is being typed there is nothing to undo but what the window did last.
            event.ignore()
            return True
        return super().event(event)

    def _next(self, number: float, sign: int, ladder: str) -> float:
        if ladder in ("", "tenths", "ones"):
            step = 1.0 if self._whole else 0.01 if abs(number) < 1 else 0.1 if abs(number) < 10 else 1.0
            found = round(number + sign * (step / 10 if ladder == "tenths" and not self._whole else step), 6)
        elif number <= 0 or (sign < 0 and self._lo <= 0 and number <= self._start):
            # A ladder never reaches zero by itself.
            found = self._start if sign > 0 else self._lo
        elif ladder == "doubles":
            found = _power_of_two(number, sign)
        else:
            found = _neighbour(number, sign, _LEADS[ladder])
        return math.ceil(found) if self._whole and math.isfinite(found) else found

    def _text(self, number: float) -> str:
        if not number and self._zero:
            return self._zero
        unit = f" {self._unit}" if 0 < len(self._unit) <= _SHORT_UNIT else ""
        if self._whole:
            return f"{number:d}{unit}"
        plain = number == 0 or abs(number) >= 1e-3
        return (f"{number:.6g}" if plain else f"{number:.3g}".replace("e-0", "e-")) + unit

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


_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: _PAGE, Qt.Key.Key_PageDown: -_PAGE}


def _neighbour(number: float, sign: int, leads: tuple[int, ...]) -> float:
    """The next larger or smaller of these digits times a power of ten."""
    exponent = math.floor(math.log10(number))
    ladder = [lead * 10.0**e for e in range(exponent - 1, exponent + 2) for lead in leads]
    if sign > 0:
        found = min(step for step in ladder if step > number * 1.0001)
    else:
        found = max(step for step in ladder if step < number * 0.9999)
    return float(f"{found:.3g}")


def _power_of_two(number: float, sign: int) -> float:
    """The next larger or smaller power of two: sizes in this field are mostly such."""
    exponent = math.log2(number)
    return 2.0 ** (math.floor(exponent + 1e-9) + 1 if sign > 0 else math.ceil(exponent - 1e-9) - 1)

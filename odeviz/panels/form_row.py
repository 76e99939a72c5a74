"""One setting in the experiment form: its name, its control, its mark and what is wrong with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import Entry
from odeviz.widgets.guard import painted
from odeviz.widgets.icons import draw
from odeviz.widgets.number_box import NumberBox
from odeviz.widgets.theme import Theme

#: Width of every entry and list, so that they stand in one column.
WIDTH, NARROW = 140, 116


class FormRow(QWidget):
    """Shows an :class:`Entry`; ``chosen`` is emitted with its path and the value a person entered."""

    chosen = Signal(str, object)
    typed = Signal(str, object)

    def __init__(self, theme: Theme, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = entry.path
        self.hot = entry.about.hot
        self.about = about = entry.about
        # A symbol of a letter or two fits beside the name; longer ones are in the tooltip.
        name = about.label + (f"  {about.symbol}" if 0 < len(about.symbol) < 3 else "")
        self._name = QLabel(name, self)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._name.setWordWrap(True)
        self._mark = Mark(theme, self)
        self._error = QLabel(self)
        self._error.setProperty("role", "error")
        self._error.setWordWrap(True)
        self._error.hide()
        self.control = self._make(entry)
        self.control.setObjectName(entry.path)
        self.control.setAccessibleName(about.label)
        self.control.setAccessibleDescription(about.help)
        tip = about.help + (f"\nSymbol: {about.symbol}" if about.symbol else "") + _allowed(entry)
        for widget in (self._name, self.control):
            widget.setToolTip(tip)
        self._name.setBuddy(self.control)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._name, 0, 0)
        grid.addWidget(self.control, 0, 1)
        grid.addWidget(self._mark, 0, 2)
        grid.addWidget(self._error, 1, 0, 1, 3)

    def set_control_width(self, width: int) -> None:
        """Leave the rest of the row to the name."""
        self.control.setFixedWidth(width)

    def set_value(self, value: Any) -> None:
        """Show a value; nothing is emitted."""
        if isinstance(self.control, QCheckBox):
            self.control.setChecked(value)
        elif isinstance(self.control, QComboBox):
            self.control.setCurrentIndex(self.control.findData(value))
        else:
            self.control.set_number(value)

    def set_choices(self, choices: list[str]) -> None:
        """Offer these values only."""
        if [self.control.itemData(i) for i in range(self.control.count())] != choices:
            self.control.clear()
            for each in choices:
                self.control.addItem(words(each), each)

    def set_error(self, message: str) -> None:
        """One sentence under the control, or "" when all is well."""
        self._error.setText(message)
        self._error.setVisible(bool(message))
        if self.control.property("invalid") != bool(message):
            self.control.setProperty("invalid", bool(message))
            self.control.style().polish(self.control)

    def set_state(self, pending: bool, running: Any, live: bool) -> None:
        """Mark a setting that waits for a restart, or one that applies at once."""
        if pending and not (self.hot and live):
            self._mark.show_as(
                "arrow-clockwise", "warning", f"Restart to apply. The running value is {running}."
            )
        elif self.hot and live:
            self._mark.show_as("lightning-fill", "faint", "Applies at once, to the running session.")
        else:
            self._mark.show_as("", "", "")

    def _make(self, entry: Entry) -> Any:
        about = entry.about
        if entry.type is bool:
            box = QCheckBox(self)
            box.clicked.connect(self._emit_chosen)
            box.setFixedWidth(WIDTH)
            return box
        if entry.type is str:
            combo = _QuietCombo(self)
            for choice in about.choices:
                combo.addItem(words(choice), choice)
            combo.activated.connect(self._emit_index)
            combo.setFixedWidth(WIDTH)
            return combo
        number = NumberBox(entry.type is int, about.lo, about.hi, about.log, self)
        number.typed.connect(self._emit_typed)
        number.chosen.connect(self._emit_chosen)
        number.setFixedWidth(WIDTH)
        return number

    def _emit_chosen(self, value: object) -> None:
        self.chosen.emit(self.path, value)

    def _emit_index(self, index: int) -> None:
        self.chosen.emit(self.path, self.control.itemData(index))

    def _emit_typed(self, text: str) -> None:
        self.typed.emit(self.path, self.control.parse(text))


class Mark(QWidget):
    """A small icon with a tooltip; nothing takes the same room."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name, self._role = theme, "", "faint"
        self.setFixedSize(QSize(16, 16))
        theme.changed.connect(self.update)

    def show_as(self, name: str, role: str, tooltip: str) -> None:
        """Draw the icon ``name`` in a theme colour; "" draws nothing."""
        self._name, self._role = name, role
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip)
        self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        if self._name:
            draw(painter, QRectF(2, 2, 12, 12), self._name, getattr(self._theme.colors, self._role))


class _QuietCombo(QComboBox):
    """A combo box that leaves the wheel to the form unless it has the keyboard."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


_WORDS = {
    **{task.name: task.title for task in TASKS.values()}, "own": "your own",
    "8gaussians": "8 Gaussians", "2spirals": "2 spirals",
    "ode-net": "ODE-Net", "latent-ode": "latent ODE", "rnn": "recurrent net", "rk-net": "RK-Net",
    "mlp": "MLP", "cpu": "CPU", "cuda": "CUDA", "mps": "Metal (MPS)", "concatsquash": "concat-squash",
    "asynchronous-leapfrog": "async. leapfrog", "relu": "ReLU",
    "optimal-transport": "optimal (OT)", "silu": "SiLU", "elu": "ELU",
}  # fmt: skip


def words(choice: str) -> str:
    """How a choice is written for people."""
    return _WORDS.get(choice, choice.replace("-", " "))


def _allowed(entry: Entry) -> str:
    about = entry.about
    if about.lo is not None and about.hi is not None and entry.type is not bool:
        unit = f" {about.unit}" if about.unit else ""
        return f"\nFrom {about.lo:g} to {about.hi:g}{unit}. Default {entry.default:g}."
    return ""

"""One setting in the experiment form: its name, its control, its marks and what is wrong with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from odeviz.tasks.numerals import figure
from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import Entry, plain
from odeviz.widgets.guard import painted
from odeviz.widgets.icons import draw
from odeviz.widgets.number_box import NumberBox
from odeviz.widgets.roomy_combo import RoomyCombo
from odeviz.widgets.theme import Theme

#: Width of every entry and list, so that they stand in one column.
WIDTH, NARROW = 140, 116
#: Room at the left for the dot of a setting that was changed.
EDGE = 12
#: Symbols up to this length stand beside the name.
_SHORT_SYMBOL = 4


class FormRow(QWidget):
    """Shows an :class:`Entry`; ``chosen`` is emitted with its path and the value a person entered."""

    chosen = Signal(str, object)
    typed = Signal(str, object)
    #: The setting shall be again what it was.
    reset = Signal(str)

    def __init__(self, theme: Theme, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = entry.path
        self.hot = entry.about.hot
        self.about = about = entry.about
        # The symbol stays with the last word where the name is broken into lines.
        name = about.label + (f"\u00a0\u00a0{about.symbol}" if 0 < len(about.symbol) <= _SHORT_SYMBOL else "")
        self._name = QLabel(name, self)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._name.setWordWrap(True)
        self._mark = Mark(theme, self)
        self._note, self._error = QLabel(self), QLabel(self)
        for label, role in ((self._note, "caption"), (self._error, "error")):
            label.setProperty("role", role)
            label.setWordWrap(True)
            label.hide()
        self._dot = ChangedDot(theme, f"Reset {about.label}", self)
        self._dot.clicked.connect(self._emit_reset)
        keep = self._dot.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._dot.setSizePolicy(keep)
        self.control = self._make(entry)
        self.control.setObjectName(entry.path)
        self.control.setAccessibleName(about.label)
        self.control.setAccessibleDescription(about.help)
        tip = about.help + (f"\nSymbol: {about.symbol}" if about.symbol else "")
        tip += f"\n{about.equation}" if about.equation else ""
        tip += _allowed(entry)
        for widget in (self._name, self.control):
            widget.setToolTip(tip)
        self._name.setBuddy(self.control)
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._dot, 0, 0)
        self._stacked: bool | None = None
        self.set_room(WIDTH, stacked=False)

    def set_room(self, width: int, stacked: bool) -> None:
        """The control's width; the rest of the row is the name's, unless that is ``stacked`` above it."""
        self.control.setFixedWidth(width)
        if stacked == self._stacked:
            return
        self._stacked = stacked
        row, column = (1, 1) if stacked else (0, 2)
        self._grid.addWidget(self._name, 0, 1, 1, 2 if stacked else 1)
        self._grid.addWidget(self.control, row, column, 1, 3 - column)
        self._grid.addWidget(self._mark, row, 3)
        self._grid.addWidget(self._note, 2, column, 1, 4 - column)
        self._grid.addWidget(self._error, 3, 1, 1, 3)

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

    @property
    def wrong(self) -> bool:
        """Whether what stands in the box cannot be used; a list goes back to what is so by itself."""
        return isinstance(self.control, NumberBox) and bool(self._error.text())

    def set_error(self, message: str) -> None:
        """One sentence under the control, or "" when all is well."""
        if self._error.text() == message:
            return
        self._error.setText(message)
        self._error.setVisible(bool(message))
        if bool(self.control.property("invalid")) != bool(message):
            self.control.setProperty("invalid", bool(message))
            self.control.style().polish(self.control)

    def set_note(self, text: str) -> None:
        """What training has made of the setting, under the control; "" for nothing."""
        if self._note.text() != text:
            self._note.setText(text)
            self._note.setVisible(bool(text))

    def set_changed(self, before: str | None) -> None:
        """Mark a setting that differs from the preset's, which is ``before``; None: it does not."""
        self._dot.setVisible(before is not None)
        self._dot.setToolTip(f"Changed from {before}. Click to change it back.")

    def set_state(self, pending: bool, running: Any, live: bool) -> None:
        """Mark a setting as hot or cold, and one that waits for a restart."""
        if pending and not (self.hot and live):
            self._mark.show_as(
                "arrow-clockwise", "warning", f"Restart to apply. The running value is {running}."
            )
        elif self.hot:
            now = "Applies at once, to the running session." if live else "Applies at once while training."
            self._mark.show_as("lightning-fill" if live else "lightning", "faint", now)
        else:
            self._mark.show_as("arrow-clockwise", "grid", "A change needs a restart of training.")

    def _make(self, entry: Entry) -> Any:
        about = entry.about
        if entry.type is bool:
            box = QCheckBox(self)
            box.clicked.connect(self._emit_chosen)
            return box
        if entry.type is str:
            combo = _QuietCombo(self)
            for choice in about.choices:
                combo.addItem(words(choice), choice)
            combo.activated.connect(self._emit_index)
            return combo
        number = NumberBox(
            entry.type is int, about.lo, about.hi, ladder(entry), about.start, about.zero, about.unit, self
        )
        number.typed.connect(self._emit_typed)
        number.chosen.connect(self._emit_chosen)
        return number

    def _emit_chosen(self, value: object) -> None:
        self.chosen.emit(self.path, value)

    def _emit_index(self, index: int) -> None:
        self.chosen.emit(self.path, self.control.itemData(index))

    def _emit_typed(self, text: str) -> None:
        self.typed.emit(self.path, self.control.parse(text))

    def _emit_reset(self) -> None:
        self.reset.emit(self.path)


class Mark(QWidget):
    """A small icon with a tooltip; nothing takes the same room."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name, self._role = theme, "", "muted"
        self._fit()
        theme.changed.connect(self._fit)

    def _fit(self) -> None:
        side = self._theme.px(16)
        self.setFixedSize(QSize(side, side))
        self.update()

    def show_as(self, name: str, role: str, tooltip: str) -> None:
        """Draw the icon ``name`` in a theme colour; "" draws nothing."""
        self._name, self._role = name, role
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip)
        self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        if self._name:
            draw(
                painter,
                QRectF(self.rect()).adjusted(2, 2, -2, -2),
                self._name,
                getattr(self._theme.colors, self._role),
            )


class ChangedDot(QAbstractButton):
    """A dot beside a setting that was changed; under the mouse it becomes the arrow that takes the change back."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedSize(QSize(EDGE - 4, 24))
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        theme.changed.connect(self.update)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c, middle = self._theme.colors, QPointF(self.width() / 2, self.height() / 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        near = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(QColor(c.accent), 1.5) if near else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if near else QColor(c.accent))
        painter.drawEllipse(middle, 3.0, 3.0)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)


class _QuietCombo(RoomyCombo):
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

#: How the arrow keys step, for people.
_STEPPING = {
    "decades": "by powers of ten, with Ctrl by 1, 2, 5",
    "125": "by 1, 2, 5, with Ctrl by single digits",
    "doubles": "by powers of two, with Ctrl by one",
}


def words(choice: str) -> str:
    """How a choice is written for people."""
    return _WORDS.get(choice, choice.replace("-", " "))


def ladder(entry: Entry) -> str:
    """What the arrow keys lead through."""
    if entry.about.ladder or not entry.about.log:
        return entry.about.ladder
    return "doubles" if entry.type is int else "125"


def value_text(entry: Entry, value: Any) -> str:
    """A setting's value as the form writes it."""
    if entry.type is bool:
        return "on" if value else "off"
    if entry.type is str:
        return words(value)
    if not value and entry.about.zero:
        return entry.about.zero
    return f"{figure(value, 6) if entry.type is float else value}{entry.about.after}"


def _allowed(entry: Entry) -> str:
    about = entry.about
    if about.lo is not None and about.hi is not None and entry.type is not bool:
        default = value_text(entry, entry.default)
        text = f"\nFrom {plain(about.lo)} to {plain(about.hi)}{about.after}. Default {default}."
        stepping = _STEPPING.get(ladder(entry), "")
        return text + (f"\nUp and Down step {stepping}." if stepping else "")
    return ""

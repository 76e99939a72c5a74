"""What changed: a button that counts the settings in which an experiment differs from its preset, and their list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

#: Pixels of the button's icon, and of what is beside icon and count.
_ICON, _FRAME = 16, 16
#: Rows of the list; what does not fit is counted.
MOST = 16


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A changed setting in words."""

    path: str
    label: str
    before: str
    after: str


class ChangesButton(QToolButton):
    """Counts the changes and opens their list."""

    #: The dotted path of a setting that shall be again what it was.
    reset = Signal(str)
    #: All shall be.
    reset_all = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._changes: tuple[SettingChange, ...] = ()
        self._base = ""
        self._list: ChangesList | None = None
        self.setIcon(icon("git-diff", theme, "muted"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # The window takes this for what it measures beside text of the system's size.
        self.setProperty("plain", QSize(_ICON, _ICON))
        self.clicked.connect(self._open)
        theme.changed.connect(self._fit)
        self._fit()
        self.set_changes("", ())

    def set_changes(self, base: str, changes: tuple[SettingChange, ...]) -> None:
        """What differs from a preset called ``base``."""
        self._base, self._changes = base, changes
        count = len(changes)
        self.setText(str(count) if count else "")
        self.setEnabled(count > 0)
        told = f"{count} setting{'s differ' if count > 1 else ' differs'} from {base}: see what changed"
        self.setToolTip(told if count else "No setting differs from the preset")
        self.setAccessibleName(told if count else "No changes")
        if self._list is not None:
            self._list.show_changes(base, changes)

    def _fit(self) -> None:
        """As wide with a count as without, at every text size."""
        side = self._theme.px(_ICON)
        self.setIconSize(QSize(side, side))
        self.setFixedWidth(self._theme.width(" 88 ") + side + _FRAME)

    def _open(self) -> None:
        self._list = ChangesList(self._theme, self)
        self._list.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._list.destroyed.connect(self._closed)
        self._list.reset.connect(self.reset)
        self._list.reset_all.connect(self.reset_all)
        self._list.show_changes(self._base, self._changes)
        self._list.move(self.mapToGlobal(QPoint(0, self.height() + 4)))
        self._list.show()

    def _closed(self) -> None:
        self._list = None


class ChangesList(QFrame):
    """Each change with its old and new value and a button that takes it back; closes on Escape or a click beside."""

    reset = Signal(str)
    reset_all = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme = theme
        self.setProperty("role", "card")
        self.setAccessibleName("What changed")
        self._body: QWidget | None = None
        self._title = QLabel(self)
        self._title.setProperty("role", "section")
        self.all = QPushButton("Reset all", self)
        self.all.setToolTip("All settings as the preset has them (it can be undone)")
        self.all.clicked.connect(self._on_all)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 10)
        self._column.setSpacing(8)
        self._column.addWidget(self._title)
        self._column.addWidget(self.all, 0, Qt.AlignmentFlag.AlignRight)

    def show_changes(self, base: str, changes: tuple[SettingChange, ...]) -> None:
        """List these; without any it closes."""
        if not changes:
            self.close()
            return
        self._title.setText(f"Changed from {base}")
        if self._body is not None:
            self._column.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget(self)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        for row, change in enumerate(changes[:MOST]):
            texts = (change.label, change.before, "→", change.after)
            for column, (text, role) in enumerate(zip(texts, ("", "muted", "muted", "value"), strict=True)):
                label = QLabel(text, self._body)
                label.setProperty("role", role)
                grid.addWidget(label, row, column)
            button = QToolButton(self._body)
            button.setObjectName(change.path)
            button.setIcon(icon("arrow-counter-clockwise", self._theme, "muted"))
            button.setToolTip(f"{change.label} back to {change.before}")
            button.setAccessibleName(button.toolTip())
            button.clicked.connect(self._on_one)
            grid.addWidget(button, row, 4)
        if len(changes) > MOST:
            grid.addWidget(QLabel(f"and {len(changes) - MOST} more", self._body), MOST, 0)
        self._column.insertWidget(1, self._body)
        self.adjustSize()

    def _on_one(self) -> None:
        self.reset.emit(self.sender().objectName())

    def _on_all(self) -> None:
        self.reset_all.emit()
        self.close()

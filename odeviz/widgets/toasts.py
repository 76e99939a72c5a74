"""Toasts: short messages at the bottom right, over everything and in nobody's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QEasingCurve,
    QEvent,
    QObject,
    QPoint,
    QPropertyAnimation,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QEnterEvent, QFocusEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

#: Shown at once; further ones wait.
MOST = 3
#: Milliseconds a message of each level stays; 0: until it is dismissed.
STAYS = {"info": 8000, "warning": 12000, "error": 0}
_ICONS = {
    "info": ("info", "accent"),
    "warning": ("warning", "warning"),
    "error": ("warning-octagon", "danger"),
}
_WIDTH, _GAP, _RISE, _MILLISECONDS = 340, 8, 12, 140


@dataclass(frozen=True, slots=True)
class Message:
    """What a toast says."""

    text: str
    level: str = "info"
    title: str = ""
    details: str = ""


class Toast(QFrame):
    """One message. It goes by itself, but not while the mouse is over it, it has the keyboard or is unfolded."""

    gone = Signal(object)

    def __init__(
        self, theme: Theme, message: Message, actions: Sequence[QAction] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.message = message
        self._pointed_at = False
        self.setProperty("role", "toast")
        self.setProperty("level", message.level)
        self.setAccessibleName(f"{message.level.capitalize()}: {message.title or message.text}")
        self.setAccessibleDescription(message.text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._mark = QLabel(self)
        name, role = _ICONS[message.level]
        self._mark.setPixmap(icon(name, theme, role).pixmap(QSize(theme.px(18), theme.px(18))))
        self._text = QLabel(message.text, self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = QToolButton(self)
        self.close_button.setIcon(icon("x", theme, "muted"))
        self.close_button.setIconSize(QSize(theme.px(14), theme.px(14)))
        self.close_button.setToolTip("Dismiss (Shift+Escape)")
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.clicked.connect(self.dismiss)
        self.details = QPlainTextEdit(message.details, self)
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setFixedHeight(theme.px(150))
        self.details.setAccessibleName("Details")
        self.details.hide()
        self.fold, self.copy = QPushButton("Details", self), QPushButton("Copy", self)
        self.fold.setCheckable(True)
        self.fold.setToolTip("What happened in full, for a report")
        self.copy.setToolTip("Copy the message with its details")
        self.fold.toggled.connect(self._unfold)
        self.copy.clicked.connect(self._copy)
        self.buttons = [_button(action, self) for action in actions]
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(STAYS[message.level])
        self._timer.timeout.connect(self.dismiss)

    @property
    def waiting(self) -> bool:
        """Whether it will go by itself."""
        return self._timer.isActive()

    def start(self) -> None:
        """Stay as long as its level says, from now on."""
        held = self._pointed_at or self.details.isVisibleTo(self) or self.has_keyboard
        if self._timer.interval() and not held:
            self._timer.start()
        else:
            self._timer.stop()

    @Slot()
    def dismiss(self) -> None:
        """Go away."""
        self._timer.stop()
        self.gone.emit(self)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._pointed_at = True
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointed_at = False
        self.start()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._timer.stop()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Delete):
            self.dismiss()
        else:
            super().keyPressEvent(event)

    @property
    def has_keyboard(self) -> bool:
        """Whether keys go to it or to a button of it."""
        holder = QApplication.focusWidget()
        return holder is not None and (holder is self or self.isAncestorOf(holder))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 8, 10)
        column.setSpacing(8)
        row, words = QHBoxLayout(), QVBoxLayout()
        column.addLayout(row)
        row.setSpacing(8)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        words.setSpacing(2)
        if self.message.title:
            title = QLabel(self.message.title, self)
            title.setProperty("role", "strong")
            title.setWordWrap(True)
            words.addWidget(title)
        words.addWidget(self._text)
        column.addWidget(self.details)
        there = [*self.buttons, *((self.fold, self.copy) if self.message.details else ())]
        for button in (self.fold, self.copy):
            button.setVisible(button in there)
        if there:
            below = QHBoxLayout()
            column.addLayout(below)
            below.setSpacing(6)
            below.addStretch(1)
            for each in there:
                below.addWidget(each)

    @Slot(bool)
    def _unfold(self, shown: bool) -> None:
        self.details.setVisible(shown)
        self.start()
        parent = self.parent()
        if isinstance(parent, Toasts):
            parent.place()

    @Slot()
    def _copy(self) -> None:
        message = self.message
        head = f"{message.title}: {message.text}" if message.title else message.text
        QGuiApplication.clipboard().setText(f"{head}\n{message.details}")


class Toasts(QWidget):
    """A column of toasts at the bottom right of its parent, above ``foot`` pixels; further ones wait their turn."""

    def __init__(self, theme: Theme, parent: QWidget, foot: int = 0) -> None:
        super().__init__(parent)
        self._theme, self._foot = theme, foot
        self._waiting: list[Toast] = []
        self.shown: list[Toast] = []
        self.setAccessibleName("Messages")
        self.hide()
        parent.installEventFilter(self)

    def tell(self, message: Message, actions: Sequence[QAction] = ()) -> None:
        """Show a message; one that is on show or waits already is not shown twice."""
        if any(each.message == message for each in (*self.shown, *self._waiting)):
            return
        toast = Toast(self._theme, message, actions, self)
        toast.hide()
        toast.gone.connect(self._remove)
        for button in toast.buttons:
            button.clicked.connect(toast.dismiss)
        self._waiting.append(toast)
        self._fill()

    def dismiss(self) -> None:
        """The newest goes."""
        if self.shown:
            self.shown[-1].dismiss()

    def withdraw(self, title: str) -> None:
        """Those of this title go: it is so no more."""
        for toast in [each for each in self.shown if each.message.title == title]:
            toast.dismiss()

    def clear(self) -> None:
        """All go, those that wait too."""
        for toast in (*self._waiting, *self.shown):
            toast.hide()
            toast.deleteLater()
        self._waiting, self.shown = [], []
        self.hide()

    def place(self) -> None:
        """Stand where the parent's corner is."""
        parent = self.parentWidget()
        width = min(round(_WIDTH * self._theme.scale), parent.width() - 32)
        for toast in self.shown:
            toast.setFixedWidth(width)
            toast.setFixedHeight(
                max(toast.layout().totalHeightForWidth(width), toast.layout().minimumSize().height())
            )
        height = sum(toast.height() + _GAP for toast in self.shown)
        self.setGeometry(
            parent.width() - width - 16, parent.height() - self._foot - height, width, max(height, 1)
        )
        y = 0
        for toast in self.shown:
            toast.move(0, y)
            y += toast.height() + _GAP
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self.shown and event.type() == QEvent.Type.Resize:
            self.place()
        elif self.shown and event.type() == QEvent.Type.LayoutRequest:
            # What has come into the window has come on top.
            self.raise_()
        return super().eventFilter(watched, event)

    def _fill(self) -> None:
        while self._waiting and len(self.shown) < MOST:
            toast = self._waiting.pop(0)
            self.shown.append(toast)
            self.show()
            toast.show()
            self.place()
            toast.start()
            self._rise(toast)
        self.place()

    def _rise(self, toast: Toast) -> None:
        if self._theme.calm:
            return
        motion = QPropertyAnimation(toast, b"pos", toast)
        motion.setStartValue(toast.pos() + QPoint(0, _RISE))
        motion.setEndValue(toast.pos())
        motion.setDuration(_MILLISECONDS)
        motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        motion.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)

    @Slot(object)
    def _remove(self, toast: Toast) -> None:
        if toast not in self.shown:
            return
        held = toast.has_keyboard
        self.shown.remove(toast)
        toast.hide()
        toast.deleteLater()
        self._fill()
        self.setVisible(bool(self.shown))
        if held:
            # The keyboard stays near: at the next message, or in the window.
            heir = self.shown[-1] if self.shown else self.parentWidget()
            heir.setFocus(Qt.FocusReason.OtherFocusReason)


def _button(action: QAction, parent: QWidget) -> QPushButton:
    button = QPushButton(action.iconText() or action.text(), parent)
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    return button

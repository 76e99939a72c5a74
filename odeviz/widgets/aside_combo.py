"""A combo box with a remark beside what is chosen, at its right end."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from odeviz.widgets.guard import guarded
from odeviz.widgets.roomy_combo import RoomyCombo
from odeviz.widgets.theme import Theme

#: Pixels between what is chosen and the remark, and beside what is chosen in its own frame.
_BETWEEN, _FRAME = 10, 6


class AsideCombo(RoomyCombo):
    """The remark takes the room that is left: nothing moves when it comes, changes or goes."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._wordings: Sequence[str] = ()
        self._old = False

    def set_aside(self, wordings: Sequence[str], old: bool = False) -> None:
        """The same remark in fewer and fewer letters; where not even the last has room it is left out.

        An ``old`` one is dim, and is never left out: what is chosen is cut instead.
        """
        if (wordings, old) != (self._wordings, self._old):
            self._wordings, self._old = wordings, old
            self.setAccessibleDescription(wordings[0] if wordings else "")
            self.update()

    @property
    def aside(self) -> str:
        """The wording that there is room for."""
        room = self._room() - self.fontMetrics().horizontalAdvance(self.currentText()) - _BETWEEN
        fitting = (text for text in self._wordings if self._small().horizontalAdvance(text) <= room)
        return next(fitting, self._wordings[-1] if self._old and self._wordings else "")

    @property
    def is_old(self) -> bool:
        """Whether the remark is dim."""
        return self._old

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option, aside = QStyleOptionComboBox(), self.aside
        self.initStyleOption(option)
        room = self._room() - (self._small().horizontalAdvance(aside) + _BETWEEN if aside else 0)
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        if aside:
            c = self._theme.colors
            painter.setFont(self._theme.font(-1))
            painter.setPen(QColor(c.faint if self._old else c.muted))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self._field().adjusted(0, 0, -_FRAME // 2, 0), side, aside)
        painter.end()

    def _small(self) -> QFontMetrics:
        return QFontMetrics(self._theme.font(-1))

    def _field(self) -> QRect:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        return self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)

    def _room(self) -> int:
        return self._field().width() - _FRAME

"""A combo box whose entries stand under headings, which cannot be chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from odeviz.widgets.guard import guarded
from odeviz.widgets.roomy_combo import RoomyCombo
from odeviz.widgets.theme import Theme

#: Entries that the open list shows without scrolling.
_VISIBLE = 24
#: Letters of a text beside its remark; where there is room for fewer, a star has to do for the remark.
_FEW = 6


class HeadedCombo(RoomyCombo):
    """``add_heading`` begins a group; what is added next belongs to it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._instead, self._remark = "", ""
        #: Whether the data of an entry are its short name, for a box without room for its text.
        self.brief = False
        self.setMaxVisibleItems(_VISIBLE)
        # The delegate that a combo box comes with paints what cannot be chosen too faintly to be read.
        self.setItemDelegate(QStyledItemDelegate(self))
        theme.changed.connect(self._restyle)

    def add_heading(self, title: str) -> None:
        """A line of the list that names those below it; keys and mouse pass over it."""
        self.addItem(title)
        item = self._item(self.count() - 1)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = self._theme.font(-1)
        font.setWeight(font.Weight.DemiBold)
        item.setFont(font)
        self._restyle()

    def show_instead(self, text: str, remark: str = "") -> None:
        """What stands in the box while nothing is chosen; where it is narrow the remark is kept and the text cut."""
        self._instead, self._remark = text, remark
        self.update()

    @property
    def shown(self) -> str:
        """What stands in the box, cut to the room there is."""
        text, remark = (self.currentText(), "") if self.currentIndex() >= 0 else (self._instead, self._remark)
        parts = (
            QStyle.ComplexControl.CC_ComboBox,
            self._option(),
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        metrics = self.fontMetrics()
        room = self.style().subControlRect(*parts).width() - metrics.horizontalAdvance(remark) - 4
        if self.brief and self.currentIndex() >= 0 and metrics.horizontalAdvance(text) > room:
            text = str(self.currentData())
        if remark and room < _FEW * metrics.averageCharWidth():
            # More of the text says more than the remark.
            remark, room = "*", room + metrics.horizontalAdvance(remark) - metrics.horizontalAdvance("*")
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, room) + remark

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = self._option()
        option.currentText = self.shown
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return option

    def _restyle(self) -> None:
        for k in range(self.count()):
            item = self._item(k)
            if item.flags() == Qt.ItemFlag.NoItemFlags:
                item.setForeground(self._theme.qcolor(self._theme.colors.muted))

    def _item(self, index: int) -> QStandardItem:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        return model.item(index)

"""A combo box whose entries stand under headings, which cannot be chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from odeviz.widgets.theme import Theme

#: Entries that the open list shows without scrolling.
_VISIBLE = 24


class HeadedCombo(QComboBox):
    """``add_heading`` begins a group; what is added next belongs to it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
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

    def _restyle(self) -> None:
        for k in range(self.count()):
            item = self._item(k)
            if item.flags() == Qt.ItemFlag.NoItemFlags:
                item.setForeground(self._theme.qcolor(self._theme.colors.muted))

    def _item(self, index: int) -> QStandardItem:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        return model.item(index)

"""A combo box whose open list is as wide as its entries, however narrow the box is."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

#: Room beside the entries: the list's frame and padding, and a scroll bar.
_BESIDE = 40


class RoomyCombo(QComboBox):
    """Nothing of the open list is cut, as long as the screen has room."""

    def showPopup(self) -> None:
        wide = self.view().sizeHintForColumn(0) + _BESIDE
        self.view().setMinimumWidth(min(wide, self.screen().availableGeometry().width()))
        super().showPopup()

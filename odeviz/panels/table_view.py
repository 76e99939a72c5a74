"""A task's table in the window: figures under headings, the row of the model on show in bold."""

from __future__ import annotations

import textwrap
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from odeviz.tasks.chart import Table, cell_text
from odeviz.widgets.rows import Index, Rows

#: A heading wider than its column's values and than so many letters is broken into lines.
_HEADING = 6
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class _Cells(Rows):
    def __init__(self, view: QTableView) -> None:
        super().__init__(0, view)
        self._view = view
        self._table: Table | None = None

    def set_table(self, table: Table) -> None:
        self._table = table
        self.show_rows(table.rows, len(table.columns))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        value = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | _MIDDLE
        if (
            role == Qt.ItemDataRole.FontRole
            and self._table is not None
            and index.row() == self._table.current
        ):
            font = QFont(self._view.font())
            font.setBold(True)
            return font
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if self._table is None or orientation != Qt.Orientation.Horizontal:
            return None
        column = [row[section] for row in self.rows]
        if role == Qt.ItemDataRole.DisplayRole:
            longest = max((len(cell_text(value)) for value in column), default=0)
            name = self._table.columns[section]
            return "\n".join(textwrap.wrap(name, max(longest, _HEADING), break_long_words=False))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = bool(column) and not isinstance(column[0], str)
            return (Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft) | _MIDDLE
        return None


class TableView(QTableView):
    """Draws a :class:`Table`; its first column, of names, takes what is left of the width: numbers stand together."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = _Cells(self)
        self.setModel(self.cells)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)
        self.setFrameShape(QTableView.Shape.NoFrame)

    def set_table(self, table: Table) -> None:
        """Draw another table."""
        self.cells.set_table(table)
        self._spread()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._spread()

    def _spread(self) -> None:
        """Where nothing is left of the width the first column keeps what it needs."""
        header = self.horizontalHeader()
        if not header.count():
            return
        columns = range(header.count())
        needed = sum(max(self.sizeHintForColumn(k), header.sectionSizeHint(k)) for k in columns)
        roomy = needed <= self.viewport().width()
        mode = QHeaderView.ResizeMode
        header.setSectionResizeMode(0, mode.Stretch if roomy else mode.ResizeToContents)

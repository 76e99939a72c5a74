"""Rows of frozen values for a list or a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex

Index = QModelIndex | QPersistentModelIndex
#: What stands above all rows.
ROOT = QModelIndex()


class Rows(QAbstractTableModel):
    """What is shown is :attr:`rows`; a subclass says in ``data`` how.

    A model, because items that live in a widget have been seen to go after it: a crash.
    """

    def __init__(self, columns: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Any, ...] = ()
        self._columns = columns

    def show_rows(self, rows: Sequence[Any], columns: int | None = None) -> None:
        """Put these in the place of the others, perhaps in other columns."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self._columns = self._columns if columns is None else columns
        self.endResetModel()

    def append(self, row: Any) -> None:
        """One more at the end; what is selected stays so."""
        self.beginInsertRows(ROOT, len(self.rows), len(self.rows))
        self.rows = (*self.rows, row)
        self.endInsertRows()

    def drop_first(self) -> None:
        """Without the first."""
        self.beginRemoveRows(ROOT, 0, 0)
        self.rows = self.rows[1:]
        self.endRemoveRows()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else self._columns

"""Undo commands. Every one of them replaces a frozen noun of the workbench by another value."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QUndoCommand

#: Edits of the same thing closer together than this are one step: typing, or a spin box being clicked.
MERGE_SECONDS = 1.0


class Change(QUndoCommand):
    """Replace ``old`` by ``new`` through ``apply``.

    Two changes in a row with the same ``merge`` key become one step: always within one drag (the
    same non-zero ``drag`` number), outside of drags if they come within :data:`MERGE_SECONDS`.
    """

    def __init__(
        self, text: str, apply: Callable[[Any], None], old: Any, new: Any, merge: str = "", drag: int = 0
    ) -> None:
        super().__init__(text)
        self._apply = apply
        self._old = old
        self._new = new
        self._merge = merge
        self._drag = drag
        self._when = time.monotonic()

    def redo(self) -> None:
        self._apply(self._new)

    def undo(self) -> None:
        self._apply(self._old)

    def id(self) -> int:
        """All changes may merge; :meth:`mergeWith` decides."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Change) or not self._merge or self._merge != other._merge:
            return False
        if self._drag != other._drag or (not self._drag and other._when - self._when > MERGE_SECONDS):
            return False
        self._new = other._new
        self.setText(other.text())
        self._when = other._when
        self.setObsolete(self._new == self._old)
        return True

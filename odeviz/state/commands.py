"""Undo commands. Every one of them replaces a frozen noun of the workbench by another value."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QUndoCommand, QUndoStack

#: Edits of the same thing closer together than this are one step: typing, or a spin box being clicked.
MERGE_SECONDS = 1.0


class Change(QUndoCommand):
    """Replace ``old`` by ``new`` through ``apply``.

    Two changes in a row with the same ``merge`` key are one step: always within one drag (the
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

    def takes_in(self, later: Change) -> bool:
        """Whether a later change belongs to this step; if so, this one does what both do."""
        if not self._merge or self._merge != later._merge or self._drag != later._drag:
            return False
        if not self._drag and later._when - self._when > MERGE_SECONDS:
            return False
        self._new, self._when = later._new, later._when
        self.setText(later.text())
        self.setObsolete(self._new == self._old)
        return True


class UndoStack(QUndoStack):
    """Changes one after another; those that are one step are merged here.

    Qt would delete the later of two commands it merges, and PySide hold on to what is left of it for ever after.
    """

    def push(self, change: Change) -> None:  # type: ignore[override]
        """Make a change, as a step of its own or as part of the last."""
        here = self.index()
        last = self.command(here - 1) if 0 < here == self.count() and not self.isClean() else None
        if not isinstance(last, Change) or not last.takes_in(change):
            super().push(change)
            return
        change.redo()
        if last.isObsolete():
            # It is not undone, only taken away.
            self.undo()
            return
        self.indexChanged.emit(here)
        self.undoTextChanged.emit(self.undoText())

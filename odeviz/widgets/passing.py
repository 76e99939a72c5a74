"""Dialogs that go when they are closed.

Where Qt deletes a tree of widgets made in Python, every wrapper is released inside the destructor of its widget, and
what only it held goes with it, there and then. In long runs that has been seen to crash the binding (PySide 6.10).
Here the wrappers are held until the whole tree has gone.
"""

from __future__ import annotations

from functools import partial

import shiboken6
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QDialog


def delete_when_closed(dialog: QDialog) -> None:
    """Delete a dialog once it has been closed, however that was done, and all that hear of it have been told."""
    dialog.finished.connect(partial(_soon, dialog))


def _soon(dialog: QDialog, result: int) -> None:
    QTimer.singleShot(0, partial(_delete, dialog))


def _delete(dialog: QDialog) -> None:
    if not shiboken6.isValid(dialog):
        return
    held = [child for child in dialog.findChildren(QObject) if shiboken6.createdByPython(child)]
    shiboken6.delete(dialog)
    held.clear()

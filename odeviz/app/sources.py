"""The sources of modules that are imported: PySide would read them all, and Python would keep what it has read."""

from __future__ import annotations

import sys


def leave_unread() -> None:
    """Keep PySide from reading every module that is imported from now on.

    It looks whether a module uses PySide, whose optional features (``snake_case``, ``true_property``) could then be
    switched for it; nobody here uses those. Torch, SymPy and SciPy would leave 80 MiB of text in ``linecache``. Where
    another version of PySide looks in another way, it does so as before.
    """
    feature = sys.modules.get("PySide6.support.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        setattr(feature, "_mod_uses_pyside", _no)  # noqa: B010


def _no(module: object) -> bool:
    return False

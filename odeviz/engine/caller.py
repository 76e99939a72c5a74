"""Where the engine was called from, for warnings that point there."""

from __future__ import annotations

import sys


def stacklevel_outside_engine() -> int:
    """The ``stacklevel`` with which ``warnings.warn`` points at the line that called the engine.

    Counted for a ``warnings.warn`` in the function that asks.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _is_engine(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_engine(module: str) -> bool:
    return module == "odeviz.engine" or module.startswith("odeviz.engine.")

"""Keep an exception inside Qt's virtual methods from taking the process down.

An exception that leaves an overridden ``paintEvent`` or event handler is printed at best and aborts at
worst; a guarded one reaches ``sys.excepthook``, where the window shows it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Report an exception of a paint or event method through ``sys.excepthook`` and go on."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **options: Any) -> None:
        try:
            method(self, *args, **options)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)

    return wrapper


def painted(method: Callable[[Any, QPainter], None]) -> Callable[[Any, QPaintEvent], None]:
    """Make a ``paintEvent`` of a method that draws with an antialiasing painter, guarded as above.

    The painter is ended in any case: one that outlives its event, kept by a traceback, crashes Qt.
    """

    @functools.wraps(method)
    def wrapper(self: QWidget, _: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            method(self, painter)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            painter.end()

    return wrapper

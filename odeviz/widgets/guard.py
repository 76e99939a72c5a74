"""Keep an exception inside Qt's virtual methods from taking the process down.

An exception that leaves an overridden ``paintEvent`` or event handler is printed at best and aborts at
worst; a guarded one reaches ``sys.excepthook``, where the window shows it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Report an exception of a paint or event method through ``sys.excepthook`` and go on."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **options: Any) -> None:
        try:
            method(self, *args, **options)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)

    return wrapper

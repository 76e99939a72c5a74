"""Memory that nobody uses goes back to the system: an allocator keeps what lies below anything still in use."""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable


def tidy() -> None:
    """Collect garbage, and hand what has become free back to the system; for a process that has nothing to do."""
    gc.collect()
    _trim()()


@functools.cache
def _trim() -> Callable[[], object]:
    """glibc's ``malloc_trim(0)``; other allocators give back by themselves."""
    found = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return functools.partial(found, 0) if found is not None else object

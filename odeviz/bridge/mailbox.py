"""A mailbox with one slot: the latest message wins, and nobody waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most one item. ``put`` replaces an item nobody has taken; ``take`` empties the slot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None

    def put(self, item: T) -> None:
        """Leave an item, replacing the one before."""
        with self._lock:
            self._item = item

    def take(self) -> T | None:
        """The item, or None if there is none or it has been taken."""
        with self._lock:
            item, self._item = self._item, None
        return item

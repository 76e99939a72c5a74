"""A field's free workspaces, so that one solve after the other reuses the same memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar


class Workspace(Protocol):
    """Buffers of one kernel."""

    def bytes(self) -> int:
        """What the buffers hold."""
        ...


W = TypeVar("W", bound=Workspace)


class WorkspacePool(Generic[W]):
    """Free workspaces by key; those in use are not here, so two solves at once never share one.

    Fresh pages cost more than the arithmetic of a small field, which is why buffers are kept. What is kept is
    bounded in number and bytes, the latest used first. A copied or unpickled pool is empty.
    """

    def __init__(self, limit: int = 4, max_bytes: int = 512 << 20) -> None:
        self._limit = limit
        self._max_bytes = max_bytes
        self._free: list[tuple[Hashable, W]] = []
        self._lock = threading.Lock()

    def take(self, key: Hashable, make: Callable[[], W]) -> W:
        """A free workspace for ``key``, now the caller's alone, or a new one."""
        with self._lock:
            for index in reversed(range(len(self._free))):
                if self._free[index][0] == key:
                    return self._free.pop(index)[1]
        return make()

    def put(self, key: Hashable, workspace: W) -> None:
        """Give a workspace back; the oldest ones are dropped when there are too many."""
        with self._lock:
            self._free.append((key, workspace))
            while len(self._free) > self._limit or self._bytes() > self._max_bytes:
                del self._free[0]

    def _bytes(self) -> int:
        return sum(workspace.bytes() for _, workspace in self._free)

    def __len__(self) -> int:
        return len(self._free)

    def __reduce__(self) -> tuple[Any, ...]:
        return WorkspacePool, (self._limit, self._max_bytes)

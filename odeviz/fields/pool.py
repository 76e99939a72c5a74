"""A field's free workspaces, so that one solve after the other reuses the same memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

import torch


class Workspace(Protocol):
    """Buffers of one kernel."""

    def bytes(self) -> int:
        """What the buffers hold."""
        ...


W = TypeVar("W", bound=Workspace)


class WorkspacePool(Generic[W]):
    """Free workspaces by key; those in use are not here, so two solves at once never share one.

    Fresh pages cost more than the arithmetic of a small field, which is why buffers are kept. What is kept is
    bounded in number and bytes, the latest used first: at the default, the tape of a gradient over a batch of 16,384
    and a few dozen steps still stays. A copied or unpickled pool is empty.

    A workspace may come back at any moment, from the garbage collector too, which runs on a thread that may be in
    the middle of ``take`` or ``put``: it is then left at the door, and whoever holds the lock brings it in.
    """

    def __init__(self, limit: int = 4, max_bytes: int = 2 << 30) -> None:
        self._limit = limit
        self._max_bytes = max_bytes
        self._free: list[tuple[Hashable, W]] = []
        #: Given back, not yet among the free ones.
        self._door: SimpleQueue[tuple[Hashable, W]] = SimpleQueue()
        self._lock = threading.Lock()

    def take(self, key: Hashable, make: Callable[[], W]) -> W:
        """A free workspace for ``key``, now the caller's alone, or a new one."""
        with self._lock:
            self._bring_in()
            for index in reversed(range(len(self._free))):
                if self._free[index][0] == key:
                    return self._free.pop(index)[1]
        # Buffers made in inference mode could not be written to outside it.
        with torch.inference_mode(False):
            return make()

    def put(self, key: Hashable, workspace: W) -> None:
        """Give a workspace back; the oldest ones are dropped when there are too many."""
        self._door.put((key, workspace))
        if self._lock.acquire(blocking=False):
            try:
                self._bring_in()
            finally:
                self._lock.release()

    def _bring_in(self) -> None:
        """Move what was given back to the free ones, within the limits. The caller holds the lock."""
        while True:
            try:
                self._free.append(self._door.get_nowait())
            except Empty:
                break
        while len(self._free) > self._limit or self._bytes() > self._max_bytes:
            del self._free[0]

    def _bytes(self) -> int:
        return sum(workspace.bytes() for _, workspace in self._free)

    def __len__(self) -> int:
        return len(self._free)

    def __reduce__(self) -> tuple[Any, ...]:
        return WorkspacePool, (self._limit, self._max_bytes)

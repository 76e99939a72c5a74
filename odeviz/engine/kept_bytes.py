"""What automatic differentiation keeps for a backward pass, in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from odeviz.engine.parameters import changed_in_place

#: A saved tensor, and how often it had been written to when it was saved.
_Saved: TypeAlias = tuple[Tensor, int]


class KeptBytes:
    """Counts the bytes automatic differentiation saves, each storage once; a pair of saved-tensor hooks."""

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        """Storages of the ``known`` tensors are not counted."""
        self.total = 0
        # Weak references: they keep no memory, and no later storage is taken for one that is gone, as it would be by
        # its address.
        self._seen = {StorageWeakRef(tensor.untyped_storage()) for tensor in known}  # type: ignore[no-untyped-call]

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        seen = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
        if seen not in self._seen:
            self._seen.add(seen)
            self.total += storage.nbytes()

    def pack(self, tensor: Tensor) -> _Saved:
        self.add(tensor)
        # Detached, for an operation that saves its own result would otherwise keep itself alive.
        return tensor.detach(), tensor._version

    def unpack(self, saved: _Saved) -> Tensor:
        # Torch looks after this itself only where there are no hooks.
        tensor, version = saved
        if tensor._version != version:
            raise RuntimeError(changed_in_place("a tensor"))
        return tensor

"""Numbered slots of named buffers, allocated in blocks that never move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

P = TypeVar("P")
Shapes = Mapping[str, tuple[int, ...]]


class Tape(Generic[P]):
    """Slots, each seen as a place ``P`` that ``bind`` makes of the slot's buffers once.

    Slot -1 is a place for evaluations that nobody will ask for.
    """

    def __init__(self, shapes: Shapes, bind: Callable[[dict[str, Tensor]], P], like: Tensor) -> None:
        self._shapes = dict(shapes)
        self._bind = bind
        self._like = like
        self._blocks: list[dict[str, Tensor]] = []
        self._starts: list[int] = []
        scratch = self._block(1)
        #: Places by slot + 1.
        self._places = self._bound(scratch)

    def __getitem__(self, slot: int) -> P:
        return self._places[slot + 1]

    def __len__(self) -> int:
        return len(self._places) - 1

    def reserve(self, slots: int) -> None:
        """Grow to at least this many slots; existing ones stay where they are."""
        have = len(self)
        if slots <= have:
            return
        block = self._block(max(slots - have, have // 2))
        self._blocks.append(block)
        self._starts.append(have)
        self._places.extend(self._bound(block))

    def gather(self, name: str, slots: Sequence[int]) -> Iterator[tuple[Tensor, list[int]]]:
        """The buffer ``name`` of the given slots as ``[k, *shape]``, with their positions in ``slots``."""
        for block, start in zip(self._blocks, self._starts, strict=True):
            buffer = block[name]
            where = sorted(
                (slot - start, i) for i, slot in enumerate(slots) if 0 <= slot - start < len(buffer)
            )
            if not where:
                continue
            rows, positions = [row for row, _ in where], [i for _, i in where]
            if rows == list(range(rows[0], rows[0] + len(rows))):
                yield buffer[rows[0] : rows[0] + len(rows)], positions
            else:
                yield buffer[rows], positions

    def bytes_per_slot(self) -> int:
        return sum(torch.Size(shape).numel() for shape in self._shapes.values()) * self._like.element_size()

    def _block(self, slots: int) -> dict[str, Tensor]:
        return {name: self._like.new_empty(slots, *shape) for name, shape in self._shapes.items()}

    def _bound(self, block: dict[str, Tensor]) -> list[P]:
        count = len(next(iter(block.values())))
        return [self._bind({name: buffer[i] for name, buffer in block.items()}) for i in range(count)]

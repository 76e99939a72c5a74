"""Numbered slots of named buffers, allocated in blocks that never move."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

P = TypeVar("P")

#: Rows this many bytes apart, or a multiple of it, compete for the same cache lines: products take up to four times as
#: long. Such rows are moved apart.
_ALIAS = 2048
_GAP = 64


def row_length(columns: int, itemsize: int) -> int:
    """How far apart rows of so many numbers are."""
    return columns + (_GAP // itemsize if columns * itemsize % _ALIAS == 0 else 0)


def new_buffer(like: Tensor, *shape: int) -> Tensor:
    """Uninitialised memory ``[..., rows, columns]`` that matrix products are fast on."""
    *lead, columns = shape
    return like.new_empty(*lead, row_length(columns, like.element_size()))[..., :columns]


class Tape(Generic[P]):
    """Slots, each seen as a place ``P`` that ``bind`` makes of the slot's buffers when it is first used.

    Slot -1 is a place for evaluations that nobody will ask for.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], bind: Callable[[dict[str, Tensor]], P], like: Tensor
    ) -> None:
        self._shapes = dict(shapes)
        self._bind = bind
        self._like = like
        itemsize = like.element_size()
        self.bytes_per_slot: int = itemsize * sum(
            torch.Size(lead).numel() * row_length(columns, itemsize) for *lead, columns in shapes.values()
        )
        self._blocks = [self._block(1)]
        #: First slot of each block; slot -1 is a block of its own.
        self._starts = [-1]
        #: Places by slot + 1.
        self._places: list[P | None] = [None]

    def __getitem__(self, slot: int) -> P:
        place = self._places[slot + 1]
        return self._bound(slot) if place is None else place

    def __len__(self) -> int:
        return len(self._places) - 1

    def reserve(self, slots: int) -> None:
        """Grow to at least this many slots; existing ones stay where they are."""
        have = len(self)
        if slots > have:
            more = max(slots - have, have // 2)
            self._blocks.append(self._block(more))
            self._starts.append(have)
            self._places.extend([None] * more)

    def gather(self, slots: Sequence[int], most: int) -> Iterator[tuple[dict[str, Tensor], list[int]]]:
        """The given slots' buffers as views ``[k <= most, *shape]``, with the slots' positions."""
        where = sorted((slot, i) for i, slot in enumerate(slots))
        first = 0
        while first < len(where):
            slot = where[first][0]
            which = bisect_right(self._starts, slot) - 1
            block, row = self._blocks[which], slot - self._starts[which]
            # A run of consecutive slots within one block is one view.
            end = min(first + min(most, self._length(which) - row), len(where))
            last = first + 1
            while last < end and where[last][0] == where[last - 1][0] + 1:
                last += 1
            run = {name: buffer[row : row + last - first] for name, buffer in block.items()}
            yield run, [i for _, i in where[first:last]]
            first = last

    def _block(self, slots: int) -> dict[str, Tensor]:
        return {name: new_buffer(self._like, slots, *shape) for name, shape in self._shapes.items()}

    def _length(self, which: int) -> int:
        ends = [*self._starts[1:], len(self)]
        return ends[which] - self._starts[which]

    def _bound(self, slot: int) -> P:
        which = bisect_right(self._starts, slot) - 1
        row = slot - self._starts[which]
        place = self._bind({name: buffer[row] for name, buffer in self._blocks[which].items()})
        self._places[slot + 1] = place
        return place

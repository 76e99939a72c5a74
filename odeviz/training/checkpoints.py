"""Checkpoints: the weights a run went through, so that its training can be looked at again. No torch.

A :class:`Checkpoint` is frozen and shared between all snapshots of a run; ``Snapshot.at(checkpoint)`` is the model as
it was then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: At most so many are kept, and so many bytes of weights.
MOST, MOST_BYTES = 64, 128 * 2**20
#: With room for fewer than this nothing can be replayed, and none are kept.
FEWEST = 4

Weights = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run had learnt after ``iteration`` iterations; 0 are the weights it began with."""

    iteration: int
    #: Seconds of training until then.
    seconds: float
    #: The model's ``state_dict`` as read-only arrays.
    weights: Weights

    def __deepcopy__(self, memo: object) -> Checkpoint:
        """Itself: nothing of it can change."""
        return self


def thinned(checkpoints: tuple[Checkpoint, ...], most_bytes: int) -> tuple[Checkpoint, ...]:
    """Every second of them after the first, and so on, until their weights take no more; none if few would be left."""
    while sum(array.nbytes for each in checkpoints for array in each.weights.values()) > most_bytes:
        checkpoints = (checkpoints[0], *checkpoints[2::2]) if len(checkpoints) > FEWEST else ()
    return checkpoints


class Keeper:
    """Keeps a run's checkpoints, at most :data:`MOST` of them and :data:`MOST_BYTES` of weights.

    When it is full every second one goes, and from then on they are taken twice as far apart: they stay evenly
    spaced after the first, which stays, however long the run. A run of n iterations copies its weights about
    MOST + MOST / 2 * log2(n / MOST) times: 190 times in 1,000 iterations, 510 in a million.
    """

    def __init__(self, checkpoints: Iterable[Checkpoint] = ()) -> None:
        self._kept = list(checkpoints)
        self._stride = 1
        self._capacity: int | None = None
        while self._spacing_below(self._stride):
            self._stride *= 2

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Those kept, in order."""
        return tuple(self._kept)

    def offer(self, iteration: int, seconds: float, weights: Callable[[], Weights]) -> None:
        """Keep a checkpoint of this iteration, unless it falls between two: then ``weights`` is not called."""
        if iteration % self._stride or self._capacity == 0:
            return
        if self._kept and self._kept[-1].iteration >= iteration:
            return
        taken = Checkpoint(iteration, seconds, weights())
        if self._capacity is None:
            size = sum(array.nbytes for array in taken.weights.values())
            room = min(MOST, MOST_BYTES // max(size, 1))
            self._capacity = room if room >= FEWEST else 0
            if not self._capacity:
                self._kept.clear()
                return
        self._kept.append(taken)
        while len(self._kept) > self._capacity:
            self._stride *= 2
            rest = [kept for kept in self._kept[1:] if kept.iteration % self._stride == 0]
            self._kept = [self._kept[0], *rest]

    def _spacing_below(self, stride: int) -> bool:
        """Whether those taken over show that a run had doubled its distance beyond ``stride``."""
        rest = [kept.iteration for kept in self._kept[1:]]
        return bool(rest) and all(iteration % (2 * stride) == 0 for iteration in rest)

    def state_dict(self) -> dict[str, Any]:
        return {"stride": self._stride, "capacity": self._capacity, "kept": tuple(self._kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._stride, self._capacity = state["stride"], state["capacity"]
        self._kept = list(state["kept"])

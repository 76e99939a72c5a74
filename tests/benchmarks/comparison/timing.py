"""Timing in turns: A B C A B C, each turn as many calls as fit in it, and what the first call of all took."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: A turn of short calls is this long, so that each contender finds its own data in the cache.
_TURN = 0.01
_MOST_CALLS = 10


@dataclass(frozen=True)
class Timing:
    """Seconds of the first call, and of each turn: the medians of its calls' wall time and processor time.

    On a quiet machine and one thread the two are the same. Where others have the processor too, wall time is also
    theirs and processor time is the fairer one; where several threads work, it is all of theirs together.
    """

    cold: float
    wall: list[float]
    processor: list[float]
    last: Any

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def fastest(self) -> float:
        return min(self.wall)

    @property
    def busy(self) -> float:
        """Processor time in wall time."""
        return sum(self.processor) / sum(self.wall)

    def ratio(self, other: Timing) -> float:
        """How many times longer than ``other``: the median of what each round says, which a slow drift spares."""
        return _median_ratio(self.wall, other.wall)

    def processor_ratio(self, other: Timing) -> float:
        """As ``ratio``, of processor time."""
        return _median_ratio(self.processor, other.processor)


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = call()
    return time.perf_counter() - started, found


def in_turns(
    calls: Mapping[str, Callable[[], Any]], seconds: float, least: int = 5, most: int = 60
) -> dict[str, Timing]:
    """Time the calls in turns for about so long, at least ``least`` rounds."""
    cold = {name: timed(call)[0] for name, call in calls.items()}
    for call in calls.values():
        call()
    warm = {name: timed(call)[0] for name, call in calls.items()}
    repeats = {name: max(1, min(_MOST_CALLS, round(_TURN / once))) for name, once in warm.items()}
    one_round = sum(repeats[name] * once for name, once in warm.items())
    rounds = max(least, min(most, round(seconds / one_round)))
    wall: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    last: dict[str, Any] = {}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                taken, worked = [], []
                for _ in range(repeats[name]):
                    began = time.process_time()
                    once, last[name] = timed(call)
                    worked.append(time.process_time() - began)
                    taken.append(once)
                wall[name].append(statistics.median(taken))
                processor[name].append(statistics.median(worked))
    finally:
        gc.enable()
    return {name: Timing(cold[name], wall[name], processor[name], last[name]) for name in calls}

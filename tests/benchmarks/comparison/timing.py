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
    """Seconds: of the first call, of each turn (the median of its calls), and of the fastest turn.

    ``busy`` is processor time in wall time: above one several threads worked, below one others had the processor.
    """

    cold: float
    turns: list[float]
    busy: float
    last: Any

    @property
    def median(self) -> float:
        return statistics.median(self.turns)

    @property
    def fastest(self) -> float:
        return min(self.turns)

    def ratio(self, other: Timing) -> float:
        """How many times longer than ``other``: the median of what each round says, which a slow drift spares."""
        return statistics.median(a / b for a, b in zip(self.turns, other.turns, strict=True))


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
    turns: dict[str, list[float]] = {name: [] for name in calls}
    wall, processor = dict.fromkeys(calls, 0.0), dict.fromkeys(calls, 0.0)
    last: dict[str, Any] = {}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                began, taken = time.process_time(), []
                for _ in range(repeats[name]):
                    once, last[name] = timed(call)
                    taken.append(once)
                processor[name] += time.process_time() - began
                wall[name] += sum(taken)
                turns[name].append(statistics.median(taken))
    finally:
        gc.enable()
    return {name: Timing(cold[name], turns[name], processor[name] / wall[name], last[name]) for name in calls}

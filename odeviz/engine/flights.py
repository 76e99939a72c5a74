"""How long samples are on their way from one jump of their state to the next: whether jumps accumulate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Jumps no further apart than this many times what rounding moves their times by cannot be told apart.
INDISTINCT = 100.0


class Flights:
    """The last flights of each sample from one jump to the next at the same event.

    A ball that loses a share of its speed at every bounce makes infinitely many of them in a finite time. Events that
    accumulate like that (Zeno behaviour) leave flights that rounding makes random, and a solve that goes on slips
    through the event sooner or later. They accumulate when three flights in a row were too short to be told apart, or
    when each was shorter than the one before and the next one by that trend will be too short.
    """

    def __init__(self, events: int, first: Tensor) -> None:
        """``first [batch]`` are the times the samples began at."""
        self._first = first
        #: Time of the last jump ``[event, batch]``, NaN before the first one.
        self._last = first.new_full((events, len(first)), torch.nan)
        #: The last three flights, and what each must exceed to be known, ``[3, event, batch]``.
        self._flights = first.new_full((3, events, len(first)), torch.nan)
        self._limits = self._flights.clone()

    def note(self, event: int, samples: Tensor, t: Tensor, resolution: Callable[[], Tensor]) -> Tensor:
        """Note jumps of ``samples [n]`` at times ``t [n]``; for which of them jumps accumulate, ``[n]``.

        ``resolution`` tells how well their states know the times, ``[n]``.
        """
        since = (t - self._first[samples]).abs()
        rounding = 16 * torch.finfo(t.dtype).eps * torch.maximum(t.abs(), since)
        flight = (t - self._last[event, samples]).abs()
        self._last[event, samples] = t
        blur, short = rounding, flight <= 0.01 * since
        if bool(short.any()):
            blur = torch.where(short, torch.maximum(rounding, resolution().to(rounding)), rounding)
        flights = torch.cat([self._flights[1:, event, samples], flight[None]])
        limits = torch.cat([self._limits[1:, event, samples], INDISTINCT * blur[None]])
        self._flights[:, event, samples], self._limits[:, event, samples] = flights, limits
        return _accumulate(flights, limits, INDISTINCT * rounding)


def _accumulate(flights: Tensor, limits: Tensor, least: Tensor) -> Tensor:
    """Whether flights ``[3, n]`` and what they must exceed tell of infinitely many; ``least`` is exceeded by any."""
    first, second, third = flights.unbind(0)
    ratio = torch.maximum(second / first, third / second)
    shrinking = torch.where((first > 0) & (second > 0), ratio, 1.0)
    # Speeds shrink like flights, and slow crossings are known less well.
    following = shrinking * third <= torch.maximum(least, limits[2] / shrinking)
    return (flights <= limits).all(0) | ((shrinking < 1) & following)

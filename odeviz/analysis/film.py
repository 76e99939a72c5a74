"""A film: the plane in pictures, over the flow's time or over its training. No torch, no Qt."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
)

#: Shares of t1 at which Chen et al. (2018), figure 5, show a flow.
SHARES = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a film: the plane at a time of the flow, after so many iterations."""

    caption: str
    time: float
    iteration: int
    flow: FlowResult | None = None
    field: FieldResult | None = None
    #: At ``time``.
    background: DensityResult | DecisionResult | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """Pictures of one piece of the plane, which share their scales."""

    extent: Extent
    frames: tuple[Frame, ...]
    data: DataResult | None = None
    #: Over the flow's time, trajectories are tails behind their points; over training each frame shows them whole.
    over_time: bool = True
    #: Layers of the flow view that pictures of the flow have, by their keys; None: all.
    layers: tuple[str, ...] | None = None

    def has(self, layer: str) -> bool:
        """Whether pictures of the flow have a layer."""
        return self.layers is None or layer in self.layers

    @property
    def top(self) -> float | None:
        """The largest log p of all frames; None where no frame has a density."""
        shown = (frame.background for frame in self.frames)
        values = [each.log_density for each in shown if isinstance(each, DensityResult)]
        tops = [float(value[np.isfinite(value)].max()) for value in values if np.isfinite(value).any()]
        return max(tops, default=None)


def tails(flow: FlowResult, time: float, share: float = 0.2) -> FlowResult:
    """The trajectories up to a time, from a share of the whole time before."""
    begin = int(np.searchsorted(flow.t, time - share * float(flow.t[-1] - flow.t[0])))
    end = max(begin + 1, int(np.searchsorted(flow.t, time, side="right")))
    return dataclasses.replace(flow, t=flow.t[begin:end], paths=flow.paths[begin:end])


def film_times(t1: float, count: int) -> list[float]:
    """Equal times from 0 to t1, both included."""
    return [float(t) for t in np.linspace(0.0, t1, count)]

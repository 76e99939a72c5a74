"""A person's own time beside the flow's. No torch, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Times = TypeVar("Times", float, NDArray[np.floating[Any]])


@dataclass(frozen=True, slots=True)
class OwnTime:
    """The data's own time of a flow's time t: ``start + scale * t``."""

    scale: float = 1.0
    start: float = 0.0
    #: What it is counted from, where that is not the data's own origin.
    since: str = ""

    def __bool__(self) -> bool:
        """Whether it is another than the flow's."""
        return (self.scale, self.start) != (1.0, 0.0)

    def own(self, t: Times) -> Times:
        """The flow's times as the data's own."""
        return self.start + self.scale * t

    def flow(self, own: Times) -> Times:
        """The data's own times as the flow's."""
        return (own - self.start) / self.scale

    def told(self, t: float, digits: int = 2) -> str:
        """A flow's time as it is written: of a flow without another time, with so many digits."""
        return f"{self.own(t):.4g}" if self else f"{t:.{digits}f}"


#: A flow whose data have no other time.
FLOW_TIME = OwnTime()

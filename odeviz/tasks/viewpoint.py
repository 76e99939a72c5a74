"""From where a view is looked at: the playhead, a trajectory, and numbers that a person sets. No torch, no Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: What a view may follow besides the model and its solver: the playhead's time, the trajectory that is selected.
Followed = Literal["time", "selection"]


@dataclass(frozen=True, slots=True)
class Control:
    """A number of a view's own from ``lo`` to ``hi``, which a person sets by a slider beside the picture."""

    key: str
    label: str
    #: What it does, in a sentence.
    about: str
    lo: float
    hi: float
    default: float
    whole: bool = False
    unit: str = ""

    def fitted(self, value: float) -> float:
        """The allowed value next to this one."""
        value = min(max(value, self.lo), self.hi)
        return float(round(value)) if self.whole else value

    def text(self, value: float) -> str:
        """The value as it is shown."""
        number = f"{value:.0f}" if self.whole else f"{value:.2f}"
        return f"{number} {self.unit}".strip().replace("-", "−")


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """What a view is asked for besides a model and a solver; by default what it looks like on paper."""

    #: The playhead's time; None for the end of the flow.
    t: float | None = None
    #: Where the selected trajectory starts: a point of the plane, or a state.
    start: tuple[float, ...] | None = None
    #: Values of the view's controls by key; the others have their defaults.
    values: tuple[tuple[str, float], ...] = ()
    #: Seconds that a view of many parts may measure before it shows what it has; 0 asks for a first look.
    patience: float = math.inf

    def settings(self, controls: Sequence[Control]) -> Mapping[str, float]:
        """The value of every control."""
        given = dict(self.values)
        return {one.key: one.fitted(given.get(one.key, one.default)) for one in controls}


#: What is drawn on paper: the end of the flow, defaults, and everything measured.
WHOLE = Viewpoint()

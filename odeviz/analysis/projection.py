"""How states of more than two dimensions are seen in a plane. No torch, no Qt."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.numerals import STATE, indexed

#: Title and explanation of every kind of projection.
PROJECTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "plane": ("Own plane", "The plane that the task shows its states in."),
        "axes": ("Axes", "Two coordinates of the state."),
        "components": ("Principal components", "Two directions in which the trajectories' states vary most."),
        "space": ("Space of axes", "Three coordinates of the state; drag to turn them."),
        "space-components": (
            "Space of components",
            "Three principal components of the trajectories' states; drag to turn them.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Projection:
    """One way to see a state: a kind of :data:`PROJECTIONS`, and which coordinates or components it shows.

    Raises ``ValueError`` for an unknown kind or another number of axes than the kind shows.
    """

    kind: str = "plane"
    #: Numbers of the coordinates or components, from 0: two in a plane, three in space; none in the own plane.
    axes: tuple[int, ...] = ()
    #: Azimuth and elevation in degrees from which space is seen.
    turn: tuple[float, float] = (35.0, 22.0)

    def __post_init__(self) -> None:
        if self.kind not in PROJECTIONS:
            raise ValueError(f"projection must be one of {', '.join(PROJECTIONS)}, not {self.kind!r}")
        wanted = 0 if self.kind == "plane" else 3 if self.in_space else 2
        if len(self.axes) != wanted or len(set(self.axes)) != wanted:
            raise ValueError(f"projection {self.kind} takes {wanted} different axes, not {list(self.axes)}")

    @classmethod
    def of(cls, kind: str) -> Projection:
        """The first axes or components of a kind."""
        return cls(kind, () if kind == "plane" else (0, 1, 2) if kind.startswith("space") else (0, 1))

    @property
    def in_space(self) -> bool:
        """Whether it has a depth, and can be turned."""
        return self.kind.startswith("space")

    @property
    def by_components(self) -> bool:
        """Whether its axes are principal components."""
        return self.kind.endswith("components")

    @property
    def still(self) -> Projection:
        """The same from the first point of view: what results depend on."""
        return Projection(self.kind, self.axes)

    def turned(self, azimuth: float, elevation: float) -> Projection:
        """The same seen from another side; looking straight down is as far as it goes."""
        return dataclasses.replace(self, turn=(azimuth % 360.0, min(max(elevation, -90.0), 90.0)))

    def label(self, axis: int) -> str:
        """What an axis is called."""
        return indexed("PC" if self.by_components else STATE, axis + 1)

    @property
    def camera(self) -> NDArray[np.float64]:
        """Rows ``[3, 3]``: the directions to the right, upwards and towards the eye, in the coordinates of space."""
        a, e = (math.radians(angle) for angle in self.turn)
        right = (-math.sin(a), math.cos(a), 0.0)
        up = (-math.sin(e) * math.cos(a), -math.sin(e) * math.sin(a), math.cos(e))
        near = (math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e))
        return np.array([right, up, near])

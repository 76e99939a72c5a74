"""What is drawn over the plane besides the flow itself: frozen results, like those of ``results``. No torch, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from odeviz.analysis.results import FieldResult, Floats, Ints, SolverChoice, StepTable


@dataclass(frozen=True, slots=True)
class SpaceResult:
    """How the states on show lie in what is drawn: ``shown = (states - origin) @ basis``.

    Without a basis, points of the plane are all there is to be set; so it is with two dimensions or fewer.
    """

    dim: int = 2
    #: The plane's horizontal axis is time.
    over_time: bool = False
    #: What the coordinates of a state are called.
    names: tuple[str, ...] = ()
    origin: Floats | None = None  # [dim]
    basis: Floats | None = None  # [dim, k], k = 3 in space
    #: States from what is drawn: ``origin + shown @ embedding.T``.
    embedding: Floats | None = None  # [dim, k]
    #: In space: half the sides of the box about what is drawn, and where its middle lies along the axes that are seen.
    sides: Floats | None = None  # [3]
    middle: Floats | None = None  # [3]

    def place(self, seeds: Floats) -> Floats:
        """Where seeds ``[n, dim]`` are drawn, ``[n, k]``; points of the plane stay where they are."""
        if self.basis is None or self.origin is None:
            return seeds
        placed: Floats = (seeds - self.origin) @ self.basis
        return placed

    def fits(self, seeds: Sequence[Sequence[float]]) -> bool:
        """Whether these are seeds here: states, or without a basis points of the plane."""
        wanted = 2 if self.origin is None else len(self.origin)
        return all(len(seed) == wanted for seed in seeds)

    def lift(self, shown: Floats) -> Floats:
        """What is drawn at ``[n, k]`` as seeds: states ``[n, dim]``, or points of the plane."""
        return shown if self.origin is None else self.origin + self.step(shown)

    def step(self, shown: Floats) -> Floats:
        """A way ``[n, k]`` in the picture as a way of seeds."""
        if self.embedding is None:
            return shown
        way: Floats = shown @ self.embedding.T
        return way


@dataclass(frozen=True, slots=True)
class StreamResult:
    """The vector field on a grid, and curves along it at each of the grid's times."""

    field: FieldResult
    #: The same number of points along each curve, those of one seed at each time; None if they were not asked for.
    lines: Floats | None = None  # [T, curves, points, 2]


@dataclass(frozen=True, slots=True)
class TracerResult:
    """Points that drift along the field, where they are now and where they were at the moments before."""

    trail: Floats  # [moments, points, 2], now first


@dataclass(frozen=True, slots=True)
class RestResult:
    """States at rest with the field held fast at some times; at each of a field that does not depend on time."""

    t: Floats  # [T]
    moment: Ints  # [n], which of the times a point belongs to
    points: Floats  # [n, k], as they are drawn
    states: Floats  # [n, dim]
    kinds: tuple[str, ...]  # [n], such as "stable focus"
    eigenvalues: Floats  # [n, dim] complex, the largest real part first

    def at(self, t: float) -> Ints:
        """Which points belong to the moment nearest to ``t``."""
        nearest = int(np.abs(self.t - t).argmin()) if len(self.t) else 0
        return np.flatnonzero(self.moment == nearest)


@dataclass(frozen=True, slots=True)
class BorderResult:
    """The decision boundary run back from t1: one curve at each time, NaN where it has left the picture."""

    t: Floats  # [T]
    curve: Floats  # [T, n, 2]


@dataclass(frozen=True, slots=True)
class AloneResult:
    """The steps that a solver takes on single trajectories, each solved without the others."""

    choice: SolverChoice
    #: What each is: "seed" or "trajectory", and its number.
    marks: tuple[tuple[str, int], ...]
    steps: tuple[StepTable, ...]


@dataclass(frozen=True, slots=True)
class EffortResult:
    """Evaluations that each trajectory of a flow takes when its steps are its own."""

    choice: SolverChoice
    nfe: Floats  # [B], NaN where it does not arrive

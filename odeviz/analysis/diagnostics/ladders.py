"""Solves of one flow at tighter and tighter settings, made one at a time, and what their errors fall with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor

from odeviz.analysis.diagnostics.subject import Subject, slope, subject_of, typical
from odeviz.engine import METHODS
from odeviz.models import SolverOptions
from odeviz.tasks.scene import Scene

TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(2, 19))
#: Slopes are fitted where errors are below this share of the states' size, and above float64's rounding.
_LARGE, _ROUNDING = 0.1, 2e-13


@dataclass(frozen=True, slots=True)
class Solve:
    """One solve: its tolerance or its number of steps, what it cost and how far from the truth it ended."""

    at: float
    nfe: int
    #: The largest distance at t1, and the geometric mean of all.
    error: float
    typical: float


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Errors of solves from the subject's starts, in float64."""

    scene: Scene
    subject: Subject
    starts: Tensor
    ends: Tensor

    @classmethod
    def of(cls, scene: Scene, trajectories: int | None = None) -> Yardstick:
        subject = subject_of(scene)
        ends = subject.ends(scene)[:trajectories]
        return cls(scene, subject, subject.starts()[:trajectories], ends)

    @property
    def size(self) -> float:
        """Root mean square of the states."""
        return float(self.ends.square().sum(1).mean().sqrt())

    def solve(self, options: SolverOptions, at: float, steps: int | None = None) -> Solve | None:
        """None where the solve did not arrive."""
        solution = self.subject.solve(
            self.scene, self.subject.exact, self.starts, (0.0, self.subject.t1), options, steps
        )
        if not solution.ok:
            return None
        distance = (solution.y1 - self.ends).norm(dim=1)
        return Solve(at, solution.stats.nfe_forward, float(distance.max()), typical(distance))

    def by_tolerance(self, method: str, most: int) -> list[Solve]:
        """Solves at tighter and tighter tolerances, until they cost too much or reach the yardstick's own error."""
        return Ladder(method, most).climbed(self)

    def by_steps(self, method: str, most: int) -> list[Solve]:
        """Solves with 2, 4, 8 ... equal steps, until they cost too much or no smaller error is possible."""
        return Ladder(method, most, by_steps=True).climbed(self)


@dataclass(slots=True)
class Ladder:
    """One method's solves at tighter and tighter tolerances, or with more and more equal steps."""

    method: str
    #: Evaluations after which it is not tried any tighter.
    most: int
    by_steps: bool = False
    solves: list[Solve] = field(default_factory=list)
    #: How many settings have been tried, and whether there is no use in another.
    tried: int = 0
    done: bool = False

    def climb(self, yardstick: Yardstick) -> None:
        """Try the next setting. Cancelled, it will be tried again."""
        one = self._with_steps(yardstick) if self.by_steps else self._with_tolerance(yardstick)
        if one is not None and math.isfinite(one.error):
            self.solves.append(one)
        self.tried += 1

    def climbed(self, yardstick: Yardstick) -> list[Solve]:
        """All of them."""
        while not self.done:
            self.climb(yardstick)
        return self.solves

    @property
    def share(self) -> float:
        """About how much of it is known."""
        return 1.0 if self.done else min(self.tried / len(TOLERANCES), 0.9)

    def _with_tolerance(self, yardstick: Yardstick) -> Solve | None:
        tolerance = TOLERANCES[self.tried]
        options = SolverOptions(self.method, tolerance, tolerance, max_steps=self.most)
        one = yardstick.solve(options, tolerance)
        self.done = (
            one is None
            or one.nfe > self.most
            or one.error < _ROUNDING * yardstick.size
            or self.tried + 1 == len(TOLERANCES)
        )
        return one

    def _with_steps(self, yardstick: Yardstick) -> Solve | None:
        n = 2 ** (self.tried + 1)
        one = yardstick.solve(SolverOptions(self.method), float(n), n)
        precise = one is not None and one.typical < _ROUNDING * yardstick.size
        self.done = precise or 2 * n * METHODS[self.method].stages > 1.5 * self.most
        return one


def climb(scene: Scene, yardstick: Yardstick, ladders: Iterable[Ladder]) -> float:
    """Climb ladder after ladder while the scene's patience lasts; the share of them that is known.

    The method of the solver on show goes first.
    """
    ladders = list(ladders)
    for ladder in sorted(ladders, key=lambda one: one.method != scene.solver.method):
        while not ladder.done and not scene.impatient:
            ladder.climb(yardstick)
    return sum(ladder.share for ladder in ladders) / len(ladders)


def settled_slope(x: list[float], y: list[float], size: float) -> float:
    """Slope of log y against log x where errors are neither large nor rounding."""
    fit = [(a, b) for a, b in zip(x, y, strict=True) if 1e-11 * size < b < _LARGE * size]
    return slope([a for a, _ in fit], [b for _, b in fit])


def finest_slope(solves: list[Solve], size: float) -> float:
    """Slope of the typical error against the step size, between the two smallest steps above rounding."""
    above = [one for one in solves if one.typical > _ROUNDING * size][-2:]
    return slope([1.0 / one.at for one in above], [one.typical for one in above])

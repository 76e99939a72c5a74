"""Results: frozen arrays an analysis made from a snapshot, drawable and savable as they stand.

No torch, no Qt: panels and exporters import this module and nothing below it.
Every array is read-only (see :func:`frozen`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.classes import NUMBERED, Classes
from odeviz.tasks.experiment import PER_SAMPLE
from odeviz.tasks.numerals import AXES
from odeviz.tasks.own_time import FLOW_TIME, OwnTime

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


#: About the least positive number of single precision.
_LEAST = 1e-38


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, read-only."""
    array.setflags(write=False)
    return array


#: An extent that is kept may be so many times as wide and high as what is shown needs.
_SLACK = 1.6
#: What a new one has more on each side than it needs now.
_ROOM = 0.1


@dataclass(frozen=True, slots=True)
class Extent:
    """A rectangle of the plane."""

    x0: float
    x1: float
    y0: float
    y1: float
    #: What the axes are called.
    x_label: str = AXES[0]
    y_label: str = AXES[1]
    #: One unit is as long on both axes.
    equal: bool = True
    #: Dimensions of the states, of which the plane shows two; of a state over time, one.
    dims: int = 2

    @property
    def x_title(self) -> str:
        """What is written along the horizontal axis: its name, and how more dimensions are seen in two."""
        what = f"{self.dims} dimensions: paths are projected, field and background a slice"
        return self.x_label if self.dims <= 2 else f"{self.x_label}   ({what})"

    def steadied(self, before: Extent | None) -> Extent:
        """The rectangle ``before``, while it holds this one and is not much larger; else this one with some room.

        For models that follow one another: axes that change with each of them cannot be read.
        """
        if before is None or replace(before, x0=self.x0, x1=self.x1, y0=self.y0, y1=self.y1) != self:
            return self
        width, height = self.x1 - self.x0, self.y1 - self.y0
        held = before.x0 <= self.x0 and self.x1 <= before.x1 and before.y0 <= self.y0 and self.y1 <= before.y1
        if held and before.x1 - before.x0 <= _SLACK * width and before.y1 - before.y0 <= _SLACK * height:
            return before
        dx, dy = _ROOM * width, _ROOM * height
        return replace(self, x0=self.x0 - dx, x1=self.x1 + dx, y0=self.y0 - dy, y1=self.y1 + dy)


@dataclass(frozen=True, slots=True)
class SolverChoice:
    """The solver settings a view asks for; the window's solver bar holds one."""

    method: str = "dopri5"
    rtol: float = 1e-4
    atol: float = 1e-4
    #: Number of equal steps, used by fixed-step methods only.
    steps: int = 20
    #: Trajectories have steps of their own instead of shared ones, used by the methods of ``PER_SAMPLE`` only.
    per_sample: bool = False

    @property
    def own_steps(self) -> bool:
        """Whether trajectories have steps of their own with this method."""
        return self.per_sample and self.method in PER_SAMPLE

    @property
    def shared(self) -> SolverChoice:
        """The same with steps that all trajectories share: what maps and views are solved with."""
        return replace(self, per_sample=False)


@dataclass(frozen=True, slots=True)
class StepTable:
    """The steps a solver tried, in order: start, signed size, scaled error (<= 1 accepted; NaN if not estimated)."""

    t: Floats  # [steps]
    h: Floats  # [steps]
    error: Floats  # [steps]
    accepted: Bools  # [steps]

    @property
    def ends(self) -> Floats:
        """Where each step arrived ``[steps]``, or a rejected one wanted to: at t + h, unless an event cut it short."""
        ends = self.t + self.h
        cut = np.flatnonzero(self.accepted[:-1] & ((ends[:-1] - self.t[1:]) * np.sign(self.h[:-1]) > 0))
        ends[cut] = self.t[cut + 1]
        return ends


@dataclass(frozen=True, slots=True)
class DataResult:
    """Points of the task's data set: ``points [N, 2]`` and ``labels [N]`` (class index, or -1 for none)."""

    points: Floats
    labels: Ints
    #: What the labels are called.
    classes: Classes = NUMBERED


@dataclass(frozen=True, slots=True)
class FlowResult:
    """Trajectories of one solve, sampled at equal times, and what the solve cost.

    Where states jump, ``t`` has the time of every jump twice besides: the states before it, and those after it.
    """

    t: Floats  # [T], from t0 to t1
    paths: Floats  # [T, B, 2], points of the plane; NaN from where a trajectory's solve stopped
    labels: Ints  # [B], class index of each trajectory or -1
    steps: StepTable
    choice: SolverChoice
    iteration: int
    nfe: int
    #: Largest distance to a float64 reference solution at t1 over a subset of trajectories; NaN if not measured.
    error: float
    milliseconds: float
    #: "success", or the engine's status name.
    status: str = "success"
    #: One sentence when the status is not success.
    message: str = ""
    #: ‖dz/dt‖ of the whole state at each time; None where it is not known.
    speed: Floats | None = None  # [T, B]
    #: What the labels are called.
    classes: Classes = NUMBERED
    #: The time of a person's own data, in which ``t`` is told.
    clock: OwnTime = FLOW_TIME
    #: What the coordinates of the paths are called, where that is not their plain place in the plane.
    axes: tuple[str, ...] = ()
    #: Evaluations made for each trajectory, where each had steps of its own; then ``steps`` are those of the costliest,
    #: and ``nfe`` counts evaluations of all that were still under way, about as many as the costliest took.
    nfe_each: Ints | None = None  # [B]

    @property
    def costliest(self) -> int | None:
        """The trajectory whose steps are told; None where all share theirs."""
        return None if self.nfe_each is None else int(self.nfe_each.argmax())

    @property
    def accepted(self) -> int:
        return int(self.steps.accepted.sum())

    @property
    def rejected(self) -> int:
        return int((~self.steps.accepted).sum())


@dataclass(frozen=True, slots=True)
class FieldResult:
    """The vector field on a grid at several times (extra dimensions at zero)."""

    t: Floats  # [T]
    x: Floats  # [nx]
    y: Floats  # [ny]
    velocity: Floats  # [T, ny, nx, 2]
    iteration: int


@dataclass(frozen=True, slots=True)
class DensityResult:
    """log p(z, t) on a grid at one time, in nats; row 0 is the lowest y."""

    t: float
    extent: Extent
    log_density: Floats  # [ny, nx]
    #: Integral of the density over the extent by the midpoint rule; what was not reached is left out.
    mass: float
    iteration: int
    #: "success", or the engine's status name; then cells that the solve did not reach hold NaN.
    status: str = "success"
    #: How much was not reached, and why, when the status is not success.
    message: str = ""

    @property
    def unreached(self) -> Bools:
        """The cells ``[ny, nx]`` that the solve did not reach."""
        return np.isnan(self.log_density)


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """Class probabilities for states at one time carried on to t1 and read out; row 0 is the lowest y."""

    t: float
    extent: Extent
    probability: Floats  # [classes, ny, nx]
    iteration: int
    #: "success", or the engine's status name; then cells that the solve did not reach hold NaN.
    status: str = "success"
    #: How much was not reached, and why, when the status is not success.
    message: str = ""
    #: What the classes are called.
    classes: Classes = NUMBERED

    @property
    def unreached(self) -> Bools:
        """The cells ``[ny, nx]`` that the solve did not reach."""
        return np.asarray(np.isnan(self.probability).any(axis=0))

    @property
    def log_probability(self) -> Floats:
        """Its logarithm ``[classes, ny, nx]``, far down where it is 0."""
        return _log(self.probability)

    def lead(self, k: int) -> Floats:
        """Log-odds ``[ny, nx]``, in nats, of class ``k`` against the likeliest other one.

        Between two cells log-odds change evenly, and probabilities in a jump: their lines would be a staircase.
        """
        return np.asarray(
            _log(self.probability[k]) - _log(np.delete(self.probability, k, axis=0).max(axis=0))
        )

    def log_odds(self, k: int) -> Floats:
        """The same of class ``k`` against all others together."""
        return np.asarray(
            _log(self.probability[k]) - _log(np.delete(self.probability, k, axis=0).sum(axis=0))
        )


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What is known at one point of the plane at one time; ``log_density`` is NaN for tasks without one."""

    t: float
    point: tuple[float, float]
    velocity: tuple[float, float]
    speed: float
    divergence: float
    log_density: float = math.nan


def _log(probability: Floats) -> Floats:
    """Its logarithm, far down where it is 0."""
    return np.asarray(np.log(np.maximum(probability, _LEAST)))

"""Step-size control: what step to try first, whether a step is good enough, and what to try next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from odeviz.engine.checks import checked_nonnegative, checked_number, checked_size
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import Stepper


class StepPolicy(Protocol):
    """Chooses and judges the steps of one solve."""

    def begin(self, stepper: Stepper, t0: float, t1: float) -> float:
        """The first step size to try."""
        ...

    def attempt(self, t: float, h: float) -> tuple[float, float]:
        """The step size to use at ``t`` and the time it ends at."""
        ...

    def judge(self, stepper: Stepper, h: float) -> tuple[float, bool, float]:
        """Scaled error of the step just attempted, whether it is accepted, and the next step size."""
        ...

    def forget(self) -> None:
        """The field jumps here: what earlier steps taught no longer holds."""
        ...


@dataclass(frozen=True, slots=True)
class PIDController:
    """Proportional-integral-derivative control of the step size.

    The next step is ``h * safety * e0**(-alpha/k) * e1**(beta/k) * e2**(-gamma/k)`` with the scaled errors e0 of this
    step, e1 and e2 of the two accepted before it, and k = error order + 1; the change is limited to
    ``[min_factor, max_factor]`` (Hairer, Norsett, Wanner, Solving ODEs I, II.4; Soderlind, 2003).
    ``alpha = 1, beta = gamma = 0`` is the classical I controller, ``alpha = 0.85, beta = 0.2`` that of Hairer's
    DOPRI5. The defaults lie between: on neural fields they need a tenth fewer evaluations than the latter, which
    makes errors far below the tolerance there, and on stiff problems they avoid the former's rejections.
    """

    safety: float = 0.9
    alpha: float = 1.0
    beta: float = 0.1
    gamma: float = 0.0
    min_factor: float = 0.2
    max_factor: float = 10.0

    def __post_init__(self) -> None:
        checked_number("safety", self.safety, "above 0 and at most 1", lambda x: 0 < x <= 1)
        checked_size("alpha", self.alpha)
        for name in ("beta", "gamma"):
            checked_nonnegative(name, getattr(self, name))
        checked_number("min_factor", self.min_factor, "above 0 and below 1", lambda x: 0 < x < 1)
        checked_number("max_factor", self.max_factor, "above 1", lambda x: x > 1)

    def rejected(self, error: float, exponent: float) -> float:
        """Factor on a step whose scaled error is above one, or not finite."""
        if not math.isfinite(error):
            return self.min_factor
        return max(self.min_factor, min(1.0, self.safety * math.pow(error, -exponent)))

    def accepted(self, error: float, previous: float, before: float, exponent: float) -> float:
        """Factor on a step whose scaled error is at most one, after ``previous`` and ``before`` that."""
        factor = self.safety * math.pow(max(error, 1e-10), -self.alpha * exponent)
        factor *= math.pow(previous, self.beta * exponent)
        if self.gamma:
            factor *= math.pow(before, -self.gamma * exponent)
        return min(self.max_factor, max(self.min_factor, factor))


#: Controllers by name; PID with the constants of Kennedy and Carpenter (2003).
CONTROLLERS: dict[str, PIDController] = {
    "i": PIDController(alpha=1.0, beta=0.0),
    "pi": PIDController(),
    "pid": PIDController(alpha=0.58, beta=0.21, gamma=0.1),
}


class AdaptiveSteps:
    """Steps as large as the tolerance allows.

    ``stops`` are times that steps must end at, in the order of the solve. A step no larger than ``min_step`` is
    accepted whatever its error; ``first_step`` replaces the estimate of the first one.
    """

    def __init__(
        self,
        controller: PIDController,
        tolerance: Tolerance,
        first_step: float | None = None,
        *,
        min_step: float = 0.0,
        max_step: float = math.inf,
        stops: Sequence[float] = (),
    ) -> None:
        self._controller = controller
        self._tolerance = tolerance
        self._first_step = first_step
        self._min_step, self._max_step = min_step, max_step
        self._stops = tuple(stops)
        self._next_stop = 0
        self._errors = (1.0, 1.0)
        self._after_rejection = False
        #: The step that control asked for, when a stop cut it short.
        self._cut_from = 0.0
        #: Whether the step attempted is as small as it may be: as asked for, which rounding may have changed.
        self._smallest = False
        self._t1 = 0.0

    def begin(self, stepper: Stepper, t0: float, t1: float) -> float:
        self._t1, self._next_stop = t1, 0
        if self._first_step is not None:
            return self._limited(math.copysign(min(abs(self._first_step), abs(t1 - t0)), t1 - t0))
        return self._limited(initial_step(stepper, self._tolerance, t0, t1))

    def _limited(self, h: float) -> float:
        return math.copysign(min(max(abs(h), self._min_step), self._max_step), h)

    def _stop_after(self, t: float, forwards: bool) -> float:
        while self._next_stop < len(self._stops):
            stop = self._stops[self._next_stop]
            if (stop > t) if forwards else (stop < t):
                return stop
            self._next_stop += 1
        return self._t1

    def attempt(self, t: float, h: float) -> tuple[float, float]:
        stop = self._stop_after(t, h > 0)
        left = stop - t
        # A step that all but reaches the end is stretched to it, which spares a short last step. The controller's
        # safety factor leaves room for that much: the error is then what it would have been without the factor.
        stretch = max(1.01, 1.0 / self._controller.safety)
        self._smallest = min(abs(h), abs(left)) <= self._min_step
        if abs(h) * stretch >= abs(left) and abs(left) <= self._max_step * (1 + 1e-9):
            self._cut_from = h if abs(left) < abs(h) and stop != self._t1 else 0.0
            return left, stop
        self._cut_from = 0.0
        # The step is what the time moves by, which at large times is not quite what was asked for.
        end = t + h
        return end - t, end

    def judge(self, stepper: Stepper, h: float) -> tuple[float, bool, float]:
        error = stepper.error(h, self._tolerance)
        exponent = 1.0 / (error_order(stepper) + 1)
        if not (error <= 1.0 or (self._smallest and math.isfinite(error))):
            self._after_rejection = True
            if self._smallest:
                return error, False, 0.0  # no smaller step is tried: the loop ends
            return error, False, self._limited(h * self._controller.rejected(error, exponent))
        factor = self._controller.accepted(error, *self._errors, exponent)
        if self._after_rejection:
            factor = min(1.0, factor)
        self._errors, self._after_rejection = (max(error, 1e-4), self._errors[0]), False
        following = h * factor
        if abs(self._cut_from) > abs(following):
            following = self._cut_from
        return error, True, self._limited(following)

    def forget(self) -> None:
        self._errors = (1.0, 1.0)
        self._after_rejection, self._cut_from = False, 0.0


class GivenSteps:
    """Steps from node to node; every one is accepted, its error is not estimated."""

    def __init__(self, nodes: Sequence[float]) -> None:
        self._nodes = tuple(nodes)
        self._done = 0
        #: What is said to come next. That a node lies within rounding of the one before is no reason to give up.
        self._widest = max((b - a for a, b in pairwise(self._nodes)), key=abs)

    def begin(self, stepper: Stepper, t0: float, t1: float) -> float:
        self._done = 0
        return self._widest

    def attempt(self, t: float, h: float) -> tuple[float, float]:
        end = self._nodes[self._done + 1]
        return end - t, end

    def judge(self, stepper: Stepper, h: float) -> tuple[float, bool, float]:
        self._done += 1
        if stepper.finite():
            return math.nan, True, self._widest
        return math.inf, False, 0.0  # no smaller step is tried: the loop ends

    def forget(self) -> None:
        pass


def error_order(stepper: Stepper) -> int:
    """Order of the attempted step's error estimate: a stepper of variable order has an ``error_order`` of its own."""
    order: int = getattr(stepper, "error_order", stepper.method.error_order)
    return order


def equal_nodes(t0: float, t1: float, steps: int) -> list[float]:
    """Ends of ``steps`` equal steps, each computed from both ends of the interval, so that rounding does not add up."""
    return [t0 + k / steps * (t1 - t0) for k in range(steps)] + [t1]


def initial_step(stepper: Stepper, tolerance: Tolerance, t0: float, t1: float) -> float:
    """First step size from the sizes of y, f and a finite difference of f; one extra evaluation.

    Hairer, Norsett, Wanner, Solving ODEs I, II.4, "Starting Step Size".
    """
    span = t1 - t0
    y, f0 = stepper.state.detach(), stepper.derivative(t0).detach()
    scale = tolerance.scale(y.abs())
    d0, d1 = tolerance.measure(y / scale), tolerance.measure(f0 / scale)
    h0 = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    if not (math.isfinite(h0) and h0 > 0):
        return span
    h0 = math.copysign(min(h0, abs(span)), span)
    f1 = stepper.explore(t0, h0)
    d2 = tolerance.measure((f1 - f0) / scale) / abs(h0)
    steepest = max(d1, d2)
    if not steepest > 1e-15:
        h1 = max(1e-6, abs(h0) * 1e-3)
    else:
        h1 = (0.01 / steepest) ** (1.0 / (error_order(stepper) + 1))
    # Below a few roundings of t a step would not move the time; control may still find a larger one good enough.
    visible = 64 * math.ulp(max(abs(t0), abs(t1)))
    return math.copysign(min(max(min(100 * abs(h0), h1), visible), abs(span)), span)

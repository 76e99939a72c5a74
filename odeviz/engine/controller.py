"""Step-size control: what step to try first, whether a step is good enough, and what to try next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class PIController:
    """Proportional-integral control of the step size.

    The next step is ``h * safety * error**(-alpha/k) * previous_error**(beta/k)`` with k = error order + 1,
    the change limited to ``[min_factor, max_factor]`` (Hairer, Norsett, Wanner, Solving ODEs I, II.4).
    ``alpha = 1, beta = 0`` is the classical I controller, ``alpha = 0.85, beta = 0.2`` that of Hairer's DOPRI5. The
    defaults lie between: on neural fields they need a tenth fewer evaluations than the latter, which makes errors
    far below the tolerance there, and on stiff problems they avoid the former's rejections.
    """

    safety: float = 0.9
    alpha: float = 1.0
    beta: float = 0.1
    min_factor: float = 0.2
    max_factor: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.safety <= 1:
            raise ValueError(f"safety must be above 0 and at most 1, not {self.safety}")
        if not 0 < self.min_factor < 1 < self.max_factor:
            raise ValueError(
                f"min_factor and max_factor must lie below and above 1, not {self.min_factor} and {self.max_factor}"
            )
        if self.alpha <= 0 or self.beta < 0:
            raise ValueError(
                f"alpha must be positive and beta not negative, not {self.alpha} and {self.beta}"
            )

    def rejected(self, error: float, exponent: float) -> float:
        """Factor on a step whose scaled error is above one, or not finite."""
        if not math.isfinite(error):
            return self.min_factor
        return max(self.min_factor, min(1.0, self.safety * math.pow(error, -exponent)))

    def accepted(self, error: float, previous: float, exponent: float) -> float:
        """Factor on a step whose scaled error is at most one."""
        error = max(error, 1e-10)
        factor = (
            self.safety * math.pow(error, -self.alpha * exponent) * math.pow(previous, self.beta * exponent)
        )
        return min(self.max_factor, max(self.min_factor, factor))


class AdaptiveSteps:
    """Steps as large as the tolerance allows."""

    def __init__(
        self, controller: PIController, tolerance: Tolerance, first_step: float | None = None
    ) -> None:
        self._controller = controller
        self._tolerance = tolerance
        self._first_step = first_step
        self._previous_error = 1.0
        self._after_rejection = False
        self._t1 = 0.0

    def begin(self, stepper: Stepper, t0: float, t1: float) -> float:
        self._t1 = t1
        if self._first_step is None:
            return initial_step(stepper, self._tolerance, t0, t1)
        return math.copysign(min(abs(self._first_step), abs(t1 - t0)), t1 - t0)

    def attempt(self, t: float, h: float) -> tuple[float, float]:
        left = self._t1 - t
        # A step that all but reaches the end is stretched to it, which spares a short last step. The controller's
        # safety factor leaves room for that much: the error is then what it would have been without the factor.
        stretch = max(1.01, 1.0 / self._controller.safety)
        return (left, self._t1) if abs(h) * stretch >= abs(left) else (h, t + h)

    def judge(self, stepper: Stepper, h: float) -> tuple[float, bool, float]:
        error = stepper.error(h, self._tolerance)
        exponent = 1.0 / (stepper.tableau.error_order + 1)
        if not error <= 1.0:
            self._after_rejection = True
            return error, False, h * self._controller.rejected(error, exponent)
        factor = self._controller.accepted(error, self._previous_error, exponent)
        if self._after_rejection:
            factor = min(1.0, factor)
        self._previous_error, self._after_rejection = max(error, 1e-4), False
        return error, True, h * factor


class EqualSteps:
    """A given number of equal steps; every one is accepted, its error is not estimated."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._t0 = self._t1 = 0.0
        self._done = 0

    def begin(self, stepper: Stepper, t0: float, t1: float) -> float:
        self._t0, self._t1, self._done = t0, t1, 0
        return (t1 - t0) / self._steps

    def attempt(self, t: float, h: float) -> tuple[float, float]:
        # The grid is computed from its ends, so that rounding does not add up.
        done = self._done + 1
        end = self._t1 if done >= self._steps else self._t0 + done / self._steps * (self._t1 - self._t0)
        return end - t, end

    def judge(self, stepper: Stepper, h: float) -> tuple[float, bool, float]:
        self._done += 1
        if stepper.finite():
            return math.nan, True, h
        return math.inf, False, 0.0  # no smaller step is tried: the loop ends


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
        h1 = (0.01 / steepest) ** (1.0 / (stepper.tableau.error_order + 1))
    # Below a few roundings of t a step would not move the time; control may still find a larger one good enough.
    visible = 64 * math.ulp(max(abs(t0), abs(t1)))
    return math.copysign(min(max(min(100 * abs(h0), h1), visible), abs(span)), span)

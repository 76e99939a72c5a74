"""The time loop: the only one. Attempt a step, judge it, take what it covers, go on.

Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.4, "Automatic Step Size Control".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from odeviz.engine.controller import StepPolicy
from odeviz.engine.interpolant import DenseOutput
from odeviz.engine.solution import Stats, Status, StepRecord
from odeviz.engine.stepper import Stepper, TapedStep


class CancelToken(Protocol):
    """Anything with ``is_set``, such as ``threading.Event``."""

    def is_set(self) -> bool: ...


@dataclass(slots=True)
class Watch:
    """Who is told of each step, and who may end the solve."""

    max_steps: int = 10_000
    cancel: CancelToken | None = None
    on_step: Callable[[StepRecord], object] | None = None
    #: Collects dense output.
    dense: DenseOutput | None = None
    #: Called before each accepted step is made current: its start, its size, its outputs (row, fraction).
    on_accept: Callable[[TapedStep], object] | None = None


@dataclass(slots=True)
class Trace:
    """What the loop leaves: states at the output times reached, and how it ended."""

    outputs: list[Tensor]
    status: Status
    message: str
    t_stop: float
    next_step: float


def integrate(
    stepper: Stepper, times: Sequence[float], policy: StepPolicy, stats: Stats, watch: Watch
) -> Trace:
    """Advance ``stepper`` from ``times[0]`` to ``times[-1]``, forwards or backwards.

    ``Trace.outputs`` holds blocks of states whose concatenation is aligned with ``times``.
    """
    t, t1 = times[0], times[-1]
    outputs = [stepper.state.clone()[None]]
    taken, reached = 1, False
    h = policy.begin(stepper, t, t1)
    if not math.isfinite(h) or not bool(torch.isfinite(stepper.derivative(t)).all()):
        return _failed(Status.NON_FINITE, t, h, outputs)
    while not reached:
        status = _interrupted(t, h, stats, watch)
        if status is not None:
            return _failed(status, t, h, outputs)
        step, end = policy.attempt(t, h)
        stepper.attempt(t, step)
        error, accepted, h = policy.judge(stepper, step)
        record = StepRecord(t, step, error, accepted)
        stats.steps.append(record)
        if watch.on_step is not None:
            watch.on_step(record)
        if accepted:
            reached = end == t1
            # An infinite state is in proportion to any error, so that the error's norm may not have seen it.
            if reached and not stepper.finite():
                return _failed(Status.NON_FINITE, t, h, outputs)
            covered = _covered(times, taken, t, step, reached)
            if covered:
                outputs.append(stepper.interpolate(step, [theta for _, theta in covered]))
                taken += len(covered)
            if watch.dense is not None:
                watch.dense.append(t, end, step, stepper.state, stepper.stages())
            if watch.on_accept is not None:
                watch.on_accept(TapedStep(step, stepper.slots, covered))
            stepper.accept()
            t = end
        elif not math.isfinite(error) and _is_tiny(t, h):
            return _failed(Status.NON_FINITE, t, h, outputs)
    return Trace(outputs, Status.SUCCESS, "", t, h)


def _covered(
    times: Sequence[float], taken: int, t: float, h: float, reached: bool
) -> list[tuple[int, float]]:
    """Output times inside the step from ``t`` of size ``h``, as (row, fraction of the step)."""
    covered = []
    for row in range(taken, len(times)):
        theta = (times[row] - t) / h
        if abs(theta - 1.0) < 1e-12 or (row == len(times) - 1 and reached):
            theta = 1.0
        if theta > 1.0:
            break
        covered.append((row, theta))
    return covered


def _interrupted(t: float, h: float, stats: Stats, watch: Watch) -> Status | None:
    if watch.cancel is not None and watch.cancel.is_set():
        return Status.CANCELLED
    if len(stats.steps) >= watch.max_steps:
        return Status.MAX_STEPS
    if _is_tiny(t, h):
        return Status.STEP_TOO_SMALL
    return None


def _is_tiny(t: float, h: float) -> bool:
    """Whether a step no longer moves the time."""
    return abs(h) <= 16 * math.ulp(max(abs(t), 1e-300)) if t else abs(h) < 1e-300


def _failed(status: Status, t: float, h: float, outputs: list[Tensor]) -> Trace:
    reasons = {
        Status.NON_FINITE: "the state or the vector field is no longer finite",
        Status.STEP_TOO_SMALL: f"a step of {h:.3g} no longer moves the time; the field is too stiff or not smooth",
        Status.MAX_STEPS: "the limit of steps was used up; raise max_steps, loosen the tolerance or take fewer steps",
        Status.CANCELLED: "it was cancelled",
    }
    return Trace(outputs, status, f"The solve stopped at t = {t:.6g}: {reasons[status]}.", t, h)

"""The time loop: the only one. Attempt a step, judge it, take what it covers, go on.

Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.4, "Automatic Step Size Control".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from odeviz.engine.controller import StepPolicy
from odeviz.engine.events import Crossing, EventWatch
from odeviz.engine.interpolant import DenseOutput
from odeviz.engine.per_sample.control import EachPolicy
from odeviz.engine.per_sample.population import Population
from odeviz.engine.solution import Stats, Status, StepRecord
from odeviz.engine.stepper import Stepper, TapedStep, all_finite


class CancelToken(Protocol):
    """Anything with ``is_set``, such as ``threading.Event``."""

    def is_set(self) -> bool: ...


@dataclass(slots=True)
class Watch:
    """Who is told of each step, and who may end the solve."""

    max_steps: int = 10_000
    cancel: CancelToken | None = None
    on_step: Callable[[StepRecord], object] | None = None
    #: Called with the time, size and starting state of a step before it is attempted.
    on_begin: Callable[[float, float, Tensor], object] | None = None
    #: Called with the record of an attempted step and the state it started from.
    on_attempt: Callable[[StepRecord, Tensor], object] | None = None
    #: Collects dense output.
    dense: DenseOutput | None = None
    #: Looks for events in accepted steps.
    events: EventWatch | None = None
    #: Times at which the field jumps; the policy ends steps there.
    jumps: frozenset[float] = frozenset()
    #: Called before each accepted step is made current.
    on_accept: Callable[[TapedStep], object] | None = None


@dataclass(slots=True)
class Trace:
    """What the loop leaves: states at the output times reached, what happened on the way, and how it ended."""

    outputs: list[Tensor]
    status: Status
    message: str
    t_stop: float
    next_step: float
    #: Zeros of event functions, with their times; ``crossing_states`` are their states.
    crossings: list[tuple[float, Crossing]] = field(default_factory=list)
    crossing_states: list[Tensor] = field(default_factory=list)
    #: Output times reached.
    taken: int = 1
    #: Signs of the event functions where a terminal event or a jump stopped the solve.
    signs: tuple[Tensor, ...] = ()
    #: The state where the solve failed.
    stopped: Tensor | None = None
    #: Entries of the state that made the solve fail.
    culprits: Tensor | None = None


def integrate(
    stepper: Stepper, times: Sequence[float], policy: StepPolicy, stats: Stats, watch: Watch
) -> Trace:
    """Advance ``stepper`` from ``times[0]`` to ``times[-1]``, forwards or backwards.

    ``Trace.outputs`` holds blocks of states whose concatenation is aligned with ``times``. On the tape, output row
    ``len(times) + i`` is the state at the i-th crossing.
    """
    t, t1 = times[0], times[-1]
    trace = Trace([stepper.state.clone()[None]], Status.SUCCESS, "", t, 0.0)
    reached = False
    stepper.window = _window(t, t1, watch.jumps)
    h = policy.begin(stepper, t, t1)
    if not math.isfinite(h) or not all_finite(stepper.derivative(t)):
        return _failed(trace, Status.NON_FINITE, t, h, stepper)
    while not reached:
        status = _interrupted(t, h, stats, watch)
        if status is not None:
            return _failed(trace, status, t, h, stepper)
        step, end = policy.attempt(t, h)
        if watch.on_begin is not None:
            watch.on_begin(t, step, stepper.state)
        stepper.attempt(t, step)
        error, accepted, h = policy.judge(stepper, step)
        _tell(StepRecord(t, step, error, accepted), stepper, stats, watch)
        if accepted:
            reached = end == t1
            # An infinite state is in proportion to any error, so that the error's norm may not have seen it.
            if reached and not stepper.finite():
                return _failed(trace, Status.NON_FINITE, t, h, stepper)
            crossings, cut = watch.events.look(stepper, t, step) if watch.events else ([], None)
            covered = _covered(times, trace.taken, t, step, reached, cut)
            _take(trace, stepper, t, step, covered, crossings)
            stop = end if cut is None else t + cut * step
            if watch.dense is not None:
                watch.dense.append(t, stop, step, stepper.state, stepper.polynomial(step))
            if watch.on_accept is not None:
                watch.on_accept(_taped(trace, stepper, t, step, covered, crossings, len(times)))
            if cut is not None and watch.events is not None:
                return _stopped(trace, stop, h, watch.events.signs)
            stepper.accept()
            t = end
            if t in watch.jumps:
                stepper.restart()
                policy.forget()
                stepper.window = _window(t, t1, watch.jumps)
        elif not math.isfinite(error) and is_tiny(t, h):
            return _failed(trace, Status.NON_FINITE, t, h, stepper)
    trace.t_stop, trace.next_step = t, h
    return trace


def integrate_each(population: Population, policy: EachPolicy, watch: Watch) -> None:
    """Advance every sample from its own first time to its own last one, with steps of its own.

    Everybody attempts a step in every turn. One scalar is read in each: whether anything but going on happened to
    anyone, such as an output time, an event or the end.
    """
    population.begin(policy)
    for _ in range(watch.max_steps):
        if not population.going:
            return
        if watch.cancel is not None and watch.cancel.is_set():
            return population.end_all(Status.CANCELLED)
        if population.attempt(policy):
            population.settle()
        population.accept()
    population.end_all(Status.MAX_STEPS)


def _tell(record: StepRecord, stepper: Stepper, stats: Stats, watch: Watch) -> None:
    stats.steps.append(record)
    if watch.on_step is not None:
        watch.on_step(record)
    if watch.on_attempt is not None:
        watch.on_attempt(record, stepper.state)


def _take(
    trace: Trace,
    stepper: Stepper,
    t: float,
    h: float,
    covered: list[tuple[int, float]],
    crossings: list[Crossing],
) -> None:
    """Keep the states at output times and at crossings inside the step."""
    if covered:
        trace.outputs.append(stepper.interpolate(h, [theta for _, theta in covered]))
        trace.taken += len(covered)
    if crossings:
        trace.crossing_states.append(stepper.interpolate(h, [c.theta for c in crossings]))
        trace.crossings += [(t + c.theta * h, c) for c in crossings]


def _taped(
    trace: Trace,
    stepper: Stepper,
    t: float,
    h: float,
    covered: list[tuple[int, float]],
    crossings: list[Crossing],
    outputs: int,
) -> TapedStep:
    """The step just taken as the tape holds it; of all rows the first ``outputs`` are those of output times."""
    first = outputs + len(trace.crossings) - len(crossings)
    crossed = [(first + i, crossing.theta) for i, crossing in enumerate(crossings)]
    return TapedStep(t, h, stepper.slots, covered + crossed)


def _covered(
    times: Sequence[float], taken: int, t: float, h: float, reached: bool, cut: float | None
) -> list[tuple[int, float]]:
    """Output times inside the step from ``t`` of size ``h``, or its part until ``cut``, as (row, fraction)."""
    covered = []
    for row in range(taken, len(times)):
        theta = (times[row] - t) / h
        if cut is not None:
            if (times[row] - (t + cut * h)) * h > 0:
                break
            theta = min(theta, cut)
        elif abs(theta - 1.0) < 1e-12 or (row == len(times) - 1 and reached):
            theta = 1.0
        if theta > 1.0:
            break
        covered.append((row, theta))
    return covered


def _window(t: float, t1: float, jumps: frozenset[float]) -> tuple[float, float] | None:
    """Times from just after ``t`` to just before the next jump in the direction of ``t1``; None without jumps."""
    if not jumps:
        return None
    ahead = [s for s in jumps if t < s <= t1] if t1 > t else [s for s in jumps if t1 <= s < t]
    far = (min(ahead) if t1 > t else max(ahead)) if ahead else None
    last = t1 if far is None else math.nextafter(far, t)
    first = math.nextafter(t, t1) if t in jumps else t
    return (first, last) if first <= last else (last, first)


def _interrupted(t: float, h: float, stats: Stats, watch: Watch) -> Status | None:
    if watch.cancel is not None and watch.cancel.is_set():
        return Status.CANCELLED
    if len(stats.steps) >= watch.max_steps:
        return Status.MAX_STEPS
    if is_tiny(t, h):
        return Status.STEP_TOO_SMALL
    return None


def is_tiny(t: float, h: float) -> bool:
    """Whether a step no longer moves the time."""
    return abs(h) <= 16 * math.ulp(max(abs(t), 1e-300)) if t else abs(h) < 1e-300


def _stopped(trace: Trace, t: float, h: float, signs: tuple[Tensor, ...]) -> Trace:
    trace.signs = signs
    trace.status, trace.t_stop, trace.next_step = Status.EVENT, t, h
    trace.message = f"The solve stopped at t = {t:.6g}: a terminal event was reached."
    return trace


def reason(status: Status, h: float) -> str:
    """Why a solve failed whose next step would have had the size ``h``."""
    return {
        Status.NON_FINITE: "the state or the vector field is no longer finite",
        Status.STEP_TOO_SMALL: f"a step of {h:.3g} no longer moves the time; the field is too stiff or not smooth",
        Status.MAX_STEPS: "the limit of steps was used up; raise max_steps, loosen the tolerance or take fewer steps",
        Status.CANCELLED: "it was cancelled",
        Status.ZENO: Status.ZENO.value,
    }[status]


def _failed(trace: Trace, status: Status, t: float, h: float, stepper: Stepper) -> Trace:
    unsolved = status is Status.NON_FINITE and getattr(stepper, "unsolved", False)
    if unsolved:
        status = Status.STEP_TOO_SMALL
    why = reason(status, h)
    if unsolved and h == 0.0:  # no smaller step may be tried: the steps were given, or this was the smallest
        why = "the equations of an implicit step could not be solved; take smaller steps, or lower min_step"
    trace.status, trace.t_stop, trace.next_step = status, t, h
    trace.stopped = stepper.state.clone()
    trace.message = f"The solve stopped at t = {t:.6g}: {why}."
    if status in (Status.NON_FINITE, Status.STEP_TOO_SMALL):
        trace.culprits = stepper.culprits()
    return trace

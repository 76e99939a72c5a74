"""Solves of ``odeint`` that end at an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from odeviz.engine.checks import called, check_callable, described
from odeviz.engine.complex_state import complex_state, real_events, real_field, real_state
from odeviz.engine.events import Crossing, Event, EventRecord, differentiable_crossing
from odeviz.engine.kernel import VectorField
from odeviz.engine.odeint.arguments import positive
from odeviz.engine.odeint.call import Call, Function, SolveError, told
from odeviz.engine.odeint.options import GIVEN_STEPS_TO_EVENT, STEPS_TO_EVENT, step_limit
from odeviz.engine.odeint.state import Clock, State
from odeviz.engine.problem import Settings
from odeviz.engine.segment import Extras
from odeviz.engine.solution import Solution, Status


def until(
    call: Call, event_fn: Function, extras: Extras, params: Sequence[Tensor], backward: tuple[Any, Any]
) -> tuple[Tensor, State]:
    """Time of the event and states at the start and at the event; what ``odeint`` returns with an ``event_fn``."""
    check(call, event_fn)
    layout, t0 = call.layout, call.times[0]
    # In half precision the time would be too coarse to find a zero in it.
    clock = Clock(layout, dtype=layout.working_real)

    def values(t: float, rows: Tensor) -> Tensor:
        value = checked_value(called(event_fn, clock(t), layout.state(rows), "event_fn", "event_fn"))
        return value if value.is_floating_point() else value.to(layout.working_real)

    with torch.no_grad():
        start = values(t0, call.row)
    if bool(start.isnan().any()):
        raise ValueError(f"event_fn must have a value at the start, t = {t0:.6g}, not NaN")
    if bool((start == 0).any()):
        return _at_start(call, values, start)

    signs = start.sign()

    def lowest(t: float, rows: Tensor) -> Tensor:
        return torch.min(values(t, rows) * signs).reshape(1)

    extras = replace(extras, events=(Event(lowest, direction=-1, terminal=True),))
    row, made = call.start(), 0
    for settings, times in _stretches(call):
        if not call.chosen.given_steps:
            settings = replace(settings, max_steps=max(1, settings.max_steps - made))
        solution = call.attempt(row, times, settings, extras, params, backward)
        made += len(solution.stats.steps)
        if solution.status is Status.EVENT:
            (record,) = solution.events
            return _moment(record).to(call.t), layout.state(torch.stack([call.row, record.y]))
        if solution.status is not Status.SUCCESS:
            break
        row = solution.y1
    raise SolveError(_never(call, solution, made), solution)


def _at_start(call: Call, values: Callable[[float, Tensor], Tensor], start: Tensor) -> tuple[Tensor, State]:
    """The event at the very start, where a value is zero: its time moves with that value as any other event's does."""
    index = int((start.reshape(-1) == 0).nonzero()[0])
    clock = Clock(call.layout, dtype=call.layout.working_real)
    event = Event(lambda t, rows: values(t, rows).reshape(-1)[index : index + 1])
    row, t0 = call.start(), call.times[0]

    def rate(t: float, rows: Tensor) -> Tensor:
        return call.rate(clock(t), rows)

    field: VectorField = rate
    complex_rows = row.is_complex()
    if complex_rows:
        row, field, (event,) = real_state(row), real_field(field), real_events([event])
    crossing = Crossing(0, (0,), 0.0, call.times[1] - t0)
    times, states = differentiable_crossing(event, field, t0, row, crossing)
    if complex_rows:
        states = complex_state(states)
    time = call.t[0].detach() + (times[0] - times[0].detach()).to(call.t)
    return time, call.layout.state(torch.stack([call.row, states]))


def check(call: Call, event_fn: Function) -> None:
    """``ValueError`` or ``TypeError`` where the arguments of the call do not go with an event."""
    check_callable("event_fn", event_fn, "event_fn(t, y)")
    if len(call.times) != 2:
        raise ValueError(f"t must hold two times when there is an event_fn, not {len(call.times)}")
    if call.layout.batch > 1:
        raise ValueError(
            "options['batched'] and event_fn do not go together, for one event ends the solve of all rows: "
            "use odeviz.solve with an Event"
        )
    if not call.row.numel():
        raise ValueError("y0 must not be empty when there is an event_fn")
    if call.chosen.given_steps and call.options.get("step_size") is None:
        raise ValueError(f"options must hold step_size when method {call.chosen.asked!r} is to find an event")


def checked_value(value: object) -> Tensor:
    """What event_fn returned, if it is a tensor with a sign."""
    wanted = "event_fn must return a tensor of real numbers that change their sign at the event"
    if not isinstance(value, Tensor) or value.dtype == torch.bool or value.is_complex():
        raise TypeError(f"{wanted}, not {described(value)}")
    if not value.numel():
        raise ValueError(f"{wanted}, not an empty one")
    return value


def _stretches(call: Call) -> Iterator[tuple[Settings, list[float]]]:
    """Intervals to solve, one after the other, in search of the event."""
    t0, sign = call.times[0], 1.0 if call.times[1] > call.times[0] else -1.0
    if call.chosen.given_steps:
        size = positive("options['step_size']", call.options["step_size"])
        limited = call.options.get("max_num_steps") is not None
        steps = step_limit(call.options) if limited else GIVEN_STEPS_TO_EVENT
        ends = [t0 + sign * size * steps]
    else:
        ends = [t0 + sign * reach * max(1.0, abs(t0)) for reach in (1e6, 1e12, 1e18)]
    for end in ends:
        yield call.settings([t0, end], STEPS_TO_EVENT), [t0, end]
        t0 = end


def _moment(record: EventRecord) -> Tensor:
    """The event's time, which requires a gradient where its state does, if only one of zeros."""
    time = record.t[0]
    if record.y.requires_grad and not time.requires_grad:
        moved = (record.y - record.y.detach()).abs().sum()
        return time + 0.0 * moved.to(time)
    return time


def _never(call: Call, solution: Solution, made: int) -> str:
    """What is said when no event came."""
    searched = f"event_fn did not change its sign from t = {call.times[0]:.6g} to t = {solution.t_stop:.6g}"
    if solution.status in (Status.MAX_STEPS, Status.SUCCESS):
        later = "; if it does so later, raise options['max_num_steps']" if abs(solution.t_stop) < 1e17 else ""
        return f"{searched}, in {made:,} steps{later}."
    return f"{searched}, where the solve failed. {told(solution)}"

"""Solves whose state jumps at events: segment after segment, each going on from where a jump map put the state."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from odeviz.engine.checks import called, checked_value
from odeviz.engine.events import JUMP, Event, time_resolution, time_span, values_of
from odeviz.engine.flights import Flights
from odeviz.engine.integrate import is_tiny
from odeviz.engine.problem import Problem, Times
from odeviz.engine.segment import Extras, Segment
from odeviz.engine.solution import Solution, Stats, Status
from odeviz.engine.unreached import unreached


def solve_with_jumps(problem: Problem, extras: Extras, y0: Tensor, t: Times) -> Solution:
    """Solve with jump maps applied at their events.

    An output at the very time of a jump is the state before it. Every segment begins at a time that is a constant of
    the differentiation; that the jump's time depends on the state is carried by the state itself (the saltation
    matrix of hybrid systems).
    """
    stats, times = Stats(), problem.times
    rows: list[Tensor] = []
    segments: list[Solution] = []
    state, start = y0, times[0]
    flights = Flights(len(extras.events), torch.full((len(y0),), start, dtype=torch.float64))
    while True:
        ahead = list(range(max(len(rows), 1), len(times)))
        first_step = abs(segments[-1].next_step) or None if segments else problem.first_step
        part = replace(problem, times=(start, *(times[i] for i in ahead)), first_step=first_step)
        segment = Segment(part, extras, stats)
        solution, crossing_states = segment.solve(state, _moments(t, start, ahead, first=not segments))
        segments.append(solution)
        assert segment.trace is not None
        rows += solution.y[(1 if rows else 0) : segment.trace.taken]
        if solution.status is not Status.EVENT or _is_over(segment, extras):
            break
        start, state, signs = _jump(segment, extras, solution, crossing_states)
        if stuck := _accumulating(flights, segment, crossing_states):
            why = f"The solve stopped at t = {start:.6g}: {Status.ZENO.value}."
            segments[-1] = replace(
                solution, status=Status.ZENO, message=why, samples=stuck, stopped=state.detach()
            )
            break
        extras = replace(extras, signs=signs)
        while len(rows) < len(times) and is_tiny(start, times[len(rows)] - start):
            rows.append(state)
        if len(rows) == len(times):
            segments[-1] = replace(
                solution, status=Status.SUCCESS, message="", t_stop=times[-1], stopped=None
            )
            break
    missing = len(times) - len(rows)
    rows += list(unreached(y0.detach(), missing, y0, *problem.params))
    return _joined(times, torch.stack(rows), segments)


def _moments(t: Times, start: float, ahead: list[int], first: bool) -> Times:
    """The segment's times as the caller gave them, so that those after its start keep their gradients."""
    if first or not isinstance(t, Tensor):
        return t if first else ()
    return torch.cat([t.new_tensor([start]), t[ahead]])


def _at_stop(segment: Segment) -> list[tuple[int, int, tuple[int, ...]]]:
    """(crossing, event, samples) of the crossings at the segment's end."""
    trace = segment.trace
    assert trace is not None
    last = trace.crossings[-1][1].theta
    return [
        (k, crossing.event, crossing.samples)
        for k, (when, crossing) in enumerate(trace.crossings)
        if crossing.theta == last and when == trace.crossings[-1][0]
    ]


def _is_over(segment: Segment, extras: Extras) -> bool:
    return any(extras.events[event].terminal for _, event, _ in _at_stop(segment))


def _jump(
    segment: Segment, extras: Extras, solution: Solution, crossing_states: Tensor
) -> tuple[float, Tensor, tuple[Tensor, ...]]:
    """Time and state from which to go on, and the signs of the event functions there, NaN where they start anew."""
    trace, crossings = segment.trace, _at_stop(segment)
    assert trace is not None
    start, last = trace.crossings[-1]
    before = state = crossing_states[crossings[-1][0]]
    signs = [sign.clone() for sign in trace.signs]
    for _, index, samples in crossings:
        event, who = extras.events[index], torch.tensor(samples, device=state.device)
        if event.jump is not None:
            late = _late(solution.events[index].t[-len(samples) :])
            state = _jumped(segment, event, start, last.h, state, who, late)
            signs[index][who] = math.nan
    with torch.no_grad():
        for event, sign in zip(extras.events, signs, strict=True):
            sign[values_of(event, start, before) != values_of(event, start, state)] = math.nan
    return start, state, tuple(signs)


def _accumulating(flights: Flights, segment: Segment, crossing_states: Tensor) -> tuple[int, ...]:
    """Samples for which the jumps at the segment's end are the last of too many short flights."""
    trace, extras = segment.trace, segment.extras
    assert trace is not None
    t, last = trace.crossings[-1]
    stuck: set[int] = set()
    for row, index, samples in _at_stop(segment):
        event, who = extras.events[index], torch.tensor(samples)
        if event.jump is not None:
            state = crossing_states[row].detach()
            resolution = partial(_resolution, segment, event, t, state, last.h, who)
            when = torch.full((len(samples),), t, dtype=torch.float64)
            stuck.update(who[flights.note(index, who, when, resolution)].tolist())
    return tuple(sorted(stuck))


def _resolution(segment: Segment, event: Event, t: float, y: Tensor, h: float, who: Tensor) -> Tensor:
    """How well the states of the samples ``who [n]`` know the time of their event, ``[n]`` on the CPU."""
    segment.stats.nfe_forward += 1
    with torch.no_grad():
        slope = segment.problem.field(t, y)
    return time_resolution(event, t, y, slope, h).cpu()[who]


def _late(times: Tensor) -> Tensor | None:
    """What the times ``[n]`` of an event differ by from the constants they are equal to; None if nothing."""
    return (times - times.detach())[:, None] if times.requires_grad else None


def _jumped(
    segment: Segment, event: Event, t: float, h: float, state: Tensor, who: Tensor, late: Tensor | None
) -> Tensor:
    """The state ``[batch, dim]`` at the fixed time t after the jump of the samples ``who``.

    Their jump is at t + ``late``: they go there along f, jump, and come back along the f of where they are then.
    """
    assert event.jump is not None
    field, before = segment.problem.field, state[who]
    if late is not None:
        late = late.to(state)
        with torch.no_grad():
            slope = field(t, state)[who]
        before = before + slope * late
    after = checked_value(called(event.jump, t, before, JUMP, "jump"), before, JUMP)
    jumped = state.index_copy(0, who, after)
    if late is None:
        return jumped
    with torch.no_grad():
        span = time_span(t, h, state.dtype)
        in_time = (event.jump(t + span, before) - event.jump(t - span, before)) / (2 * span)
        slope = field(t, jumped)[who]
    return jumped.index_copy(0, who, after + (in_time - slope) * late)


def _joined(times: tuple[float, ...], y: Tensor, segments: list[Solution]) -> Solution:
    """All segments as one solution; the last one tells how it ended."""
    first, last = segments[0], segments[-1]
    if first.dense is not None:
        for later in segments[1:]:
            assert later.dense is not None
            first.dense.extend(later.dense)
    events = tuple(
        type(records[0])(*(torch.cat([getattr(r, name) for r in records]) for name in ("t", "y", "sample")))
        for records in zip(*(segment.events for segment in segments), strict=True)
    )
    return replace(last, t=times, y=y, dense=first.dense, events=events)

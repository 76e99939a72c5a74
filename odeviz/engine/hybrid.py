"""Solves whose state jumps at events: segment after segment, each going on from where a jump map put the state."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from odeviz.engine.problem import Problem, Times
from odeviz.engine.segment import Extras, Segment
from odeviz.engine.solution import Solution, Stats, Status


def solve_with_jumps(problem: Problem, extras: Extras, y0: Tensor, t: Times) -> Solution:
    """Solve with jump maps applied at their events.

    An output at the very time of a jump is the state before it. Every segment begins at a time that is a constant of
    the differentiation; that the jump's time depends on the state is carried by the state itself (the saltation
    matrix of hybrid systems).
    """
    stats, times = Stats(), problem.times
    forwards = times[-1] > times[0]
    rows: list[Tensor] = []
    segments: list[Solution] = []
    state, start = y0, times[0]
    while True:
        ahead = [i for i, s in enumerate(times) if (s > start if forwards else s < start)]
        part = replace(
            problem, times=(start, *(times[i] for i in ahead)), first_step=_first_step(problem, segments)
        )
        segment = Segment(part, extras, stats)
        solution, crossing_states = segment.solve(state, _moments(t, start, ahead, first=not segments))
        reached = sum((s <= solution.t_stop) if forwards else (s >= solution.t_stop) for s in part.times)
        reached = min(reached, len(part.times))
        rows += solution.y[(1 if segments else 0) : reached]
        segments.append(solution)
        if solution.status is not Status.EVENT or _is_over(segment, extras) or not ahead:
            break
        start, state, fired = _jump(segment, extras, solution, crossing_states)
        extras = replace(extras, fired=fired)
    missing = len(times) - len(rows)
    rows += [y0.new_full(y0.shape, math.nan)] * missing
    return _joined(times, torch.stack(rows), segments)


def _first_step(problem: Problem, segments: list[Solution]) -> float | None:
    return abs(segments[-1].next_step) or None if segments else problem.first_step


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
) -> tuple[float, Tensor, tuple[tuple[int, int], ...]]:
    """Time and state from which to go on, and the (event, sample) pairs that start at their zero."""
    assert segment.trace is not None
    crossings = _at_stop(segment)
    start = segment.trace.crossings[-1][0]
    state = crossing_states[crossings[-1][0]]
    field, fired = segment.problem.field, []
    for _, index, samples in crossings:
        jump = extras.events[index].jump
        fired += [(index, sample) for sample in samples]
        if jump is None:
            continue
        record, n = solution.events[index], len(samples)
        times, before = record.t[-n:], record.y[-n:]
        who = torch.tensor(samples, device=state.device)
        after = jump(start, before)
        if after.shape != before.shape:
            raise ValueError(
                f"an event's jump must return the shape of the states it is given, {list(before.shape)}, "
                f"not {list(after.shape)}"
            )
        state = state.index_copy(0, who, after)
        if times.requires_grad:
            with torch.no_grad():
                slope = field(start, state)[who]
            late = (times - times.detach()).to(state)[:, None]
            state = state.index_copy(0, who, after - slope * late)
    return start, state, tuple(fired)


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

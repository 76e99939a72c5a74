"""Solves in which every sample has its own times, steps, error control and status."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from odeviz.engine.adjoints.adjoint import Differentiable
from odeviz.engine.adjoints.first_order import moved
from odeviz.engine.checks import checked_value
from odeviz.engine.events import EventRecord
from odeviz.engine.integrate import Watch, integrate_each, reason
from odeviz.engine.kernel import ExaminedField, VectorField, evaluated, kernel_of
from odeviz.engine.parameters import check_traced, is_traced
from odeviz.engine.per_sample.ensemble import Clock, Ensemble, quantum
from odeviz.engine.per_sample.events import EachEventWatch, differentiable_crossings
from odeviz.engine.per_sample.journal import EachDense, Journal
from odeviz.engine.per_sample.population import Population
from odeviz.engine.per_sample.problem import EachProblem
from odeviz.engine.per_sample.replay import ReplayEach, StepsAgain
from odeviz.engine.problem import Settings, Times
from odeviz.engine.segment import Extras, counting
from odeviz.engine.solution import PerSample, Solution, Stats, Status
from odeviz.engine.unreached import unreached_by_samples

ADJOINTS_EACH = ("discrete", "backprop")


class EachSolve:
    """One solve of an :class:`EachProblem`."""

    def __init__(self, problem: EachProblem, y0: Tensor, t: Times) -> None:
        self.problem, self.y0, self.t = problem, y0, t
        self.stats = Stats()
        self.column = t if isinstance(t, Tensor) and t.requires_grad else None

    def run(self, adjoint: str, watch: Watch, *, dense: bool) -> Solution:
        problem, y0 = self.problem, self.y0
        tensors = (y0, *problem.params, *(() if self.column is None else (self.column,)))
        if is_traced(lambda: self._start_slope(y0), (*tensors, self.t)):
            check_traced(adjoint, self.t, per_sample=True)
        wanted = torch.is_grad_enabled() and any(x.requires_grad for x in tensors)
        if torch.is_grad_enabled() and not problem.closed and kernel_of(problem.field) is None:
            if adjoint == "backprop":
                wanted = True
            else:
                field = ExaminedField(problem.field, problem.params)
                problem = self.problem = replace(problem, field=field)
        with torch.no_grad():
            journal = self._solve(watch, keep_states=wanted, dense=dense)
        times, batch, dim = journal.y.shape
        states = [x.t() for x in journal.crossing_states]
        values = torch.cat([journal.y.reshape(-1, dim), *states])
        if wanted:
            values = self._differentiable(adjoint, journal, values)
        y = values[: times * batch].view(times, batch, dim)
        if wanted:
            y = self._attach_outputs(y)
            if set(journal.status) != {Status.SUCCESS}:
                missing = torch.isnan(journal.y).all(-1)
                y = unreached_by_samples(y, missing, self.y0, problem.params)
        return self._solution(journal, y, values[times * batch :], dense=dense)

    def _solve(self, watch: Watch, *, keep_states: bool, dense: bool) -> Journal:
        problem = self.problem
        y0, times = self.y0.detach(), problem.times
        batch, unit = len(y0), quantum(y0.dtype)
        width = -(-batch // unit) * unit
        samples = torch.arange(width, device=y0.device)
        inert = samples[batch:]
        samples = torch.where(samples < batch, samples, 0)

        def padded(x: Tensor) -> Tensor:
            return x.index_select(0, samples).t().contiguous()

        clock = Clock.new(padded(times[:, :1])[0], padded(times[:, -1:])[0])
        if times.shape[1] > 2:
            clock.due.copy_(times[samples, 1])
        else:
            clock.due.fill_(math.inf)
        if problem.steps is not None:
            clock.count.copy_(problem.steps[samples])
        clock.rest(inert)
        direction = None if problem.direction is None else problem.direction[samples]
        scale = problem.tolerance.layout(padded)
        ensemble = Ensemble(problem.field, problem.method, padded(y0), direction, scale)
        journal = Journal(times, y0, keep_states=keep_states)
        events = EachEventWatch(problem.events, ensemble) if problem.events else None
        population = Population(ensemble, clock, samples, times, journal, events, dense=dense)
        limit = problem.settings.max_steps
        if problem.steps is not None:
            # An asked-for number of equal steps is always made; each jump of a state adds one.
            limit += int(problem.steps.max())
        try:
            integrate_each(population, problem.policy(samples), replace(watch, max_steps=limit))
        finally:
            ensemble.release()
        self.stats.nfe_forward += ensemble.calls
        return journal

    # Gradients.

    def _differentiable(self, adjoint: str, journal: Journal, values: Tensor) -> Tensor:
        problem, y0 = self.problem, self._attached_start()
        in_graph = adjoint == "backprop" or journal.jumps
        field: Any = counting(problem.field, self.stats) if in_graph else problem.field  # type: ignore[arg-type]
        again = StepsAgain(field, problem.method, journal, problem.direction, problem.events)
        if in_graph:
            rows = again.graph(y0, values)
            self.stats.nfe_forward += again.evaluations
            return rows
        replay = ReplayEach(again, values, problem.params, self.stats)
        y: Tensor = Differentiable.apply(replay, problem.field, y0, *problem.params)  # type: ignore[no-untyped-call]
        return y

    def _moments(self) -> Tensor | None:
        """The differentiable times ``[time, batch]``."""
        t = self.column
        return None if t is None else t if t.dim() == 2 else t[:, None].expand(-1, len(self.y0))

    def _attached_start(self) -> Tensor:
        """y0 as a function of t0, so that dL/dt_0 = -a(t_0) . f; its value is unchanged."""
        moments = self._moments()
        if moments is None:
            return self.y0
        first = moments[0][:, None].to(self.y0)
        slope = -self._slopes(first.detach(), self.y0)
        return moved(self.y0, slope, first - first.detach())

    def _attach_outputs(self, y: Tensor) -> Tensor:
        """y(t_i) as a function of t_i, so that dL/dt_i = dL/dy_i . f; its value is unchanged."""
        moments = self._moments()
        if moments is None:
            return y
        when = moments[..., None].to(y)
        states = y.detach().reshape(-1, y.shape[-1])
        with torch.no_grad():
            slope = self._slopes(when.detach().reshape(-1, 1), torch.where(torch.isnan(states), 0.0, states))
        return moved(y, slope.view_as(y), when - when.detach(), *self.problem.params)

    def _start_slope(self, y0: Tensor) -> Tensor:
        everyone = torch.arange(len(y0), device=y0.device)
        t = self.problem.actual(self.problem.times[:, 0], everyone)
        return evaluated(self.problem.field, t[:, None].to(y0.dtype), y0.clone())

    def _slopes(self, t: Tensor, y: Tensor) -> Tensor:
        return checked_value(self.problem.field(t, y), y)

    # The result.

    def _solution(self, journal: Journal, y: Tensor, crossings: Tensor, *, dense: bool) -> Solution:
        problem = self.problem
        times, direction = problem.times, problem.direction
        everyone = torch.arange(len(times), device=times.device)
        ledger = journal.ledger()
        status = tuple(s if s is not None else Status.CANCELLED for s in journal.status)
        failed = tuple(i for i, s in enumerate(status) if s not in (Status.SUCCESS, Status.EVENT))
        core = problem.method.core
        t_stop = problem.actual(journal.t_stop, everyone)
        own = PerSample(
            problem.actual(times.t(), everyone),
            status,
            t_stop,
            core * (ledger.taken + ledger.rejected) + journal.extra_evaluations,
            ledger.taken,
            ledger.rejected,
            problem.actual(ledger.next_step, everyone),
            ledger.steps(direction),
            EachDense(journal, ledger, times[:, 0], times[:, -1], direction) if dense else None,
        )
        records = self._records(journal, crossings)
        self.stats.samples = own.steps
        overall = Status.EVENT if Status.EVENT in status else Status.SUCCESS
        if failed:
            overall = status[failed[0]]
        who = failed[0] if failed else 0
        return Solution(
            tuple(own.t[:, who].tolist()),
            y,
            overall,
            self._message(own, failed),
            float(t_stop[who]),
            self.stats,
            float(own.next_step[who]),
            None,
            records,
            failed,
            own,
            self._stopped(journal, status, y, records),
        )

    def _stopped(
        self, journal: Journal, status: Sequence[Status], y: Tensor, records: Sequence[EventRecord]
    ) -> Tensor | None:
        """The states ``[batch, dim]`` where the samples stopped, differentiable as outputs and events are."""
        if set(status) == {Status.SUCCESS}:
            return None
        done = torch.tensor([s is Status.SUCCESS for s in status], device=y.device)
        states = torch.where(done[:, None], y[-1], journal.y_stop)
        for event, record in zip(self.problem.events, records, strict=True):
            if event.terminal:
                states = states.index_copy(0, record.sample, record.y)
        return states

    def _message(self, own: PerSample, failed: tuple[int, ...]) -> str:
        if not failed:
            stopped = sum(status is Status.EVENT for status in own.status)
            return f"{stopped} of {len(own.status)} samples ended at terminal events." if stopped else ""
        first = failed[0]
        step = float(own.next_step[first])
        message = f"Sample {first} stopped at t = {float(own.t_stop[first]):.6g}: {reason(own.status[first], step)}."
        return f"{message} So did {len(failed) - 1} more." if len(failed) > 1 else message

    def _records(self, journal: Journal, crossings: Tensor) -> tuple[EventRecord, ...]:
        """What happened to each event, in the order of its times' turns; ``crossings [n, dim]``."""
        problem, records = self.problem, []
        moments = journal.crossings
        shares = torch.split(crossings, [len(m.theta) for m in moments]) if moments else ()
        for index, event in enumerate(problem.events):
            own = [(m, y) for m, y in zip(moments, shares, strict=True) if int(m.row[0]) == index]
            if not own:
                empty = problem.times.new_zeros(0)
                records.append(EventRecord(empty, crossings[:0], empty.long()))
                continue
            samples = torch.cat([m.samples for m, _ in own])
            times = problem.actual(torch.cat([m.time for m, _ in own]), samples)
            states = torch.cat([y for _, y in own])
            if states.requires_grad or torch.is_grad_enabled():
                times, states = differentiable_crossings(event, problem.field, times, states)
            records.append(EventRecord(times, states, samples))
        return tuple(records)


def solve_each(
    field: VectorField,
    y0: Tensor,
    t: Times,
    settings: Settings,
    extras: Extras,
    params: Sequence[Tensor] | None = None,
) -> Solution:
    """Solve with steps for each sample; the arguments are those of ``solve``.

    The field and the functions of events get times ``[n, 1]`` in the state's dtype, and states ``[n, dim]``. n is
    the width of the working batch: samples are filled up with copies of one of them to a multiple of ``quantum``,
    and those that have ended leave. ``Solution.stats`` counts batches, ``Solution.per_sample`` evaluations of each
    sample.

    A sample's bits do not depend on the other samples as long as the field's do not depend on a row's neighbours
    and its place. Batch normalisation mixes samples and voids this. Matrix products of rows whose inner width is not
    a multiple of 16 bytes (an ``nn.Linear`` of 33 inputs) void it too unless the library is told to be
    reproducible (``MKL_CBWR=AVX2,STRICT`` in the environment); ``MLPField`` without time does not need that. Gradients
    agree to rounding.
    """
    if extras.adjoint not in ADJOINTS_EACH:
        raise ValueError(
            f"adjoint must be one of {', '.join(ADJOINTS_EACH)} with per_sample, not {extras.adjoint!r}"
        )
    if extras.watch.on_step is not None:
        raise ValueError("on_step is not available with per_sample: see Solution.per_sample.steps")
    problem = EachProblem.checked(field, y0, t, settings, params, extras.events)
    return EachSolve(problem, y0, t).run(extras.adjoint, extras.watch, dense=extras.dense)

"""One uninterrupted solve in one of its ways: without gradient, by automatic differentiation, or with an adjoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from odeviz.engine.adjoints.adjoint import Adjoint, Differentiable
from odeviz.engine.adjoints.continuous import BacksolveAdjoint, InterpolatingAdjoint
from odeviz.engine.adjoints.discrete import DiscreteAdjoint
from odeviz.engine.adjoints.first_order import moved
from odeviz.engine.adjoints.replay import ReplayAdjoint
from odeviz.engine.controller import StepPolicy
from odeviz.engine.events import Event, EventRecord, EventWatch, differentiable_crossing
from odeviz.engine.families.buffered import BufferedStepper
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.integrate import Trace, Watch, integrate
from odeviz.engine.interpolant import DenseOutput
from odeviz.engine.kept_bytes import KeptBytes
from odeviz.engine.kernel import AutogradKernel, CountedField, Kernel, VectorField, kernel_of
from odeviz.engine.methods import differentiable_stepper
from odeviz.engine.norm import Norm, Tolerance
from odeviz.engine.problem import Problem, Times
from odeviz.engine.solution import Solution, Stats, Status
from odeviz.engine.stepper import Carried, Stepper
from odeviz.engine.unreached import unreached, with_zero_gradients

Layout = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Extras:
    """What is watched during a solve, and how it is differentiated."""

    adjoint: str
    watch: Watch
    events: tuple[Event, ...] = ()
    #: Signs of the event functions at the start, where an earlier segment ended.
    signs: tuple[Tensor, ...] | None = None
    dense: bool = False
    #: Whether tensors the field depends on beside the parameters get no gradient on purpose.
    closed: bool = False
    #: Whether ``backprop`` counts what it keeps and what its backward pass costs. The hooks that do so are not allowed
    #: inside the transforms of ``torch.func``.
    counted: bool = True
    #: Whether to make the steps by ordinary tensor operations even if nothing is known to require a gradient.
    graph: bool = False
    #: Tolerance of the backward solve of a continuous adjoint; that of the solve by default.
    backward: Tolerance | None = None
    #: Norm of the state and its adjoint side by side; by default the larger of the solve's norms of the two.
    backward_norm: Norm | None = None
    #: What is watched during that backward solve.
    backward_watch: Watch = field(default_factory=Watch)


class Segment:
    """A solve from the first to the last output time, or to a terminal event."""

    def __init__(self, problem: Problem, extras: Extras, stats: Stats) -> None:
        self.problem, self.extras, self.stats = problem, extras, stats
        self.trace: Trace | None = None
        self._dense: DenseOutput | None = None

    def solve(self, y0: Tensor, t: Times) -> tuple[Solution, Tensor]:
        """The solution, and the states ``[crossings, batch, dim]`` of the whole batch at the events' times."""
        problem, extras = self.problem, self.extras
        wants_gradient = extras.graph or problem.wants_gradient(y0, t)
        if not wants_gradient:
            rows = self._without_gradient(y0)
        else:
            y0 = problem.attach_start(t, y0)
            rows = self._backprop(y0) if extras.adjoint == "backprop" else self._with_adjoint(y0)
        n = len(problem.times)
        y = problem.attach_outputs(t, rows[:n]) if wants_gradient else rows[:n]
        assert self.trace is not None
        missing = n - self.trace.taken
        if wants_gradient and missing > 0:
            roots = (y0, *problem.params) if extras.counted else (y0,)
            y = torch.cat([y[: n - missing], unreached(y0.detach(), missing, *roots)])
        return self._solution(y, rows[n:]), rows[n:]

    @property
    def _explicit(self) -> ButcherTableau | None:
        method = self.problem.method
        return method if isinstance(method, ButcherTableau) else None

    def _integrate(
        self, stepper: Stepper, watch: Watch, pack: Layout, unpack: Layout
    ) -> tuple[Tensor, Trace]:
        problem, extras = self.problem, self.extras
        times = problem.times
        dense = DenseOutput() if extras.dense else None
        events = None
        if extras.events:
            events = EventWatch(extras.events, unpack)
            events.begin(times[0], stepper.state, extras.signs)
        watch = replace(
            extras.watch,
            max_steps=problem.max_steps,
            dense=dense,
            events=events,
            jumps=problem.jumps,
            on_accept=watch.on_accept,
        )
        policy = problem.policy(times[0], times[-1], problem.first_step, problem.tolerance.layout(pack))
        before = self.stats.nfe_forward
        trace = integrate(stepper, times, policy, self.stats, watch)
        self.stats.nfe_forward = before + stepper.nfe
        # Nothing that stays may know the kernel, whose workspace is large.
        self._dense = None if dense is None else dense.mapped(unpack)
        if trace.culprits is not None:
            trace.culprits = unpack(trace.culprits)
        if trace.stopped is not None:
            trace.stopped = unpack(trace.stopped).detach()
        self.trace = trace
        y = unpack(torch.cat(trace.outputs))
        missing = len(times) - y.shape[0]
        if missing or trace.crossing_states:
            unreached = y.new_full((missing, *y.shape[1:]), math.nan)
            y = torch.cat([y, unreached, *(unpack(states) for states in trace.crossing_states)])
        # The adjoint that is about to be made keeps this segment, and must not keep the states twice.
        trace.outputs, trace.crossing_states = [], []
        return y, trace

    def _kernel(self, y0: Tensor) -> Kernel:
        make = kernel_of(self.problem.field)
        if make is not None:
            return make(y0)
        return AutogradKernel(self.problem.field, y0, self.problem.params, listed=True)

    def _without_gradient(self, y0: Tensor) -> Tensor:
        with torch.no_grad():
            if self._explicit is None:
                stepper = differentiable_stepper(self.problem.method, self.problem.field, y0.detach())
                return self._integrate(stepper, Watch(), _same, _same)[0]
            kernel = self._kernel(y0)
            try:
                buffered = BufferedStepper(kernel, self._explicit, y0)
                return self._integrate(buffered, Watch(), kernel.pack, kernel.unpack)[0]
            finally:
                kernel.release()

    def _backprop(self, y0: Tensor) -> Tensor:
        if self.extras.counted and any(p.is_leaf for p in self.problem.params):
            y0 = with_zero_gradients(y0, *(p for p in self.problem.params if p.is_leaf))
        if not self.extras.counted:
            stepper = differentiable_stepper(self.problem.method, self.problem.field, y0)
            return self._integrate(stepper, Watch(), _same, _same)[0]
        kept = KeptBytes()
        counted = counting(self.problem.field, self.stats)
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, kept.unpack):
            stepper = differentiable_stepper(self.problem.method, counted, y0)
            y, _ = self._integrate(stepper, Watch(), _same, _same)
        self.stats.bytes_kept += kept.total
        return y

    def _with_adjoint(self, y0: Tensor) -> Tensor:
        problem, mode, method = self.problem, self.extras.adjoint, self._explicit
        adjoint: Adjoint
        if method is None or mode == "reversible":
            parameters = problem.params
            # A copy, for what the caller does to y0 before the backward pass is no part of the solve.
            start = y0.detach().clone()
            stepper = differentiable_stepper(problem.method, problem.field, start)

            def run_plain(stepper: Stepper, watch: Watch) -> tuple[Tensor, Trace]:
                return self._integrate(stepper, watch, _same, _same)

            adjoint = ReplayAdjoint(
                cast(Carried, stepper), parameters, run_plain, self.stats, undo=mode == "reversible"
            )
        else:
            kernel = self._kernel(y0)
            parameters = kernel.parameters()

            def run(stepper: Stepper, watch: Watch) -> tuple[Tensor, Trace]:
                return self._integrate(stepper, watch, kernel.pack, kernel.unpack)

            if mode == "discrete":
                adjoint = DiscreteAdjoint(kernel, method, run, self.stats)
            elif mode == "interpolating":
                adjoint = InterpolatingAdjoint(kernel, method, run, self.stats)
            else:

                def policy(t0: float, t1: float) -> StepPolicy:
                    return problem.policy(t0, t1, None, self._backward_tolerance(kernel))

                watch = replace(
                    self.extras.backward_watch,
                    max_steps=problem.max_steps,
                    cancel=self.extras.watch.cancel,
                    jumps=problem.jumps,
                )
                adjoint = BacksolveAdjoint(kernel, method, problem.times, run, policy, watch, self.stats)
        y: Tensor = Differentiable.apply(adjoint, problem.field, y0, *parameters)  # type: ignore[no-untyped-call]
        return y

    def _backward_tolerance(self, kernel: Kernel) -> Tolerance:
        """Tolerance of the state and its adjoint side by side."""
        tolerance = self.extras.backward or self.problem.tolerance
        tolerance = tolerance.layout(lambda x: kernel.pack(x).repeat(2))
        if self.extras.backward_norm is not None:
            return replace(tolerance, norm=self.extras.backward_norm)
        norm = tolerance.norm
        if isinstance(norm, str):
            return tolerance
        return replace(tolerance, norm=lambda x: max(float(norm(half)) for half in x.chunk(2)))

    def _solution(self, y: Tensor, crossing_states: Tensor) -> Solution:
        trace = self.trace
        assert trace is not None
        culprits = trace.culprits
        records = self._records(trace, crossing_states)
        return Solution(
            self.problem.times,
            y,
            trace.status,
            trace.message,
            trace.t_stop,
            self.stats,
            trace.next_step,
            self._dense,
            records,
            () if culprits is None else tuple(culprits.any(-1).nonzero()[:, 0].tolist()),
            stopped=self._stopped(trace, crossing_states, records),
        )

    def _stopped(
        self, trace: Trace, crossing_states: Tensor, records: Sequence[EventRecord]
    ) -> Tensor | None:
        """The state ``[batch, dim]`` where the solve ended early; at a terminal event it moves with its time."""
        if trace.status is not Status.EVENT:
            return trace.stopped
        events = self.extras.events
        terminal = [i for i, (_, c) in enumerate(trace.crossings) if events[c.event].terminal]
        if not terminal:
            return crossing_states[-1]
        state, (t, crossing) = crossing_states[terminal[-1]], trace.crossings[terminal[-1]]
        when = records[crossing.event].t[-1]
        if not when.requires_grad:
            return state
        with torch.no_grad():
            slope = self.problem.field(t, state)
        return moved(state, slope, (when - when.detach()).to(state), *self.problem.params)

    def _records(self, trace: Trace, states: Tensor) -> tuple[EventRecord, ...]:
        """What happened to each event; ``states [crossings, batch, dim]``."""
        found: list[list[tuple[Tensor, Tensor, Sequence[int]]]] = [[] for _ in self.extras.events]
        for (t, crossing), y in zip(trace.crossings, states, strict=True):
            event = self.extras.events[crossing.event]
            moment = differentiable_crossing(event, self.problem.field, t, y, crossing)
            found[crossing.event].append((*moment, crossing.samples))
        return tuple(_record(moments, states) for moments in found)


def _record(moments: list[tuple[Tensor, Tensor, Sequence[int]]], like: Tensor) -> EventRecord:
    if not moments:
        empty = like.new_zeros(0)
        return EventRecord(empty, like.new_zeros(0, like.shape[-1]), empty.long())
    times, states, samples = zip(*moments, strict=True)
    who = [sample for group in samples for sample in group]
    return EventRecord(torch.cat(times), torch.cat(states), torch.tensor(who, device=like.device))


def _same(states: Tensor) -> Tensor:
    return states


def counting(field: VectorField, stats: Stats) -> VectorField:
    """The field, counting the vector-Jacobian products that automatic differentiation takes of it."""

    def count(grad: Tensor) -> None:
        stats.nfe_backward += 1

    return CountedField(field, count)

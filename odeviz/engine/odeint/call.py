"""One call of ``odeint`` or its kin, in the engine's terms."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from odeviz.engine.events import Event
from odeviz.engine.odeint.options import (
    STEPS_TO_EVENT,
    STEPS_TO_OUTPUT,
    Chosen,
    Options,
    event_horizon,
    settings_of,
)
from odeviz.engine.odeint.state import Clock, Layout, State, watch_of
from odeviz.engine.problem import checked_times
from odeviz.engine.segment import Extras
from odeviz.engine.solution import Solution, Status
from odeviz.engine.solve import solve_with

Function: TypeAlias = Callable[..., Any]


class SolveError(RuntimeError, AssertionError):
    """``odeint`` did not arrive. The message says where and why, ``solution`` holds what there is of it.

    An ``AssertionError`` too, for that is what scripts written for torchdiffeq catch.
    """

    def __init__(self, message: str, solution: Solution) -> None:
        super().__init__(message)
        self.solution = solution


@dataclass(frozen=True, eq=False)
class Call:
    """The arguments of one call, checked."""

    func: Function
    y0: State
    layout: Layout
    #: The initial state as a row [1, n].
    row: Tensor
    #: Output times as they were given, on the state's device.
    t: Tensor
    times: tuple[float, ...]
    chosen: Chosen
    options: Mapping[str, Any]
    #: rtol and atol, as they were given.
    tolerances: tuple[Any, Any]

    @classmethod
    def of(
        cls,
        func: Function,
        y0: State,
        t: Tensor,
        tolerances: tuple[Any, Any],
        method: str | None,
        options: Options,
    ) -> Call:
        """Raises ``TypeError`` or ``ValueError`` naming the argument and what is allowed."""
        if not callable(func):
            raise TypeError(f"func must be a callable func(t, y), not {type(func).__name__}")
        if not isinstance(t, Tensor) or not t.is_floating_point():
            what = t.dtype if isinstance(t, Tensor) else type(t).__name__
            raise TypeError(f"t must be a tensor of floating-point numbers, not {what}")
        if t.dim() != 1 or t.numel() == 0:
            raise ValueError(f"t must be one-dimensional and not empty, not of shape {list(t.shape)}")
        layout, chosen, options = Layout.of(y0), Chosen.named(method), options or {}
        chosen.warn_of_unknown(options, func, stacklevel=4)
        times = checked_times(t) if t.numel() > 1 else (float(t),)
        row = layout.row("y0", y0)[None]
        return cls(func, y0, layout, row, t.to(row.device), times, chosen, options, tolerances)

    def extras(
        self, adjoint: str, adjoint_options: Mapping[str, Any] | None = None, params: Sequence[Tensor] = ()
    ) -> Extras:
        """How the solve is differentiated, and the callbacks of func."""
        layout = self.layout
        extras = Extras(adjoint, watch_of(self.func, self.chosen.callbacks(), layout.seen, layout.device))
        if adjoint_options is None:
            return extras

        def shown(x: Tensor) -> tuple[Tensor, ...]:
            return layout.adjoint_state(x, params)

        norm = adjoint_options.get("norm", "seminorm")
        differing = [
            name
            for name, value in adjoint_options.items()
            if name != "norm" and not _alike(value, self.options.get(name))
        ]
        if differing or not (callable(norm) or norm == "seminorm"):
            warnings.warn(
                f"adjoint_options {', '.join(differing) or 'norm'} are not used: the backward solve takes its options "
                "from the solve, and leaves parameters out of the error's norm",
                stacklevel=4,
            )
        return replace(
            extras,
            backward_norm=(lambda x: norm(shown(x))) if callable(norm) else None,
            backward_watch=watch_of(self.func, self.chosen.callbacks("_adjoint"), shown, layout.device),
        )

    def run(
        self,
        extras: Extras,
        params: Sequence[Tensor],
        event_fn: Function | None,
        backward: tuple[Any, Any] = (None, None),
    ) -> Any:
        """What ``odeint`` returns; ``backward`` are the adjoint's tolerances."""
        if event_fn is not None:
            return self._until(event_fn, extras, params, backward)
        if len(self.times) == 1:
            return self.layout.state(self.row)
        # With automatic differentiation times are differentiable to second order, which is done here.
        here = extras.adjoint == "backprop"
        row = self._start() if here else self.row
        solution = self.solve(row, self.times if here else self.t, extras, params, backward)
        rows = solution.y[:, 0]
        return self.layout.state(self.attach(rows, self.t) if here else rows)

    def solve(
        self,
        row: Tensor,
        t: Sequence[float] | Tensor,
        extras: Extras,
        params: Sequence[Tensor],
        backward: tuple[Any, Any] = (None, None),
        first_step: float | None = None,
        most_steps: int = STEPS_TO_OUTPUT,
    ) -> Solution:
        """Solve from ``row [1, n]``; raises :class:`SolveError`, or warns where steps are given, when that fails."""
        times = checked_times(t)

        def construct(constructor: Callable[..., Any]) -> Any:
            grid = constructor(
                self.func, self.y0, self.t if len(times) == len(self.t) else self.t.new_tensor(times)
            )
            return grid.detach().tolist() if isinstance(grid, Tensor) else grid

        settings = settings_of(
            self.chosen, self.options, self.layout, times, self.tolerances, construct, most_steps
        )
        if first_step is not None:
            settings = replace(settings, first_step=first_step)
        clock = Clock(self.layout, settings.jumps)
        rtol, atol = (
            None if value is None else self.layout.number(name, value)
            for name, value in zip(("adjoint_rtol", "adjoint_atol"), backward, strict=True)
        )
        solution = solve_with(
            lambda t, row: self._rate(clock(t), row), row, t, settings, extras, params, rtol, atol
        )
        if solution.status not in (Status.SUCCESS, Status.EVENT):
            message = solution.message.replace("max_steps", "options['max_num_steps']")
            if not self.chosen.given_steps:
                raise SolveError(message, solution)
            warnings.warn(message, RuntimeWarning, stacklevel=5)
        return solution

    def _rate(self, t: Tensor, row: Tensor) -> Tensor:
        """func at a row ``[1, n]``."""
        # Without gradients the engine writes each stage's input into the same memory, which func may wish to keep.
        y = row[0] if torch.is_grad_enabled() else row[0].clone()
        return self.layout.row("func's value", self.func(t, self.layout.state(y)))[None]

    def _shifted(self, t: Tensor, row: Tensor, by: Tensor) -> Tensor:
        """``row [1, n]`` at time t a moment later: a midpoint step whose size is 0 and has a gradient.

        Its first two derivatives with respect to time are the solution's.
        """
        half = 0.5 * by
        middle = row + half * self._rate(t, row)
        return row + by * self._rate(t + half, middle)

    def _start(self) -> Tensor:
        """The initial row ``[1, n]``, dependent on ``t[0]``; its value is unchanged."""
        if not (self.t.requires_grad and torch.is_grad_enabled()):
            return self.row
        t0 = self.t[0].to(self.layout.real_dtype)
        return self._shifted(t0, self.row, t0.detach() - t0)

    def attach(self, rows: Tensor, t: Tensor) -> Tensor:
        """Rows ``[times, n]``, dependent on the times t; their values are unchanged."""
        if not (t.requires_grad and torch.is_grad_enabled()):
            return rows
        t = t.to(device=rows.device, dtype=self.layout.real_dtype)
        pairs = zip(t.unbind(0), rows[:, None], strict=True)
        return torch.cat([self._shifted(x.detach(), row, x - x.detach()) for x, row in pairs])

    def _until(
        self, event_fn: Function, extras: Extras, params: Sequence[Tensor], backward: tuple[Any, Any]
    ) -> tuple[Tensor, State]:
        """Time of the event and states at the start and at the event."""
        if len(self.times) != 2:
            raise ValueError(f"t must hold two times when there is an event_fn, not {len(self.times)}")
        clock, t0 = Clock(self.layout, ()), self.times[0]
        with torch.no_grad():
            signs = event_fn(clock(t0), self.layout.state(self.row[0])).sign()
        if bool((signs == 0).any()):
            return self.t[0], self.layout.state(self.row.expand(2, -1))

        def function(t: float, rows: Tensor) -> Tensor:
            value: Tensor = event_fn(clock(t), self.layout.state(rows[0]))
            return torch.min(value * signs).reshape(1)

        extras = replace(extras, events=(Event(function, direction=-1, terminal=True),))
        row, first_step = self._start(), None
        for end in event_horizon(self.chosen, self.options, t0, self.times[1] > t0):
            solution = self.solve(row, [t0, end], extras, params, backward, first_step, STEPS_TO_EVENT)
            if solution.status is Status.EVENT:
                (record,) = solution.events
                return record.t[0].to(self.t), self.layout.state(torch.cat([self.row, record.y]))
            if solution.status is not Status.SUCCESS:
                break
            t0, row, first_step = end, solution.y1, abs(solution.next_step)
        raise SolveError(f"event_fn did not change its sign up to t = {solution.t_stop:.6g}.", solution)


def _alike(one: Any, other: Any) -> bool:
    """Whether two options are the same, without comparing tensors entry by entry."""
    return one is other or (isinstance(one, int | float | str) and one == other)

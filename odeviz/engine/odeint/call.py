"""One call of ``odeint`` or its kin, in the engine's terms."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from odeviz.engine.caller import stacklevel_outside_engine
from odeviz.engine.checks import called, check_callable, checked_flag, described
from odeviz.engine.odeint.arguments import at_least_zero, mapping, norm_value, output_times
from odeviz.engine.odeint.options import STEPS_TO_OUTPUT, Chosen, Options, settings_of
from odeviz.engine.odeint.state import Clock, Layout, State, watch_of
from odeviz.engine.problem import Settings
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
    #: The initial state as rows [batch, n].
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
        searching: bool = False,
    ) -> Call:
        """Raises ``TypeError`` or ``ValueError`` naming the argument and what is allowed."""
        check_callable("func", func, "func(t, y)")
        times, chosen, options = output_times(t), Chosen.named(method), mapping("options", options)
        batched = options.get("batched")
        if batched is not None:
            checked_flag("options['batched']", batched)
        layout = Layout.of(y0, bool(batched))
        chosen.warn_of_unknown(options, func, searching)
        chosen.check_state(layout, batched)
        row = layout.row("y0", y0)
        return cls(func, y0, layout, row, t.to(row.device), times, chosen, options, tolerances)

    def extras(
        self, adjoint: str, adjoint_options: Mapping[str, Any] | None = None, params: Sequence[Tensor] = ()
    ) -> Extras:
        """How the solve is differentiated, and the callbacks of func."""
        layout, func, callbacks = self.layout, self.func, self.chosen.callbacks()
        watch = watch_of(func, callbacks, layout.seen, layout.device)
        extras = Extras(adjoint, watch, closed=True, counted=False)
        if adjoint_options is None:
            return extras

        def shown(x: Tensor) -> tuple[Tensor, ...]:
            return layout.adjoint_state(x, params)

        norm = adjoint_options.get("norm", "seminorm")
        if not (callable(norm) or norm is None or norm == "seminorm"):
            raise TypeError(
                f"adjoint_options['norm'] must be a function of a state or 'seminorm', not {described(norm)}"
            )
        differing = [
            name
            for name, value in adjoint_options.items()
            if name != "norm" and not _alike(value, self.options.get(name))
        ]
        if differing:
            warnings.warn(
                f"adjoint_options {', '.join(differing)} are not used: the backward solve takes its options "
                "from the solve, and leaves parameters out of the error's norm",
                stacklevel=stacklevel_outside_engine(),
            )

        def backward_norm(x: Tensor) -> float:
            return norm_value("adjoint_options['norm']", norm(shown(x)))

        return replace(
            extras,
            backward_norm=backward_norm if callable(norm) else None,
            backward_watch=watch_of(func, self.chosen.callbacks("_adjoint"), shown, layout.device),
        )

    def run(self, extras: Extras, params: Sequence[Tensor], backward: tuple[Any, Any] = (None, None)) -> Any:
        """What ``odeint`` returns without an event; ``backward`` are the adjoint's tolerances."""
        if len(self.times) == 1 or not self.row.numel():
            return self.layout.state(self.row.expand(len(self.times), *self.row.shape))
        # With automatic differentiation times are differentiable to second order, which is done here.
        here = extras.adjoint == "backprop"
        row = self.start() if here else self.row
        solution = self.solve(row, self.times if here else self.t, extras, params, backward)
        return self.layout.state(self.attach(solution.y, self.t) if here else solution.y)

    def solve(
        self,
        row: Tensor,
        t: Sequence[float] | Tensor,
        extras: Extras,
        params: Sequence[Tensor],
        backward: tuple[Any, Any] = (None, None),
    ) -> Solution:
        """Solve from ``row [batch, n]``; raises :class:`SolveError`, or warns where steps are given, if that fails."""
        solution = self.attempt(row, t, self.settings(), extras, params, backward)
        if solution.status is not Status.SUCCESS:
            message = told(solution)
            if not self.chosen.given_steps:
                raise SolveError(message, solution)
            warnings.warn(message, RuntimeWarning, stacklevel=stacklevel_outside_engine())
        return solution

    def settings(self, times: Sequence[float] | None = None, most_steps: int = STEPS_TO_OUTPUT) -> Settings:
        """The engine's, for a solve over ``times``, those of the call by default."""
        t = self.t if times is None else self.t.new_tensor(times)

        def construct(constructor: Callable[..., Any]) -> Any:
            return constructor(self.func, self.y0, t)

        return settings_of(
            self.chosen,
            self.options,
            self.layout,
            times or self.times,
            self.tolerances,
            construct,
            most_steps,
        )

    def attempt(
        self,
        row: Tensor,
        t: Sequence[float] | Tensor,
        settings: Settings,
        extras: Extras,
        params: Sequence[Tensor],
        backward: tuple[Any, Any] = (None, None),
    ) -> Solution:
        """Solve from ``row [batch, n]``, whatever comes of it."""
        clock = Clock(self.layout, settings.jumps)
        rtol, atol = (
            None if value is None else at_least_zero(name, value)
            for name, value in zip(("adjoint_rtol", "adjoint_atol"), backward, strict=True)
        )

        def field(t: float, row: Tensor) -> Tensor:
            return self.rate(clock(t), row)

        def solved() -> Solution:
            return solve_with(field, row, t, settings, extras, params, rtol, atol)

        with self._in_the_callers_terms():
            if torch.is_grad_enabled():
                return solved()
            try:
                return solved()
            except RuntimeError as error:
                if not _is_of_a_transform(error):
                    raise
            # Steps without gradients are made in place, which torch.vmap does not allow.
            with torch.enable_grad():
                solution = solved()
            return replace(solution, y=solution.y.detach())

    @contextmanager
    def _in_the_callers_terms(self) -> Iterator[None]:
        """Errors that only show while solving, with the caller's names."""
        try:
            yield
        except ValueError as error:
            message = str(error)
            if message.startswith("field depends on y"):
                raise ValueError(
                    "func depends on y in a way automatic differentiation does not see (NumPy or no_grad inside), "
                    f"which method {self.chosen.asked!r} needs: use an explicit method such as 'dopri5'"
                ) from None
            if message.startswith("y0 must have an even number of columns"):
                raise ValueError(
                    f"y0 must have an even number of entries for method {self.chosen.asked!r}, positions and then as "
                    f"many momenta, not {self.row.shape[1]}"
                ) from None
            raise
        except RuntimeError as error:
            if not _is_of_a_transform(error):
                raise
            raise RuntimeError(
                f"this transform of torch.func does not reach through this solve by method {self.chosen.asked!r}: "
                "use odeint with an explicit method on given steps, such as method='rk4' and options['step_size']"
            ) from error

    def rate(self, t: Tensor, row: Tensor) -> Tensor:
        """func at rows ``[batch, n]``."""
        # Without gradients the engine writes each stage's input into the same memory, which func may wish to keep.
        y = row if torch.is_grad_enabled() else row.clone()
        value = called(self.func, t, self.layout.state(y), "func", "func")
        return self.layout.row("func's value", value)

    def _shifted(self, t: Tensor, row: Tensor, by: Tensor) -> Tensor:
        """``row [batch, n]`` at time t a moment later: a midpoint step whose size is 0 and has a gradient.

        Its first two derivatives with respect to time are the solution's.
        """
        half, dtype = 0.5 * by, self.layout.real_dtype
        middle = row + half * self.rate(t.to(dtype), row)
        return row + by * self.rate((t + half).to(dtype), middle)

    def start(self) -> Tensor:
        """The initial rows ``[batch, n]``, dependent on ``t[0]``; its value is unchanged."""
        if not (self.t.requires_grad and torch.is_grad_enabled()):
            return self.row
        t0 = self.t[0].to(self.layout.working_real)
        return self._shifted(t0, self.row, t0.detach() - t0)

    def attach(self, rows: Tensor, t: Tensor) -> Tensor:
        """Rows ``[times, batch, n]``, dependent on the times t; their values are unchanged."""
        if not (t.requires_grad and torch.is_grad_enabled()):
            return rows
        t = t.to(device=rows.device, dtype=self.layout.working_real)
        pairs = zip(t.unbind(0), rows, strict=True)
        return torch.stack([self._shifted(x.detach(), row, x - x.detach()) for x, row in pairs])


def told(solution: Solution) -> str:
    """Why a solve failed, in the words of ``odeint``'s arguments."""
    words = {
        "max_steps": "options['max_num_steps']",
        "min_step": "options['min_step']",
        "the vector field": "func's value",
    }
    message = solution.message
    for ours, theirs in words.items():
        message = message.replace(ours, theirs)
    return message


def _is_of_a_transform(error: RuntimeError) -> bool:
    """Whether one of ``torch.func``'s transforms met what it cannot transform; torch has no type for that."""
    return any(word in str(error) for word in ("vmap", "functorch", "torch.func", "Batching rule"))


def _alike(one: Any, other: Any) -> bool:
    """Whether two options are the same, without comparing tensors entry by entry."""
    return one is other or (isinstance(one, int | float | str) and one == other)

"""``solve``: the engine's front door."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from odeviz.engine.autocast import without_autocast
from odeviz.engine.caller import stacklevel_outside_engine
from odeviz.engine.checks import check_callable, check_choice, checked_flag, described
from odeviz.engine.complex_state import (
    complex_solution,
    real_events,
    real_field,
    real_state,
    real_tolerances,
)
from odeviz.engine.controller import PIDController
from odeviz.engine.events import Event
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.hybrid import solve_with_jumps
from odeviz.engine.integrate import CancelToken, Watch
from odeviz.engine.kernel import ExaminedField, VectorField, kernel_of
from odeviz.engine.method import Method
from odeviz.engine.methods import METHODS
from odeviz.engine.norm import Norm, Tolerance
from odeviz.engine.parameters import check_constant, check_traced, is_traced
from odeviz.engine.per_sample.solve import solve_each
from odeviz.engine.problem import Problem, Settings, check_tolerance, gathered_times
from odeviz.engine.segment import Extras, Segment
from odeviz.engine.solution import Solution, Stats, StepRecord

ADJOINTS = ("discrete", "backsolve", "interpolating", "reversible", "backprop")


def solve(
    field: VectorField,
    y0: Tensor,
    t: Sequence[float] | Tensor,
    *,
    per_sample: bool = False,
    method: str = "dopri5",
    rtol: float | Tensor = 1e-6,
    atol: float | Tensor = 1e-6,
    steps: int | None = None,
    dt: float | None = None,
    grid: Sequence[float] | None = None,
    controller: PIDController | str = "pi",
    adjoint: str = "discrete",
    adjoint_rtol: float | None = None,
    adjoint_atol: float | None = None,
    max_steps: int = 10_000,
    first_step: float | Tensor | None = None,
    min_step: float = 0.0,
    max_step: float = math.inf,
    step_at: Sequence[float] = (),
    jumps: Sequence[float] = (),
    events: Sequence[Event] = (),
    dense: bool = False,
    norm: str | Norm = "rms",
    cancel: CancelToken | None = None,
    on_step: Callable[[StepRecord], object] | None = None,
    params: Sequence[Tensor] | None = None,
) -> Solution:
    """Solve dy/dt = field(t, y), y(t[0]) = y0.

    Autocast is switched off, for the field too: a solve is made in the precision of its state. The field must be a
    function of t and y: of one with noise or a state of its own (dropout, batch norm), ``discrete`` and ``backprop``
    differentiate the values it returned, the other ways evaluate it anew and are then wrong.

    Parameters
    ----------
    field : callable ``f(t, y [batch, dim]) -> [batch, dim]`` in y's dtype, which leaves y as it is; t is a float, or
        ``[n, 1]`` in y's dtype with ``per_sample`` (a field for both keeps to arithmetic on t). The parameters of an
        ``nn.Module``, and of the module that a bound method or a ``functools.partial`` belongs to, get gradients.
    y0 : initial states ``[batch, dim]``, float32 or float64, or complex: its real and imaginary parts are then
        solved side by side, and the field gets and returns complex states.
    t : output times, strictly increasing or strictly decreasing, at least two. A tensor that requires a gradient
        receives one: dL/dt_i = dL/dy(t_i) . f(t_i, y(t_i)), and dL/dt_0 = -a(t_0) . f(t_0, y0), with a the adjoint.
        So do tensors in a sequence. Times are differentiable once.
    per_sample : give every sample its own step size, error, status and, with ``t [time, batch]``, output times.
        What a sample gets then does not depend on the other samples, not in a bit; see ``engine.per_sample.solve`` for
        what the field must be like. The field, the functions of events and jump maps get times ``[n, 1]`` and
        states ``[n, dim]``; n is the number of samples still on their way, filled up to a round one. For explicit
        Runge-Kutta methods and real states, with ``adjoint`` ``discrete`` or ``backprop`` and ``norm`` by name;
        without ``grid``, ``step_at``, ``jumps`` and ``on_step``.
    method : a name in ``METHODS``. All samples share their steps, unless ``per_sample``.
    rtol, atol : error allowed in each entry of each step is ``atol + rtol * |y|``; numbers, or tensors that
        broadcast to y0. Below what the dtype resolves a warning is given.
    steps, dt, grid : steps from ``t[0]`` to ``t[-1]``, by number, by largest size, or by their ends; at most ten
        million. One of them is required by methods without an error estimate; with others it turns step-size control
        off.
    controller : ``i``, ``pi``, ``pid`` or a :class:`PIDController`.
    adjoint : ``discrete`` (exact for the steps taken), ``backsolve`` (the adjoint ODE solved together with the state,
        constant memory; the parameters' adjoint, a quadrature, does not steer its steps: the seminorm of Kidger, Chen
        and Lyons, 2021; its gradient is NaN when that ODE cannot be solved), ``interpolating`` (the adjoint ODE along
        the dense output), ``reversible`` (exact, constant memory, for methods that can be undone) or ``backprop``
        (automatic differentiation, any order; the only one for ``torch.func`` and forward mode, with given steps).
    adjoint_rtol, adjoint_atol : tolerance of the adjoint ODE of ``backsolve``; that of the solve by default.
    max_steps : attempted steps after which the solve gives up; steps that are given are made on top of them.
    first_step : size of the first step, or one for each sample ``[batch]`` with ``per_sample``; by default it is
        estimated with one extra evaluation.
    min_step, max_step : limits of the step size; a step as small as ``min_step`` is accepted whatever its error.
    step_at : times at which a step must end, as far as they lie in the interval; they get no gradient.
    jumps : times at which the field jumps, as far as they lie in the interval: steps end there, the field is never
        evaluated at the time itself but just before or after it, and what was learnt from earlier steps is
        forgotten. They must not require a gradient.
    events : see :class:`Event`; what happened is in ``Solution.events``.
    dense : keep dense output, so that ``solution(t)`` gives the states at any times.
    norm : ``rms`` or ``max`` over all entries of the batch, or a function of a scaled error.
    cancel : anything with ``is_set()``, such as ``threading.Event``; looked at before every step.
    on_step : called with a :class:`StepRecord` after every attempted step.
    params : other tensors that get gradients, beside the module's own. A field that depends on further tensors that
        require one is a ``ValueError``; ``()`` says that none of them is to get any. ``backprop`` finds them itself.

    Returns
    -------
    A :class:`Solution`. Numerical failure is its ``status``, never an exception; wrong arguments raise
    ``ValueError`` or ``TypeError`` naming the argument.
    """
    settings = Settings(
        method,
        rtol,
        atol,
        steps,
        dt,
        grid,
        controller,
        max_steps,
        first_step,
        min_step,
        max_step,
        step_at,
        jumps,
        norm,
    )
    _check_backward(adjoint, adjoint_rtol, adjoint_atol)
    check_constant("jumps", jumps)
    t = cast(Sequence[float] | Tensor, gathered_times(t))
    extras = Extras(
        adjoint, checked_watch(cancel, on_step), checked_events(events), dense=checked_flag("dense", dense)
    )
    if checked_flag("per_sample", per_sample):
        with _full_precision(y0):
            return solve_each(field, y0, t, settings, extras, params)
    return solve_with(field, y0, t, settings, extras, params, adjoint_rtol, adjoint_atol)


def solve_with(
    field: VectorField,
    y0: Tensor,
    t: Sequence[float] | Tensor,
    settings: Settings,
    extras: Extras,
    params: Sequence[Tensor] | None = None,
    adjoint_rtol: float | None = None,
    adjoint_atol: float | None = None,
) -> Solution:
    """What ``solve`` does with its arguments, once they are gathered; ``odeint`` gathers them in its own way."""
    complex_state = isinstance(y0, Tensor) and y0.is_complex()
    if complex_state:
        field = real_field(field)
        y0 = real_state(y0)
        settings = real_tolerances(settings, y0)
        extras = replace(extras, events=tuple(real_events(extras.events)))
    problem = Problem.checked(field, y0, t, settings, params)
    check_adjoint(extras.adjoint, problem.method)
    extras = replace(extras, backward=_backward_tolerance(problem.tolerance, adjoint_rtol, adjoint_atol))
    with _full_precision(y0):
        problem, extras = _followed(problem, extras, y0, t)
        if any(event.jump is not None for event in extras.events):
            solution = solve_with_jumps(problem, extras, y0, t)
        else:
            solution = Segment(problem, extras, Stats()).solve(y0, t)[0]
    return complex_solution(solution) if complex_state else solution


def _followed(
    problem: Problem, extras: Extras, y0: Tensor, t: Sequence[float] | Tensor
) -> tuple[Problem, Extras]:
    """The same with what finds out whether gradients are wanted that nobody asked for by name."""
    if is_traced(lambda: problem.derivative(y0.clone()), (y0, t, *problem.params)):
        check_traced(extras.adjoint, t)
        return problem, replace(extras, graph=True, counted=False)
    if problem.closed or extras.closed or not torch.is_grad_enabled() or kernel_of(problem.field) is not None:
        return problem, extras
    if extras.adjoint == "backprop":
        return problem, replace(extras, graph=True)
    return replace(problem, field=ExaminedField(problem.field, problem.params)), extras


def _full_precision(y0: Tensor) -> AbstractContextManager[object]:
    return without_autocast(y0.device) if isinstance(y0, Tensor) else nullcontext()


def check_adjoint(adjoint: str, method: Method) -> None:
    """``ValueError`` unless solves of ``method`` can be differentiated that way."""
    check_choice("adjoint", adjoint, ADJOINTS)
    if adjoint == "reversible" and not method.reversible:
        able = ", ".join(name for name, other in METHODS.items() if other.reversible)
        raise ValueError(
            f"adjoint 'reversible' needs a method that can be undone ({able}), not {method.name!r}"
        )
    if adjoint in ("backsolve", "interpolating") and not isinstance(method, ButcherTableau):
        able = ", ".join(name for name, other in METHODS.items() if isinstance(other, ButcherTableau))
        raise ValueError(
            f"adjoint {adjoint!r} needs an explicit Runge-Kutta method ({able}), not {method.name!r}"
        )


def checked_watch(cancel: CancelToken | None, on_step: Callable[[StepRecord], object] | None) -> Watch:
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise TypeError(
            f"cancel must have a method is_set(), as threading.Event has, which {described(cancel)} has not"
        )
    if on_step is not None:
        check_callable("on_step", on_step, "on_step(record)")
    return Watch(cancel=cancel, on_step=on_step)


def checked_events(events: Sequence[Event]) -> tuple[Event, ...]:
    if not isinstance(events, Iterable):
        raise TypeError(f"events must be a sequence of Event objects, not {described(events)}")
    found = tuple(events)
    for event in found:
        if not isinstance(event, Event):
            raise TypeError(f"events must hold Event objects, not {described(event)}")
    return found


def _check_backward(adjoint: str, rtol: float | None, atol: float | None) -> None:
    given = {name: x for name, x in (("adjoint_rtol", rtol), ("adjoint_atol", atol)) if x is not None}
    for name, value in given.items():
        check_tolerance(name, value)
    if given and adjoint != "backsolve":
        warnings.warn(
            f"{' and '.join(given)} {'are' if len(given) > 1 else 'is'} not used: only adjoint 'backsolve' has a "
            "tolerance of its own",
            stacklevel=stacklevel_outside_engine(),
        )


def _backward_tolerance(tolerance: Tolerance, rtol: float | None, atol: float | None) -> Tolerance:
    return replace(
        tolerance,
        rtol=tolerance.rtol if rtol is None else rtol,
        atol=tolerance.atol if atol is None else atol,
    )

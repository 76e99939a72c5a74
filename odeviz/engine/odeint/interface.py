"""``odeint`` and its kin: the engine with torchdiffeq's signatures, shapes and options.

Scripts written for torchdiffeq (https://github.com/rtqichen/torchdiffeq) run when their import is changed. What
differs is said in each docstring; new code is better served by ``solve``, which reports failures and statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.methods import METHODS
from odeviz.engine.odeint.call import Call, Function
from odeviz.engine.odeint.options import ATOL, RTOL, Chosen, Options
from odeviz.engine.odeint.state import State


def odeint(
    func: Function,
    y0: State,
    t: Tensor,
    *,
    rtol: Any = RTOL,
    atol: Any = ATOL,
    method: str | None = None,
    options: Options = None,
    event_fn: Function | None = None,
) -> Any:
    """Solve dy/dt = func(t, y), y(t[0]) = y0, differentiably by automatic differentiation through the steps.

    Parameters
    ----------
    func : callable ``func(t, y)`` of a 0-dim time and a state, which returns the state's derivative. Times have the
        state's real dtype. Any tensor it makes use of receives gradients, of any order.
        If it has methods ``callback_step``, ``callback_accept_step`` or ``callback_reject_step``, they are called
        with (t0, y0, dt) for each step before it is made, when it is accepted and when it is rejected.
    y0 : state at ``t[0]``: a tensor of any shape, real or complex, or a tuple of tensors.
    t : output times ``[n]``, strictly increasing or decreasing; they receive gradients.
    rtol, atol : error allowed in each entry of each step, ``atol + rtol * |y|``: numbers, tensors that broadcast to
        the state, or for a tuple of tensors a tuple of either.
    method : ``dopri5`` by default; another of torchdiffeq's names, or a name in ``METHODS``. ``dopri8`` is the pair
        dop853 here, ``fehlberg2`` heun, ``heun3`` bosh3, all of the same order; ``rk4`` is the classical rule, not
        the 3/8 one; the three of Adams are one method of order 5 on given steps. ``scipy_solver`` is not offered.
    options : of methods with step-size control: ``first_step``, ``min_step``, ``max_step``, ``max_num_steps`` (a mean
        from output to output), ``safety``, ``ifactor``, ``dfactor``; of those with given steps: ``step_size`` or
        ``grid_constructor(func, y0, t)`` (the output times by default), ``perturb``, and ``interp``, which changes
        nothing: inside a step every method has dense output of its own. Of both: ``step_t``, ``jump_t``, and ``norm``,
        a function of a state. ``dtype`` is accepted; times are float64 inside. Others are warned of.
    event_fn : callable ``event_fn(t, y)`` that returns a tensor; the solve ends when one of its entries changes sign
        or when one is zero at the start. Of t only the first entry counts then, and in which direction the second lies.

    Returns
    -------
    States ``[n, *shape]`` at the output times, for a tuple of tensors a tuple. With ``event_fn``: the time of the
    event and states ``[2, *shape]`` at the start and at the event, differentiable through the event's time
    (first derivatives).

    Raises ``ValueError`` or ``TypeError`` for wrong arguments, :class:`SolveError` when step-size control fails or no
    event comes within 100,000 steps. With given steps a state that is not finite is NaN from there on, with a warning.
    """
    call = Call.of(func, y0, t, (rtol, atol), method, options)
    return call.run(call.extras("backprop"), _anything(), event_fn)


def _anything() -> tuple[Tensor]:
    """In place of parameters: what func makes use of is known to automatic differentiation alone."""
    return (torch.zeros((), requires_grad=True),)


def odeint_adjoint(
    func: Function,
    y0: State,
    t: Tensor,
    *,
    rtol: Any = RTOL,
    atol: Any = ATOL,
    method: str | None = None,
    options: Options = None,
    event_fn: Function | None = None,
    adjoint_rtol: float | None = None,
    adjoint_atol: float | None = None,
    adjoint_method: str | None = None,
    adjoint_options: Options = None,
    adjoint_params: Iterable[Tensor] | None = None,
) -> Any:
    """As :func:`odeint`, differentiated by the adjoint ODE (Chen et al., 2018): memory does not grow with the steps.

    Parameters
    ----------
    func : an ``nn.Module``, unless ``adjoint_params`` are given. ``callback_step_adjoint``,
        ``callback_accept_step_adjoint`` and ``callback_reject_step_adjoint`` are called in the backward solve, whose
        state they get as ``(0, *y, *adjoint_y, *zeros of adjoint_params)``.
    adjoint_rtol, adjoint_atol : tolerances of the backward solve, numbers; those of the solve by default.
    adjoint_method : the method of the solve, which is also that of the backward one.
    adjoint_options : ``norm`` is ``'seminorm'``, which is always used here, or a function of the state that callbacks
        get. Other options are those of the solve; one that differs is warned of.
    adjoint_params : tensors beside y0 and t that receive gradients; the module's parameters by default.

    The other arguments, the result and the errors are those of :func:`odeint`. Methods that are not of Runge and
    Kutta's explicit kind have no backward solve: their steps are kept, and differentiated exactly.
    A backward solve that fails makes the gradient NaN. There are first derivatives only.
    """
    if adjoint_params is None and not isinstance(func, nn.Module):
        raise ValueError(
            "func must be an nn.Module, or adjoint_params must name what receives gradients; () is allowed"
        )
    call = Call.of(func, y0, t, (rtol, atol), method, options)
    if adjoint_method is not None and not Chosen.named(adjoint_method).same(call.chosen):
        raise ValueError(
            f"adjoint_method must be that of the solve, {call.chosen.asked!r}, not {adjoint_method!r}"
        )
    given = func.parameters() if adjoint_params is None and isinstance(func, nn.Module) else adjoint_params
    params = tuple(p for p in given or () if p.requires_grad)
    explicit = isinstance(METHODS[call.chosen.name], ButcherTableau)
    extras = call.extras("backsolve" if explicit else "discrete", adjoint_options or {}, params)
    return call.run(extras, params, event_fn, (adjoint_rtol, adjoint_atol))


def odeint_event(
    func: Function,
    y0: State,
    t0: Tensor,
    *,
    event_fn: Function,
    reverse_time: bool = False,
    odeint_interface: Function = odeint,
    **kwargs: Any,
) -> Any:
    """Solve from (t0, y0) until an entry of ``event_fn(t, y)`` changes sign.

    ``t0`` is a time of one entry; ``reverse_time`` solves towards earlier times. ``odeint_interface`` is
    :func:`odeint`, :func:`odeint_adjoint` or a function that calls one of them, and gets ``kwargs``.

    Returns the event's time ``[]`` and states ``[2, *shape]`` at t0 and at the event. Both are differentiable with
    respect to y0, t0 and the parameters of func and event_fn, by the implicit function theorem.
    """
    start = t0.reshape(-1)
    away = (1.0 + start.detach().abs()) * (-1.0 if reverse_time else 1.0)
    return odeint_interface(func, y0, torch.cat([start, start.detach() + away]), event_fn=event_fn, **kwargs)


def odeint_dense(
    func: Function,
    y0: State,
    t0: Tensor | float,
    t1: Tensor | float,
    *,
    rtol: Any = RTOL,
    atol: Any = ATOL,
    method: str | None = None,
    options: Options = None,
) -> Callable[[Any], Any]:
    """Solve from t0 to t1 and return the solution as a function of time.

    The function takes a 0-dim time and returns a state ``[*shape]``, or times ``[n]`` and returns ``[n, *shape]``; it
    is differentiable as :func:`odeint` is, also with respect to time, and raises ``ValueError`` outside the interval.
    The arguments are those of :func:`odeint`.
    """
    ends = torch.tensor([float(t0), float(t1)], dtype=torch.float64)
    call = Call.of(func, y0, ends, (rtol, atol), method, options)
    solution = call.solve(call.row, call.times, replace(call.extras("backprop"), dense=True), _anything())

    def dense(t: Any) -> State:
        times = torch.as_tensor(t, dtype=None if isinstance(t, Tensor) else torch.float64)
        instants = times.detach().double().reshape(-1)
        rows = torch.stack([solution(instant)[0] for instant in instants.tolist()])
        rows = call.attach(rows, times.reshape(-1))
        return call.layout.state(rows if times.dim() else rows[0])

    return dense

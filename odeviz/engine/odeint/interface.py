"""``odeint`` and its kin: the engine with torchdiffeq's signatures, shapes and options.

Scripts written for torchdiffeq (https://github.com/rtqichen/torchdiffeq) run when their import is changed. What
differs is said in each docstring; new code is better served by ``solve``, which reports failures and statistics.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from odeviz.engine.caller import stacklevel_outside_engine
from odeviz.engine.checks import check_callable, described
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.methods import METHODS
from odeviz.engine.odeint.arguments import differentiated, instants, mapping, number
from odeviz.engine.odeint.call import Call, Function
from odeviz.engine.odeint.event import until
from odeviz.engine.odeint.options import ATOL, RTOL, Chosen, Options
from odeviz.engine.odeint.state import Layout, State
from odeviz.engine.segment import Extras


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
    func : callable ``func(t, y)`` of a 0-dim time in the state's real dtype and a state, which returns the state's
        derivative. Any tensor it makes use of receives gradients, of any order. Methods ``callback_step``,
        ``callback_accept_step`` and ``callback_reject_step``, if it has them, are called with (t0, y0, dt) for each
        step before it is made, when it is accepted and when it is rejected.
    y0 : state at ``t[0]``: a tensor of any shape, real or complex, or a tuple of tensors, whose dtypes are promoted to
        one. Half precision is solved in float32, by default to what it resolves; func gets the state's dtype.
    t : output times ``[n]``, strictly increasing or decreasing; their gradients are the solution's, dL/dy . func(t, y).
    rtol, atol : error allowed in each entry of each step, ``atol + rtol * |y|``: numbers, tensors that broadcast to
        the state, or for a tuple of tensors a tuple of either.
    method : ``dopri5`` by default; another of torchdiffeq's names, or a name in ``METHODS``. ``dopri8`` is the pair
        dop853 here, ``fehlberg2`` heun, ``heun3`` bosh3, all of the same order; ``rk4`` is the classical rule, not
        the 3/8 one; the three of Adams are one method of order 5 on given steps. ``scipy_solver`` is not offered.
    options : of methods with step-size control: ``first_step``, ``min_step``, ``max_step``, ``max_num_steps`` (a mean
        from output to output), ``safety``, ``ifactor``, ``dfactor``; of those with given steps: ``step_size`` or
        ``grid_constructor(func, y0, t)`` (the output times by default), ``perturb``, and ``interp``, which changes
        nothing: inside a step every method has dense output of its own. Of both: ``step_t``, ``jump_t``, and ``norm``,
        a function of a state. ``batched`` states that func treats the entries of the leading dimension one by one:
        implicit methods then have a Jacobian for each instead of one of the whole state, as in ``solve``.
        ``dtype`` is accepted; times are float64 inside. Others are warned of.
    event_fn : callable ``event_fn(t, y)`` that returns a tensor; the solve ends when one of its entries changes sign,
        at once when one is zero at the start. Of t only the first entry counts then, and the direction to the second.
        The search is given up after ``max_num_steps``, by default 10,000 steps or 20,000 given ones.

    Returns
    -------
    States ``[n, *shape]`` at the output times, for a tuple of tensors a tuple. With ``event_fn``: the time of the event
    and states ``[2, *shape]`` at the start and there, once differentiable through that time.
    The transforms of ``torch.func`` reach through: all of them where steps of explicit methods are given, all but
    ``vmap`` where step-size control looks at values.

    Raises ``ValueError`` or ``TypeError`` for wrong arguments, :class:`SolveError` when step-size control fails or no
    event comes. With given steps a state that is not finite is NaN from there on, with a warning.
    """
    call = Call.of(func, y0, t, (rtol, atol), method, options, event_fn is not None)
    return _solved(call, event_fn, call.extras("backprop"), _anything())


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
    adjoint_method : not used: the backward solve is made by the method of the solve; another one is warned of.
    adjoint_options : ``norm`` is ``'seminorm'``, which is always used here, or a function of the state that callbacks
        get. Other options are those of the solve; one that differs is warned of.
    adjoint_params : tensors beside y0 and t that receive gradients; the module's parameters by default.

    The other arguments, the result and the errors are those of :func:`odeint`. Methods that are not of Runge and
    Kutta's explicit kind have no backward solve: their steps are kept, and differentiated exactly.
    A backward solve that fails makes the gradient NaN. There are first derivatives only.
    """
    if adjoint_params is None and not isinstance(func, nn.Module):
        check_callable("func", func, "func(t, y)")
        raise ValueError(
            "func must be an nn.Module, or adjoint_params must name what receives gradients; () is allowed"
        )
    call = Call.of(func, y0, t, (rtol, atol), method, options, event_fn is not None)
    if adjoint_method is not None and not Chosen.named(adjoint_method, "adjoint_method").same(call.chosen):
        warnings.warn(
            f"adjoint_method {adjoint_method!r} is not used: the backward solve uses the method of the solve, "
            f"{call.chosen.asked!r}",
            stacklevel=stacklevel_outside_engine(),
        )
    given = func.parameters() if adjoint_params is None and isinstance(func, nn.Module) else adjoint_params
    params = differentiated("adjoint_params", given)
    explicit = isinstance(METHODS[call.chosen.name], ButcherTableau)
    adjoint_options = mapping("adjoint_options", adjoint_options)
    extras = call.extras("backsolve" if explicit else "discrete", adjoint_options, params)
    return _solved(call, event_fn, extras, params, (adjoint_rtol, adjoint_atol))


def _solved(
    call: Call,
    event_fn: Function | None,
    extras: Extras,
    params: Sequence[Tensor],
    backward: tuple[Any, Any] = (None, None),
) -> Any:
    if event_fn is not None:
        return until(call, event_fn, extras, params, backward)
    return call.run(extras, params, backward)


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

    ``t0`` is a time: a number or a tensor of one entry; ``reverse_time`` solves towards earlier times.
    ``odeint_interface`` is :func:`odeint`, :func:`odeint_adjoint` or a function that calls one of them, and gets
    ``kwargs``.

    Returns the event's time ``[]`` and states ``[2, *shape]`` at t0 and at the event. Both are differentiable with
    respect to y0, t0 and the parameters of func and event_fn, by the implicit function theorem.
    """
    check_callable("odeint_interface", odeint_interface, "f(func, y0, t, ...)")
    if isinstance(t0, Tensor) and (t0.numel() != 1 or not t0.is_floating_point()):
        raise ValueError(f"t0 must be one floating-point time, not {described(t0)}")
    if not isinstance(t0, Tensor):
        (time,) = instants("t0", number("t0", t0))
        layout = Layout.of(y0)
        t0 = torch.tensor(time, dtype=layout.working_real, device=layout.device)
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
    ends = [number("t0", t0), number("t1", t1)]
    if not all(map(math.isfinite, ends)) or ends[0] == ends[1]:
        raise ValueError(f"t0 and t1 must be two different finite times, not {ends[0]:g} and {ends[1]:g}")
    call = Call.of(func, y0, torch.tensor(ends, dtype=torch.float64), (rtol, atol), method, options)
    extras = replace(call.extras("backprop"), dense=True)
    solution = call.solve(call.row, call.times, extras, _anything()) if call.row.numel() else None

    def dense(t: Any) -> State:
        times = t if isinstance(t, Tensor) else torch.tensor(instants("t", t), dtype=torch.float64)
        if not isinstance(t, Tensor | Iterable):
            times = times[0]
        if times.dim() > 1:
            raise ValueError(f"t must be a time or times [n], not of shape {list(times.shape)}")
        moments = times.detach().double().reshape(-1).tolist()
        states = [call.row if solution is None else solution(moment) for moment in moments]
        rows = torch.stack(states) if states else call.row.new_empty(0, *call.row.shape)
        rows = call.attach(rows, times.reshape(-1)) if rows.numel() else rows
        return call.layout.state(rows if times.dim() else rows[0])

    return dense

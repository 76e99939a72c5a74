"""``solve``: the engine's front door."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from odeviz.engine.adjoint import Adjoint, BacksolveAdjoint, Differentiable, DiscreteAdjoint
from odeviz.engine.controller import AdaptiveSteps, EqualSteps, PIController, StepPolicy
from odeviz.engine.integrate import CancelToken, Trace, Watch, integrate
from odeviz.engine.interpolant import DenseOutput
from odeviz.engine.kernel import AutogradKernel, Kernel, VectorField
from odeviz.engine.norm import NORMS, Tolerance
from odeviz.engine.solution import Solution, Stats, StepRecord
from odeviz.engine.stepper import BufferedStepper, DifferentiableStepper, Stepper
from odeviz.engine.tableau import METHODS, ButcherTableau

ADJOINTS = ("discrete", "backsolve", "backprop")
DTYPES = (torch.float32, torch.float64)


def solve(
    field: VectorField,
    y0: Tensor,
    t: Sequence[float] | Tensor,
    *,
    method: str = "dopri5",
    rtol: float = 1e-6,
    atol: float = 1e-6,
    steps: int | None = None,
    dt: float | None = None,
    controller: PIController | None = None,
    adjoint: str = "discrete",
    max_steps: int = 10_000,
    first_step: float | None = None,
    dense: bool = False,
    norm: str = "rms",
    cancel: CancelToken | None = None,
    on_step: Callable[[StepRecord], object] | None = None,
    params: Sequence[Tensor] | None = None,
) -> Solution:
    """Solve dy/dt = field(t, y), y(t[0]) = y0.

    Parameters
    ----------
    field : callable ``f(t: float, y [batch, dim]) -> [batch, dim]``. An ``nn.Module``'s parameters are
        differentiated; those of another callable are named by ``params``.
    y0 : initial states ``[batch, dim]``, float32 or float64.
    t : output times, strictly increasing or strictly decreasing, at least two. A tensor that requires a gradient
        receives one: dL/dt_i = dL/dy(t_i) . f(t_i, y(t_i)), and dL/dt_0 = -a(t_0) . f(t_0, y0), with a the adjoint.
    method : a name in ``METHODS``. All samples share their steps.
    rtol, atol : error allowed in each entry of each step is ``atol + rtol * |y|``.
    steps, dt : equal steps from ``t[0]`` to ``t[-1]``, by number or by largest size. One of them is required by
        methods without an error estimate (euler, midpoint, rk4); with others it turns step-size control off.
    adjoint : ``discrete`` (exact for the steps taken), ``backsolve`` (the adjoint ODE, constant memory; its
        gradient is NaN when that ODE cannot be solved) or ``backprop`` (automatic differentiation, any order).
    max_steps : attempted steps after which the solve gives up; an asked-for number of equal steps is always made.
    first_step : size of the first step; by default it is estimated with one extra evaluation.
    dense : keep dense output, so that ``solution(t)`` gives the state at any time.
    norm : ``rms`` or ``max`` over all entries of the batch.
    cancel : anything with ``is_set()``, such as ``threading.Event``; looked at before every step.
    on_step : called with a :class:`StepRecord` after every attempted step.

    Returns
    -------
    A :class:`Solution`. Numerical failure is its ``status``, never an exception; wrong arguments raise
    ``ValueError`` or ``TypeError`` naming the argument.
    """
    problem = _Problem.checked(
        field, y0, t, method, rtol, atol, steps, dt, max_steps, first_step, norm, params
    )
    if adjoint not in ADJOINTS:
        raise ValueError(f"adjoint must be one of {', '.join(ADJOINTS)}, not {adjoint!r}")
    run = _Run(problem, controller or PIController(), Watch(max_steps, cancel, on_step), dense)
    wants_gradient = torch.is_grad_enabled() and any(
        x.requires_grad for x in (y0, *problem.params, *((t,) if isinstance(t, Tensor) else ()))
    )
    if not wants_gradient:
        y = run.without_gradient(y0)
    elif adjoint == "backprop":
        y = run.backprop(problem.attach_start(t, y0))
    else:
        y = run.with_adjoint(adjoint, problem.attach_start(t, y0))
    return run.solution(problem.attach_outputs(t, y) if wants_gradient else y)


@dataclass(frozen=True, slots=True)
class _Problem:
    """The arguments of a solve, checked."""

    field: VectorField
    times: tuple[float, ...]
    tableau: ButcherTableau
    tolerance: Tolerance
    steps: int | None
    max_steps: int
    first_step: float | None
    params: tuple[Tensor, ...]

    @classmethod
    def checked(
        cls,
        field: VectorField,
        y0: Tensor,
        t: Sequence[float] | Tensor,
        method: str,
        rtol: float,
        atol: float,
        steps: int | None,
        dt: float | None,
        max_steps: int,
        first_step: float | None,
        norm: str,
        params: Sequence[Tensor] | None,
    ) -> _Problem:
        if not callable(field):
            raise TypeError(f"field must be a callable f(t, y), not {type(field).__name__}")
        if not isinstance(y0, Tensor) or y0.dim() != 2 or y0.dtype not in DTYPES or y0.numel() == 0:
            what = f"a {list(y0.shape)} tensor of {y0.dtype}" if isinstance(y0, Tensor) else type(y0).__name__
            raise ValueError(f"y0 must be a non-empty tensor [batch, dim] of float32 or float64, not {what}")
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}, not {norm!r}")
        for name, value in (("rtol", rtol), ("atol", atol)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number of at least 0, not {value}")
        if rtol == 0 and atol == 0:
            raise ValueError("rtol and atol must not both be 0")
        for name, size in (("dt", dt), ("first_step", first_step)):
            if size is not None and not (math.isfinite(size) and size > 0):
                raise ValueError(f"{name} must be a positive finite number, not {size}")
        for name, count in (("steps", steps), ("max_steps", max_steps)):
            if count is not None and count < 1:
                raise ValueError(f"{name} must be at least 1, not {count}")
        times = _checked_times(t)
        if steps is not None and dt is not None:
            raise ValueError("give steps or dt, not both")
        if dt is not None:
            steps = max(1, math.ceil(abs(times[-1] - times[0]) / dt - 1e-9))
        max_steps = max(max_steps, steps or 0)
        tableau = METHODS[method]
        if steps is None and not tableau.adaptive:
            raise ValueError(f"method {method!r} does not estimate its error: give steps or dt")
        module_params = tuple(field.parameters()) if isinstance(field, nn.Module) else ()
        trained = tuple(p for p in (params if params is not None else module_params) if p.requires_grad)
        return cls(field, times, tableau, Tolerance(rtol, atol, norm), steps, max_steps, first_step, trained)

    def policy(self, controller: PIController, t0: float, t1: float, first_step: float | None) -> StepPolicy:
        """Step policy for an interval: equal steps in proportion to it, or control."""
        if self.steps is None:
            return AdaptiveSteps(controller, self.tolerance, first_step)
        share = abs(t1 - t0) / abs(self.times[-1] - self.times[0])
        return EqualSteps(max(1, math.ceil(self.steps * share - 1e-9)))

    def attach_start(self, t: Sequence[float] | Tensor, y0: Tensor) -> Tensor:
        """Make y0 depend on ``t[0]`` so that dL/dt_0 = -a(t_0) . f; its value is unchanged."""
        if not (isinstance(t, Tensor) and t.requires_grad):
            return y0
        slope = self.field(self.times[0], y0).detach()
        return y0 - slope * (t[0] - t[0].detach()).to(y0)

    def attach_outputs(self, t: Sequence[float] | Tensor, y: Tensor) -> Tensor:
        """Make y(t_i) depend on ``t[i]`` so that dL/dt_i = dL/dy_i . f; its value is unchanged."""
        if not (isinstance(t, Tensor) and t.requires_grad):
            return y
        slopes = [self.field(time, row).detach() for time, row in zip(self.times, y, strict=True)]
        return y + torch.stack(slopes) * (t - t.detach()).to(y)[:, None, None]


def _checked_times(t: Sequence[float] | Tensor) -> tuple[float, ...]:
    if isinstance(t, Tensor) and t.dim() != 1:
        raise ValueError(f"t must be one-dimensional, not of shape {list(t.shape)}")
    times = tuple(float(x) for x in (t.tolist() if isinstance(t, Tensor) else t))
    if len(times) < 2 or not all(math.isfinite(x) for x in times):
        raise ValueError(f"t must hold at least two finite times, not {list(times)}")
    sign = math.copysign(1.0, times[-1] - times[0])
    if any(sign * (b - a) <= 0 for a, b in pairwise(times)):
        raise ValueError("t must be strictly increasing or strictly decreasing")
    return times


class _Run:
    """One solve in one of its ways: without gradient, by automatic differentiation, or with an adjoint."""

    def __init__(self, problem: _Problem, controller: PIController, watch: Watch, dense: bool) -> None:
        self._problem, self._controller, self._watch, self._wants_dense = problem, controller, watch, dense
        self._stats = Stats()
        self._trace: Trace | None = None
        self._dense: DenseOutput | None = None

    def _integrate(self, stepper: Stepper, watch: Watch, unpack: Callable[[Tensor], Tensor]) -> Tensor:
        problem, times = self._problem, self._problem.times
        if self._wants_dense:
            self._dense = DenseOutput(problem.tableau, unpack)
        watch.max_steps, watch.cancel, watch.on_step = (
            problem.max_steps,
            self._watch.cancel,
            self._watch.on_step,
        )
        watch.dense = self._dense
        policy = problem.policy(self._controller, times[0], times[-1], problem.first_step)
        self._trace = integrate(stepper, times, policy, self._stats, watch)
        self._stats.nfe_forward = stepper.nfe
        y = unpack(torch.cat(self._trace.outputs))
        missing = len(times) - y.shape[0]
        return torch.cat([y, y.new_full((missing, *y.shape[1:]), math.nan)]) if missing else y

    def _kernel(self, y0: Tensor) -> Kernel:
        make = getattr(self._problem.field, "kernel", None)
        if make is not None:
            kernel: Kernel = make(y0)
            return kernel
        return AutogradKernel(self._problem.field, y0, self._problem.params)

    def without_gradient(self, y0: Tensor) -> Tensor:
        kernel = self._kernel(y0)
        try:
            with torch.no_grad():
                stepper = BufferedStepper(kernel, self._problem.tableau, y0)
                return self._integrate(stepper, Watch(), kernel.unpack)
        finally:
            kernel.release()

    def backprop(self, y0: Tensor) -> Tensor:
        kept = _KeptBytes()
        counted = _counting(self._problem.field, self._stats)
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, kept.unpack):
            stepper = DifferentiableStepper(counted, self._problem.tableau, y0)
            y = self._integrate(stepper, Watch(), lambda states: states)
        self._stats.bytes_kept = kept.total
        return y

    def with_adjoint(self, mode: str, y0: Tensor) -> Tensor:
        problem = self._problem
        kernel = self._kernel(y0)

        def run(stepper: BufferedStepper, watch: Watch) -> Tensor:
            return self._integrate(stepper, watch, kernel.unpack)

        def policy(t0: float, t1: float, first_step: float | None) -> StepPolicy:
            return problem.policy(self._controller, t0, t1, first_step)

        adjoint: Adjoint
        if mode == "discrete":
            adjoint = DiscreteAdjoint(kernel, problem.tableau, run, self._stats)
        else:
            adjoint = BacksolveAdjoint(kernel, problem.tableau, problem.times, run, policy, self._stats)
        y: Tensor = Differentiable.apply(adjoint, y0, *kernel.parameters())  # type: ignore[no-untyped-call]
        return y

    def solution(self, y: Tensor) -> Solution:
        trace = self._trace
        assert trace is not None
        return Solution(
            self._problem.times,
            y,
            trace.status,
            trace.message,
            trace.t_stop,
            self._stats,
            trace.next_step,
            self._dense,
        )


def _counting(field: VectorField, stats: Stats) -> VectorField:
    """The field, counting the vector-Jacobian products that automatic differentiation takes of it.

    The graph keeps the hooks, so they must not know what keeps the graph: such a circle is never collected.
    """

    def count(grad: Tensor) -> None:
        stats.nfe_backward += 1

    def counted(t: float, y: Tensor) -> Tensor:
        value = field(t, y)
        if value.requires_grad:
            value.register_hook(count)  # type: ignore[no-untyped-call]
        return value

    return counted


class _KeptBytes:
    """Counts the bytes automatic differentiation saves, each storage once."""

    def __init__(self) -> None:
        self.total = 0
        self._seen: set[int] = set()

    def pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._seen:
            self._seen.add(storage.data_ptr())
            self.total += storage.nbytes()
        # Detached, for an operation that saves its own result would otherwise keep itself alive.
        return tensor.detach()

    def unpack(self, tensor: Tensor) -> Tensor:
        return tensor

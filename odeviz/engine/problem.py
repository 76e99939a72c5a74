"""The arguments of a solve, checked."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from odeviz.engine.adjoints.first_order import moved
from odeviz.engine.caller import stacklevel_outside_engine
from odeviz.engine.checks import (
    check_callable,
    check_choice,
    checked_count,
    checked_instants,
    checked_nonnegative,
    checked_number,
    checked_size,
    checked_tensors,
    checked_times,
    described,
)
from odeviz.engine.controller import (
    CONTROLLERS,
    AdaptiveSteps,
    GivenSteps,
    PIDController,
    StepPolicy,
    equal_nodes,
)
from odeviz.engine.kernel import VectorField, evaluated
from odeviz.engine.method import Method
from odeviz.engine.methods import METHODS, NAMES_ELSEWHERE
from odeviz.engine.norm import NORMS, Norm, Tolerance
from odeviz.engine.parameters import parameters_of

DTYPES = (torch.float32, torch.float64)
#: The most steps that may be asked for by number or size: above it their ends alone would fill the memory.
MOST_GIVEN_STEPS = 10_000_000
Times = Sequence[float] | Tensor


def gathered_times(t: object) -> object:
    """One tensor in place of a sequence of which some are tensors that require a gradient; else what is given."""
    if not isinstance(t, list | tuple) or not all(isinstance(x, Tensor | float | int) for x in t):
        return t
    if not any(isinstance(x, Tensor) and x.requires_grad and x.numel() == 1 for x in t):
        return t
    return torch.stack([torch.as_tensor(x, dtype=torch.float64, device="cpu").reshape(()) for x in t])


@dataclass(frozen=True, slots=True)
class Settings:
    """How a solve is made; the keyword arguments of ``solve`` by the same names."""

    method: str = "dopri5"
    rtol: float | Tensor = 1e-6
    atol: float | Tensor = 1e-6
    steps: int | None = None
    dt: float | None = None
    grid: Sequence[float] | None = None
    controller: PIDController | str = "pi"
    max_steps: int = 10_000
    first_step: float | Tensor | None = None
    min_step: float = 0.0
    max_step: float = math.inf
    step_at: Sequence[float] = ()
    jumps: Sequence[float] = ()
    norm: str | Norm = "rms"


@dataclass(frozen=True, slots=True)
class Problem:
    """A checked initial value problem, and how it is to be solved."""

    field: VectorField
    times: tuple[float, ...]
    method: Method
    tolerance: Tolerance
    controller: PIDController
    #: Ends of the steps to take; None where step-size control chooses them.
    nodes: tuple[float, ...] | None
    stops: tuple[float, ...]
    jumps: frozenset[float]
    max_steps: int
    first_step: float | None
    min_step: float
    max_step: float
    params: tuple[Tensor, ...]
    #: Whether the caller said, by ``params=()``, that tensors the field depends on beside these get no gradient.
    closed: bool

    @classmethod
    def checked(
        cls, field: VectorField, y0: Tensor, t: Times, settings: Settings, params: Sequence[Tensor] | None
    ) -> Problem:
        """Raises ``ValueError`` or ``TypeError`` naming the argument and what is allowed."""
        check_callable("field", field)
        params = None if params is None else checked_tensors("params", params)
        check_state(y0)
        times = checked_times(t)
        method = checked_method(settings.method)
        if isinstance(settings.first_step, Tensor):
            raise ValueError(
                "first_step must be a number, not a tensor, unless each sample has its own steps"
            )
        settings = checked_settings(settings)
        assert not isinstance(settings.first_step, Tensor)
        jumps = _between(times, checked_instants("jumps", settings.jumps))
        stops = sorted({*_between(times, checked_instants("step_at", settings.step_at)), *jumps})
        if times[-1] < times[0]:
            stops.reverse()
        nodes = _nodes(settings, times, stops)
        if nodes is None and not method.adaptive:
            raise ValueError(
                f"method {settings.method!r} does not estimate its error: give steps, dt or grid"
            )
        tolerance = Tolerance(
            broadcast_tolerance("rtol", settings.rtol, y0),
            broadcast_tolerance("atol", settings.atol, y0),
            settings.norm,
        )
        if nodes is None:
            check_min_step(settings, abs(times[-1] - times[0]))
            warn_below_resolution(tolerance, y0)
        return cls(
            field,
            times,
            method,
            tolerance,
            checked_controller(settings.controller),
            nodes,
            tuple(stops),
            frozenset(jumps),
            settings.max_steps + len(nodes or ()),
            settings.first_step,
            settings.min_step,
            settings.max_step,
            parameters_of(field, params),
            params is not None and not params,
        )

    def wants_gradient(self, y0: Tensor, t: Times) -> bool:
        return torch.is_grad_enabled() and any(
            x.requires_grad for x in (y0, *self.params, *((t,) if isinstance(t, Tensor) else ()))
        )

    def derivative(self, y0: Tensor) -> Tensor:
        """f at the start ``[batch, dim]``."""
        return evaluated(self.field, self._beside(self.times[0], self.times[-1]), y0)

    def policy(
        self,
        t0: float,
        t1: float,
        first_step: float | None,
        layout: Tolerance | None = None,
    ) -> StepPolicy:
        """Step policy for an interval within the solve's, in either direction: the given steps in it, or control.

        ``layout`` is the tolerance in the layout of the states.
        """
        forwards = t1 > t0
        low, high = min(t0, t1), max(t0, t1)
        if self.nodes is not None:
            inside = sorted({t0, t1, *(node for node in self.nodes if low < node < high)})
            return GivenSteps(inside if forwards else inside[::-1])
        stops = sorted((s for s in self.stops if low < s < high), reverse=not forwards)
        return AdaptiveSteps(
            self.controller,
            layout or self.tolerance,
            first_step,
            min_step=self.min_step,
            max_step=self.max_step,
            stops=stops,
        )

    def attach_start(self, t: Times, y0: Tensor) -> Tensor:
        """Make y0 depend on ``t[0]`` so that dL/dt_0 = -a(t_0) . f; its value is unchanged."""
        if not (isinstance(t, Tensor) and t.requires_grad):
            return y0
        slope = -self.derivative(y0)
        return moved(y0, slope, (t[0] - t[0].detach()).to(y0))

    def attach_outputs(self, t: Times, y: Tensor) -> Tensor:
        """Make y(t_i) depend on ``t[i]`` so that dL/dt_i = dL/dy_i . f; its value is unchanged."""
        if not (isinstance(t, Tensor) and t.requires_grad):
            return y
        slopes = torch.zeros_like(y)
        with torch.no_grad():
            # What was not reached depends on no time.
            for row in torch.isfinite(y).flatten(1).all(1).nonzero()[:, 0].tolist():
                inside = self.times[0] if row else self.times[-1]
                slopes[row] = self.field(self._beside(self.times[row], inside), y[row])
        return moved(y, slopes, (t - t.detach()).to(y)[:, None, None], *self.params)

    def _beside(self, t: float, towards: float) -> float:
        """t, or where the field jumps the time next to it."""
        return math.nextafter(t, towards) if t in self.jumps else t


def check_state(y0: object) -> None:
    """``ValueError`` unless y0 is a non-empty real tensor [batch, dim] with values."""
    if not isinstance(y0, Tensor) or y0.dim() != 2 or y0.dtype not in DTYPES or y0.numel() == 0:
        raise ValueError(
            "y0 must be a non-empty tensor [batch, dim] of float32, float64, complex64 or complex128, "
            f"not {described(y0)}{_remedy(y0)}"
        )
    if y0.layout != torch.strided or y0.is_meta:
        what = "on the meta device" if y0.is_meta else f"of layout {y0.layout}"
        raise ValueError(f"y0 must be a dense tensor that holds values, not one {what}")


def _remedy(y0: object) -> str:
    """What to give instead of a state that is none."""
    if not isinstance(y0, Tensor) or y0.numel() == 0:
        return ""
    if y0.dim() == 1:
        return "; y0[None] is a batch of one state"
    if y0.dim() > 2:
        return "; y0.flatten(1) has the entries of a state in one dimension"
    if y0.dtype in (torch.float16, torch.bfloat16):
        return "; give y0.float(), for half precision resolves no error worth controlling"
    return ""


def checked_method(name: str) -> Method:
    check_choice("method", name, METHODS, elsewhere=NAMES_ELSEWHERE)
    return METHODS[name]


def checked_controller(controller: PIDController | str) -> PIDController:
    if isinstance(controller, PIDController):
        return controller
    check_choice("controller", controller, CONTROLLERS, "a PIDController or ")
    return CONTROLLERS[controller]


def _between(times: Sequence[float], instants: Sequence[float]) -> list[float]:
    """The instants inside the interval of the solve, its start included."""
    low, high = min(times[0], times[-1]), max(times[0], times[-1])
    return [s for s in instants if low <= s <= high]


def checked_settings(settings: Settings) -> Settings:
    """The settings as plain numbers; ``ValueError`` or ``TypeError`` naming one that is not what it may be."""
    if not callable(settings.norm):
        check_choice("norm", settings.norm, NORMS, "a function or ")
    for name in ("rtol", "atol"):
        check_tolerance(name, getattr(settings, name))
    if _largest(settings.rtol) == 0 and _largest(settings.atol) == 0:
        raise ValueError("rtol and atol must not both be 0")
    low = checked_nonnegative("min_step", settings.min_step)
    dt, first_step, steps = settings.dt, settings.first_step, settings.steps
    return replace(
        settings,
        steps=None if steps is None else checked_count("steps", steps),
        dt=None if dt is None else checked_size("dt", dt),
        max_steps=checked_count("max_steps", settings.max_steps),
        first_step=None if first_step is None else checked_size("first_step", first_step),
        min_step=low,
        max_step=checked_number("max_step", settings.max_step, f"above min_step, {low}", lambda x: x > low),
    )


def check_min_step(settings: Settings, span: float) -> None:
    """``ValueError`` when no step can be as large as the smallest allowed, so that none would be judged."""
    if settings.min_step > span:
        raise ValueError(
            f"min_step must be at most the length of the solve, {span:g}, not {settings.min_step:g}, "
            "for steps as small as it are accepted whatever their error"
        )


def check_tolerance(name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        checked_nonnegative(name, value)
    elif value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must hold real numbers, not {described(value)}")
    elif not bool((torch.isfinite(value) & (value >= 0)).all()):
        raise ValueError(f"{name} must hold finite numbers of at least 0")


def _largest(value: float | Tensor) -> float:
    return float(value.max()) if isinstance(value, Tensor) else value


def broadcast_tolerance(name: str, value: float | Tensor, y0: Tensor) -> float | Tensor:
    """A tolerance as a number, or for each entry of the state."""
    if not isinstance(value, Tensor):
        return float(value)
    try:
        return value.detach().to(y0).expand_as(y0)
    except RuntimeError:
        raise ValueError(
            f"{name} must be a number or broadcast to the shape of y0, {list(y0.shape)}, not {list(value.shape)}"
        ) from None


def _nodes(settings: Settings, times: Sequence[float], stops: Sequence[float]) -> tuple[float, ...] | None:
    """Ends of the steps to take, if they are given: by number, by largest size or one by one."""
    given = [name for name in ("steps", "dt", "grid") if getattr(settings, name) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise ValueError(f"give {' or '.join(given)}, not both")
    t0, t1 = times[0], times[-1]
    if settings.grid is not None:
        nodes = checked_times(settings.grid, "grid")
        if (nodes[0], nodes[-1]) != (t0, t1):
            raise ValueError(f"grid must go from t[0] to t[-1], {t0} to {t1}, not {nodes[0]} to {nodes[-1]}")
    else:
        nodes = tuple(equal_nodes(t0, t1, steps_of(settings, abs(t1 - t0))))
    return _with_stops(nodes, stops, {float(x) for x in settings.jumps}) if stops else nodes


def steps_of(settings: Settings, span: float) -> int:
    """How many equal steps are asked for over an interval of this length, by ``steps`` or ``dt``."""
    if settings.dt is None:
        assert settings.steps is not None
        name, steps = "steps", float(settings.steps)
    else:
        name, steps = "dt", max(1.0, span / settings.dt - 1e-9)
    if steps > MOST_GIVEN_STEPS:
        raise ValueError(f"{name} must ask for at most {MOST_GIVEN_STEPS} steps, not {steps:.3g}")
    return math.ceil(steps)


def _with_stops(
    nodes: Sequence[float], stops: Sequence[float], jumps: Collection[float]
) -> tuple[float, ...]:
    """Nodes and stops in order. Of a node and a stop within rounding the stop is kept, but the end of an end and it.

    A jump is kept next to an end too, for the field must not be evaluated across it.
    """
    backwards, last = nodes[-1] < nodes[0], len(nodes) - 1
    forward = [-node for node in nodes] if backwards else nodes
    kept, wanted = set(nodes), set(stops)
    for stop in stops:
        after = bisect_left(forward, -stop if backwards else stop)
        for i in (after - 1, after):
            if not 0 <= i <= last or nodes[i] == stop:
                continue
            spacing = min(abs(nodes[j] - nodes[j + 1]) for j in (i - 1, i) if 0 <= j < last)
            near = min(max(1e-9 * spacing, 4 * math.ulp(stop)), spacing / 4)
            if abs(nodes[i] - stop) > near:
                continue
            if 0 < i < last:
                kept.discard(nodes[i])
            elif stop not in jumps:
                wanted.discard(stop)
    return tuple(sorted(kept | wanted, reverse=backwards))


def warn_below_resolution(tolerance: Tolerance, y0: Tensor) -> None:
    """Warn when the error asked for is smaller than the state's rounding."""
    eps = torch.finfo(y0.dtype).eps
    if not isinstance(tolerance.rtol, float) or tolerance.rtol >= eps or isinstance(tolerance.atol, Tensor):
        return
    size = float(y0.detach().abs().max())
    if math.isfinite(size) and tolerance.rtol * size + tolerance.atol < eps * size:
        warnings.warn(
            f"rtol = {tolerance.rtol:g} and atol = {tolerance.atol:g} ask for less than the rounding of "
            # Without the state's size: a sentence that changes would be shown at every solve of a loop.
            f"{str(y0.dtype).removeprefix('torch.')}, {eps:.1g} of the state; use float64 or a larger tolerance",
            stacklevel=stacklevel_outside_engine(),
        )

"""Events: times at which a function of time and state becomes zero.

Sign changes are looked for between the ends of accepted steps and located on the step's dense output. Times and
states are made differentiable afterwards by the implicit function theorem, so that every adjoint serves them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.engine.adjoints.first_order import first_order
from odeviz.engine.checks import called, check_callable, checked_event_values, checked_flag
from odeviz.engine.interpolant import at_fraction
from odeviz.engine.kernel import VectorField
from odeviz.engine.stepper import Stepper

#: A value of an event's function within this many roundings of what it is made of may as well be zero.
ROUNDINGS = 64
#: What messages call a jump map.
JUMP = "an event's jump"
EventFunction = Callable[..., Tensor]


@dataclass(frozen=True, eq=False)
class Event:
    """Zero of ``function(t, y [batch, dim]) -> [batch]``.

    ``direction`` is 1 for zeros that rise along the solve, -1 for falling ones, 0 for both. A ``terminal`` event ends
    the solve, of the whole batch where steps are shared, of its sample where each sample has its own. A ``jump`` map
    ``jump(t, y [n, dim]) -> [n, dim]`` replaces the state of the samples that reached the event, and the solve goes
    on from there.

    Jumps that accumulate at a time, as the bounces of a ball that comes to rest, end the solve there, of the sample
    where each has its own steps, with the status ``ZENO``.

    Zeros are looked for between the ends of steps: two of them within one step may be missed, which ``max_step``
    prevents. A function that is zero at the very start has no event there, so that a solve can go on from where an
    event ended another; its first zero is that after it has had a sign.
    """

    function: EventFunction
    direction: int = 0
    terminal: bool = False
    jump: Callable[..., Tensor] | None = None

    def __post_init__(self) -> None:
        check_callable("function", self.function)
        checked_flag("terminal", self.terminal)
        if self.direction not in (-1, 0, 1):
            raise ValueError(f"direction must be -1, 0 or 1, not {self.direction!r}")
        if self.jump is not None:
            check_callable("jump", self.jump)
        if self.jump is not None and self.terminal:
            raise ValueError("an event is terminal or has a jump, not both")


@dataclass(frozen=True, slots=True, eq=False)
class EventRecord:
    """When, where and to whom one event happened, in the order of the solve; differentiable as the solve is."""

    #: Times ``[n]``.
    t: Tensor
    #: States ``[n, dim]``, before the jump if there is one.
    y: Tensor
    #: Indices of the samples ``[n]``.
    sample: Tensor

    def __len__(self) -> int:
        return self.t.shape[0]


@dataclass(frozen=True, slots=True)
class Crossing:
    """One zero inside an accepted step."""

    event: int
    samples: tuple[int, ...]
    theta: float
    #: Size of the step, which tells how fast things change.
    h: float


class EventWatch:
    """Follows the signs of all event functions from step to step."""

    def __init__(self, events: Sequence[Event], unpack: Callable[[Tensor], Tensor]) -> None:
        self._events = tuple(events)
        self._unpack = unpack
        self._signs: list[Tensor] = []

    def begin(self, t: float, y: Tensor, signs: Sequence[Tensor] | None = None) -> None:
        """Note the signs at the start, or take over those of a solve that ended here; NaN where they are not known."""
        state = self._unpack(y)
        self._signs = (
            [values_of(event, t, state).sign() for event in self._events] if signs is None else [*signs]
        )

    @property
    def signs(self) -> tuple[Tensor, ...]:
        """Of each event's function ``[batch]``, where the last look stopped; NaN where it may be at its zero."""
        return tuple(self._signs)

    def look(self, stepper: Stepper, t: float, h: float) -> tuple[list[Crossing], float | None]:
        """Zeros in the step just accepted, in their order, and the fraction at which the solve must stop."""
        # Steppers are asked outside ``no_grad``: what they evaluate now, later steps are differentiated through.
        y1 = self._unpack(stepper.interpolate(h, [1.0])[0].detach())
        ends = [values_of(event, t + h, y1) for event in self._events]
        if any(bool(signs.isnan().any()) for signs in self._signs):
            self._settle(stepper, t, h)
        found: list[Crossing] = []
        unlocated = []
        for index, (event, values, before) in enumerate(zip(self._events, ends, self._signs, strict=True)):
            # Where a function has no value it has no zero either.
            after = torch.where(values.isnan(), before, values.sign())
            changed = (before * after < 0) | ((after == 0) & (before != 0))
            crossed = changed & (before == -event.direction) if event.direction else changed
            unlocated.append(changed & ~crossed)
            self._signs[index] = torch.where(after == 0, -before, after)
            found += self._located(index, crossed, before, stepper, t, h)
        found.sort(key=lambda crossing: crossing.theta)
        for crossing in found:
            event = self._events[crossing.event]
            if event.terminal or event.jump is not None:
                self._step_back(found, unlocated, crossing.theta)
                # Zeros at the same moment, of other samples or events, are part of the same stop.
                return [c for c in found if c.theta <= crossing.theta], crossing.theta
        return found, None

    def _step_back(self, found: list[Crossing], unlocated: list[Tensor], cut: float) -> None:
        """Make the signs those at the fraction ``cut`` of the step: zeros after it are still to come."""
        for crossing in found:
            if crossing.theta > cut:
                signs, samples = self._signs[crossing.event], list(crossing.samples)
                signs[samples] = -signs[samples]
        for signs, unknown in zip(self._signs, unlocated, strict=True):
            signs[unknown] = math.nan

    def _settle(self, stepper: Stepper, t: float, h: float) -> None:
        """Signs not known at the start: the function's, or where that is rounding, of the way it leaves its zero."""
        y, slope = (self._unpack(x.detach()) for x in (stepper.state, stepper.derivative(t)))
        for index, (event, signs) in enumerate(zip(self._events, self._signs, strict=True)):
            if bool(signs.isnan().any()):
                values, rate = values_of(event, t, y), h * _total_derivative(event, t, y, slope, h)
                small = values.abs() <= ROUNDINGS * torch.finfo(y.dtype).eps * (
                    _sensitivity(event, t, y) + rate.abs()
                )
                start = torch.where(small, rate, values).sign()
                self._signs[index] = torch.where(signs.isnan(), start, signs)

    def _located(
        self, index: int, crossed: Tensor, before: Tensor, stepper: Stepper, t: float, h: float
    ) -> list[Crossing]:
        """Crossings of one event; samples whose zeros coincide are one crossing."""
        samples = crossed.nonzero()[:, 0].tolist()
        if not samples:
            return []
        y, polynomial, event = stepper.state.detach(), stepper.polynomial(h).detach(), self._events[index]

        def value(theta: float, sample: int) -> float:
            state = self._unpack(at_fraction(y, polynomial, theta))
            return float(values_of(event, t + theta * h, state)[sample]) * -float(before[sample])

        at: dict[float, list[int]] = {}
        for sample in samples:
            theta = zero_of(lambda theta, sample=sample: value(theta, sample))  # type: ignore[misc]
            at.setdefault(theta, []).append(sample)
        return [Crossing(index, tuple(group), theta, h) for theta, group in at.items()]


def values_of(event: Event, t: float, y: Tensor) -> Tensor:
    """An event function's values ``[batch]`` at states ``[batch, dim]``, without gradient."""
    with torch.no_grad():
        value = called(event.function, t, y, "an event's function", "function")
    return checked_event_values(value, y).detach()


def zero_of(f: Callable[[float], float]) -> float:
    """Zero in (0, 1] of a function that is negative at 0 and not negative at 1.

    The Illinois variant of regula falsi, with a bisection where it is slow; to the last few digits of 1.
    """
    low, high, f_low, f_high = 0.0, 1.0, f(0.0), f(1.0)
    if not f_low < 0:
        f_low = -abs(f_high) or -1.0
    for iteration in range(200):
        if f_high == 0.0 or high - low <= 4e-16 + 1e-15 * high:
            break
        middle = high - f_high * (high - low) / (f_high - f_low)
        if not low < middle < high or iteration % 5 == 4:
            middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        value = f(middle)
        if value >= 0:
            f_low = f_low if f_high > value * 2 else 0.5 * f_low
            high, f_high = middle, value
        else:
            f_high = f_high if f_low < value * 2 else 0.5 * f_high
            low, f_low = middle, value
    return high


def differentiable_crossing(
    event: Event, field: VectorField, t: float, y: Tensor, crossing: Crossing
) -> tuple[Tensor, Tensor]:
    """Times ``[n]`` and states ``[n, dim]`` of one crossing, differentiable once; their values are unchanged.

    ``y [batch, dim]`` is the state at the fixed time t, as the solve differentiates it. With g(t*, y(t*)) = 0,
    dt* = -dg / (dg/dt + dg/dy . f) at fixed time, and y moves along f with t* (the implicit function theorem).
    """
    rows = torch.as_tensor(crossing.samples, device=y.device)
    times = y.new_full((len(rows),), t, dtype=torch.float64 if y.dtype == torch.float64 else y.dtype)
    if not (torch.is_grad_enabled() and (y.requires_grad or _depends(event, t, y))):
        return times, y[rows]
    with torch.no_grad():
        slope = field(t, y)
    rate = _total_derivative(event, t, y.detach(), slope, crossing.h)[rows]
    residual = event.function(t, y)[rows]
    shift = -(residual - residual.detach()) / rate
    shift = first_order(shift, shift)
    return times + shift.to(times), y[rows] + slope[rows] * shift[:, None]


def _depends(event: Event, t: float, y: Tensor) -> bool:
    """Whether the event function has parameters of its own."""
    return bool(event.function(t, y.detach()).requires_grad)


def _gradient(event: Event, t: float, y: Tensor) -> Tensor:
    """dg/dy ``[batch, dim]``."""
    with torch.enable_grad():
        state = y.clone().requires_grad_()
        value = event.function(t, state)
        if not value.requires_grad:
            return torch.zeros_like(y)
        (gradient,) = torch.autograd.grad(value.sum(), state, allow_unused=True)
    return torch.zeros_like(y) if gradient is None else gradient


def _sensitivity(event: Event, t: float, y: Tensor) -> Tensor:
    """How much the function's value ``[batch]`` is made of: its rounding is this many times that of one."""
    return (_gradient(event, t, y) * y).abs().sum(1)


def time_resolution(event: Event, t: float, y: Tensor, slope: Tensor, h: float) -> Tensor:
    """By how much rounding the states ``[batch, dim]`` moves the function's zero in time, ``[batch]``."""
    rate = _total_derivative(event, t, y, slope, h).abs()
    return torch.finfo(y.dtype).eps * _sensitivity(event, t, y) / rate


def time_span(t: float, h: float, dtype: torch.dtype) -> float:
    """A difference of times for derivatives near t, where a step of size h was made."""
    return max(float(torch.finfo(dtype).eps ** (1 / 3)) * abs(h), 64 * math.ulp(t))


def _total_derivative(event: Event, t: float, y: Tensor, slope: Tensor, h: float) -> Tensor:
    """dg/dt ``[batch]`` along the trajectory, in time by a central difference."""
    along = (_gradient(event, t, y) * slope).sum(1)
    with torch.no_grad():
        span = time_span(t, h, y.dtype)
        ahead, behind = event.function(t + span, y), event.function(t - span, y)
        rate: Tensor = along + (ahead - behind) / (2 * span)
    return rate.detach()

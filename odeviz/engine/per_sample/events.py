"""Events of samples at different times: signs followed, zeros located and crossings differentiated all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from odeviz.engine.adjoints.first_order import first_order
from odeviz.engine.checks import called, checked_event_values, checked_value
from odeviz.engine.events import JUMP, ROUNDINGS, Event
from odeviz.engine.interpolant import at_fraction
from odeviz.engine.per_sample.ensemble import Clock, EachField, Ensemble


class EachEventWatch:
    """Follows the signs of all event functions in every column of an ensemble."""

    def __init__(self, events: Sequence[Event], ensemble: Ensemble) -> None:
        self.events = tuple(events)
        self._ensemble = ensemble
        self._before: list[Tensor] = []
        self._after: list[Tensor] = []
        self._crossed: list[Tensor] = []
        #: Where a function's sign changed in the direction that is not asked for.
        self._unlocated: list[Tensor] = []
        self._unsettled = False

    def begin(self, clock: Clock) -> None:
        """Note the signs at the start."""
        self._before = [self._values(event, clock.time, self._ensemble.y).sign() for event in self.events]

    def _values(self, event: Event, time: Tensor, y: Tensor) -> Tensor:
        """The event function at internal times ``[width]`` and states ``[dim, width]``."""
        rows = y.t().contiguous()
        value = called(event.function, self._ensemble.column(time), rows, "an event's function", "function")
        return checked_event_values(value, rows).detach()

    def look(self, clock: Clock, accepted: Tensor) -> Tensor:
        """Columns ``[width]`` in whose accepted step some event's function has a zero."""
        moving = accepted & (clock.step > 0)
        if self._unsettled:
            self._settle(clock, moving)
        self._crossed, self._after, self._unlocated = [], [], []
        for event, before in zip(self.events, self._before, strict=True):
            values = self._values(event, clock.time, self._ensemble.y1)
            # Where a function has no value it has no zero either.
            after = torch.where(values.isnan(), before, values.sign())
            changed = (before * after < 0) | ((after == 0) & (before != 0))
            crossed = changed & (before == -event.direction) if event.direction else changed
            self._unlocated.append(changed & ~crossed & moving)
            self._crossed.append(crossed & moving)
            self._after.append(torch.where(moving, torch.where(after == 0, -before, after), before))
        return self.any_crossed

    def _settle(self, clock: Clock, moving: Tensor) -> None:
        """Signs not known at the start: the function's, or where that is rounding, of the way it leaves its zero."""
        ensemble = self._ensemble
        column, rows, slope = ensemble.column(clock.start), ensemble.y.t().contiguous(), ensemble.f0.t()
        along = ensemble.actual(clock.step).to(rows.dtype)
        for index, (event, before) in enumerate(zip(self.events, self._before, strict=True)):
            values, rate = (
                self._values(event, clock.start, ensemble.y),
                _total_derivative(event, column, rows, slope),
            )
            rate = rate * along
            small = values.abs() <= ROUNDINGS * torch.finfo(rows.dtype).eps * (
                rate.abs() + rows.abs().amax(1)
            )
            signs = torch.where(small, rate, values).sign()
            self._before[index] = torch.where(before.isnan() & moving, signs, before)
        self._unsettled = any(bool(signs.isnan().any()) for signs in self._before)

    def locate(self, clock: Clock) -> list[Tensor]:
        """For each event the fractions ``[width]`` of the step at which it happened; infinite elsewhere."""
        fractions = []
        y, polynomial = self._ensemble.y, self._ensemble.polynomial()
        for event, crossed, before in zip(self.events, self._crossed, self._before, strict=True):

            def value(theta: Tensor, event: Event = event, before: Tensor = before) -> Tensor:
                state = at_fraction(y, polynomial, theta.to(y.dtype))
                return self._values(event, clock.start + theta * clock.step, state) * -before

            theta = zeros_of(value, crossed, clock.step)
            fractions.append(torch.where(crossed, theta, math.inf))
        return fractions

    @property
    def any_crossed(self) -> Tensor:
        """Columns ``[width]`` in which the last look found a zero."""
        return torch.stack(self._crossed).any(0)

    def step_back(self, cut: Tensor, later: Tensor) -> None:
        """Where steps were ``cut [width]`` short, zeros ``later [event, width]`` in them are still to come."""
        for index, unlocated in enumerate(self._unlocated):
            after = torch.where(later[index], self._before[index], self._after[index])
            self._after[index] = torch.where(unlocated & cut, math.nan, after)
            self._unsettled |= bool((unlocated & cut).any())

    def resolution(self, event: Event, time: Tensor, y: Tensor, slope: Tensor) -> Tensor:
        """By how much rounding the states moves the function's zero in time, ``[width]``: ``events.time_resolution``.

        ``y`` and ``slope [dim, width]`` are the states and how they change with the samples' own times.
        """
        rows = y.t().contiguous()
        in_time, in_state = _gradients(event, self._ensemble.column(time), rows)
        rate = in_time + (in_state * slope.t()).sum(1)
        return torch.finfo(rows.dtype).eps * (in_state * rows).abs().sum(1) / rate.abs()

    def go_on(self) -> None:
        """Make the signs at the step's end current."""
        self._before = self._after

    def restart(self, fired: Tensor, time: Tensor, before: Tensor, after: Tensor) -> None:
        """Forget the signs of what happened in columns ``fired [event, width]``: they start at their zero.

        Other functions' signs are forgotten where the jumps from states ``before`` to ``after [dim, width]`` changed
        their values; elsewhere a zero that all but coincides with the jump may still be to come.
        """
        for index, (event, signs) in enumerate(zip(self.events, self._before, strict=True)):
            changed = self._values(event, time, before) != self._values(event, time, after)
            self._before[index] = torch.where(fired[index] | changed & fired.any(0), math.nan, signs)
        self._unsettled = True

    def select(self, columns: Tensor) -> None:
        """Keep only these columns, in this order."""
        self._before = [signs[columns] for signs in self._before]


def zeros_of(f: Callable[[Tensor], Tensor], active: Tensor, like: Tensor) -> Tensor:
    """Zeros in (0, 1] where ``active [n]``, each found without regard to the others; see ``events.zero_of``.

    ``f`` takes and returns ``[n]``; it is negative at 0 and not negative at 1.
    """
    low, high = torch.zeros_like(like), torch.ones_like(like)
    f_low, f_high = f(low).to(like.dtype), f(high).to(like.dtype)
    f_low = torch.where(f_low < 0, f_low, torch.where(f_high == 0, -1.0, -f_high.abs()))
    for iteration in range(200):
        active = active & (f_high != 0) & (high - low > 4e-16 + 1e-15 * high)
        middle = high - f_high * (high - low) / (f_high - f_low)
        slow = ~((low < middle) & (middle < high)) | (iteration % 5 == 4)
        middle = torch.where(slow, 0.5 * (low + high), middle)
        active = active & (middle != low) & (middle != high)
        if not bool(active.any()):
            break
        value = f(torch.where(active, middle, high)).to(like.dtype)
        above = active & (value >= 0)
        below = active & ~above
        halved_low = torch.where(f_high > value * 2, f_low, 0.5 * f_low)
        halved_high = torch.where(f_low < value * 2, f_high, 0.5 * f_high)
        f_low = torch.where(above, halved_low, torch.where(below, value, f_low))
        f_high = torch.where(below, halved_high, torch.where(above, value, f_high))
        high, low = torch.where(above, middle, high), torch.where(below, middle, low)
    return high


def differentiable_crossings(event: Event, field: EachField, t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Times ``[n]`` and states ``[n, dim]`` of crossings, differentiable; their values are unchanged.

    ``y`` holds the states at the fixed times t, as the solve differentiates them. As
    ``events.differentiable_crossing``: dt* = -dg / (dg/dt + dg/dy . f) at fixed time, and y moves along f with t*.
    """
    if not (torch.is_grad_enabled() and len(t)):
        return t, y
    column = t.to(y.dtype)[:, None]
    residual = event.function(column, y)
    if not residual.requires_grad:
        return t, y
    slope = field(column, y).detach()
    shift = -(residual - residual.detach()) / _total_derivative(event, column, y.detach(), slope)
    shift = first_order(shift, shift)
    return t + shift.to(t), y + slope * shift[:, None]


def _total_derivative(event: Event, t: Tensor, y: Tensor, slope: Tensor) -> Tensor:
    """dg/dt + dg/dy . f ``[n]`` along the trajectories."""
    in_time, in_state = _gradients(event, t, y)
    return in_time + (in_state * slope).sum(1)


def _gradients(event: Event, t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """dg/dt ``[n]`` and dg/dy ``[n, dim]``."""
    with torch.enable_grad():
        t, y = t.clone().requires_grad_(), y.clone().requires_grad_()
        value = event.function(t, y)
        if not value.requires_grad:
            return torch.zeros_like(value), torch.zeros_like(y)
        in_time, in_state = torch.autograd.grad(value.sum(), (t, y), allow_unused=True)
    return (
        torch.zeros_like(value) if in_time is None else in_time[:, 0],
        torch.zeros_like(y) if in_state is None else in_state,
    )


def jumped(event: Event, field: EachField, t: Tensor, y: Tensor, *, differentiable: bool) -> Tensor:
    """States ``[n, dim]`` after the event's jump, at the fixed times t ``[n]`` from which the solves go on.

    That the jump's time depends on the state is carried by the state (the saltation matrix of hybrid systems).
    """
    assert event.jump is not None
    when, before = differentiable_crossings(event, field, t, y) if differentiable else (t, y)
    column = when.to(y.dtype)[:, None]
    after = checked_value(called(event.jump, column, before, JUMP, "jump"), before, JUMP)
    if not when.requires_grad:
        return after
    slope = field(column.detach(), after.detach()).detach()
    return after - slope * (column - column.detach())

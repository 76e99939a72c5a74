"""Step-size control of many samples at once: ``engine.controller``'s formulas on the rows of a clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from odeviz.engine.controller import PIDController
from odeviz.engine.per_sample.ensemble import Clock, Ensemble


class EachPolicy(Protocol):
    """Chooses and judges the steps of all columns of an ensemble; works on their clock."""

    def begin(self, ensemble: Ensemble, clock: Clock) -> None:
        """Note the first step sizes to try."""
        ...

    def attempt(self, clock: Clock) -> Tensor:
        """Note the step sizes to use; the times ``[width]`` they end at."""
        ...

    def judge(self, ensemble: Ensemble, clock: Clock) -> Tensor:
        """Note errors and next step sizes; which steps are accepted, ``[width]``."""
        ...


@dataclass(frozen=True, slots=True)
class AdaptiveEach:
    """For each sample steps as large as its tolerance allows: see ``AdaptiveSteps``."""

    controller: PIDController
    #: Exponent 1 / (error order + 1).
    exponent: float
    #: A number, or ``[width]`` for the first columns; estimated by default.
    first_step: float | Tensor | None
    min_step: float
    max_step: float

    def begin(self, ensemble: Ensemble, clock: Clock) -> None:
        span = clock.end - clock.time
        if self.first_step is None:
            following = initial_steps(ensemble, clock, self.exponent)
        else:
            following = torch.as_tensor(self.first_step, dtype=span.dtype, device=span.device).expand_as(span)
        clock.next.copy_(torch.minimum(following, span))
        clock.ceiling.fill_(self.controller.max_factor)
        self._limit(clock)

    def _limit(self, clock: Clock) -> None:
        if self.min_step > 0 or self.max_step < math.inf:
            clock.next.clamp_(self.min_step, self.max_step)

    def attempt(self, clock: Clock) -> Tensor:
        time, step, following, end = clock.time, clock.step, clock.next, clock.end
        clock.start.copy_(time)
        left = end - time
        # A step that all but reaches the end is stretched to it, as in AdaptiveSteps.
        reaches = following * max(1.01, 1.0 / self.controller.safety) >= left
        if self.max_step < math.inf:
            reaches &= left <= self.max_step * (1 + 1e-9)
        # The step is what the time moves by, which at large times is not quite what was asked for.
        ends = torch.where(reaches, end, time + following)
        torch.sub(ends, time, out=step)
        return ends

    def judge(self, ensemble: Ensemble, clock: Clock) -> Tensor:
        step, error, following = clock.step, clock.error, clock.next
        last, before, ceiling = clock.last, clock.before, clock.ceiling
        control, k = self.controller, self.exponent
        ensemble.error(error)
        error.nan_to_num_(nan=math.inf, posinf=math.inf)
        accepted = error <= 1.0
        smallest = None
        if self.min_step > 0:
            smallest = torch.minimum(step, following) <= self.min_step
            accepted |= torch.isfinite(error) & smallest
        size = error.clamp_min(1e-10).log_()
        change = torch.mul(size, -control.alpha * k).add_(last, alpha=control.beta * k)
        if control.gamma:
            change.add_(before, alpha=-control.gamma * k)
        change = torch.where(accepted, change, size * -k)
        factor = change.add_(math.log(control.safety)).exp_().clamp_min_(control.min_factor)
        torch.mul(torch.minimum(factor, ceiling, out=factor), step, out=following)
        if control.gamma:
            torch.where(accepted, last, before, out=before)
        torch.where(accepted, size, last, out=last).clamp_min_(math.log(1e-4))
        ceiling.fill_(1.0).masked_fill_(accepted, control.max_factor)
        self._limit(clock)
        if smallest is not None:
            following.masked_fill_(smallest & ~accepted, 0.0)  # no smaller step is tried
        return accepted


@dataclass(frozen=True, slots=True)
class EqualEach:
    """Equal steps over each sample's own interval, as many as its clock says; their error is not estimated."""

    def begin(self, ensemble: Ensemble, clock: Clock) -> None:
        clock.least.copy_(torch.where(clock.least < 0, clock.least, 0.0))

    def attempt(self, clock: Clock) -> Tensor:
        first, count, end = clock.first, clock.count, clock.end
        clock.start.copy_(clock.time)
        # The next node after the time reached, computed from both ends so that rounding does not add up.
        width = (end - first) / count
        # How far, in steps, the time reached may lie before its node: by rounding, which grows with the time.
        rounding = 8 * torch.finfo(end.dtype).eps * torch.maximum(first.abs(), end.abs()) / width
        done = ((clock.time - first) / width + rounding.clamp_(1e-6, 0.5)).floor() + 1
        stop = torch.where(done >= count, end, torch.minimum(first + done * width, end))
        torch.sub(stop, clock.time, out=clock.step)
        return stop

    def judge(self, ensemble: Ensemble, clock: Clock) -> Tensor:
        accepted = ensemble.finite()
        clock.error.copy_(torch.where(accepted, math.nan, math.inf))
        clock.next.copy_(torch.where(accepted, clock.step, 0.0))
        return accepted


def initial_steps(ensemble: Ensemble, clock: Clock, exponent: float) -> Tensor:
    """First step sizes ``[width]``; one extra evaluation. See ``controller.initial_step``."""
    time, span = clock.time, clock.end - clock.time
    d0, d1 = ensemble.measure(ensemble.y, ensemble.f0).unbind(0)
    h0 = torch.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1)
    usable = torch.isfinite(h0) & (h0 > 0)
    h0 = torch.where(usable, torch.minimum(h0, span), span)
    slope = ensemble.f0.clone()
    d2 = ensemble.measure(ensemble.explore(time, h0) - slope)[0] / h0
    steepest = torch.fmax(d1, d2)
    h1 = torch.where(steepest > 1e-15, (0.01 / steepest) ** exponent, torch.clamp_min(h0 * 1e-3, 1e-6))
    visible = 4 * clock.least * torch.maximum(time.abs(), clock.end.abs())
    following = torch.maximum(torch.minimum(100 * h0, h1), visible)
    return torch.where(usable, torch.minimum(following, span), span)

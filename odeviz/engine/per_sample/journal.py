"""What happened to each sample of a batch whose samples have their own steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.engine.interpolant import at_fraction
from odeviz.engine.solution import SampleSteps, Status


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of the whole working batch, ``[..., width]``."""

    #: The sample in each column.
    samples: Tensor
    #: Rows: start, size, scaled error and the size suggested next. The size is zero in columns at rest.
    record: Tensor
    accepted: Tensor
    #: States at the start, where they are kept.
    y: Tensor | None
    #: The dense output ``[degree, dim, width]``, where it is kept.
    polynomial: Tensor | None


@dataclass(frozen=True, slots=True)
class Moments:
    """Points inside steps: outputs or crossings, ``[n]`` each."""

    attempt: int
    columns: Tensor
    samples: Tensor
    #: Fractions of the step.
    theta: Tensor
    #: Row of the output, or index of the event.
    row: Tensor
    #: Internal times.
    time: Tensor


class Journal:
    """Filled by the time loop; read by the solution, its dense output and its gradient."""

    def __init__(self, outputs: Tensor, y0: Tensor, *, keep_states: bool) -> None:
        """``outputs [batch, time]`` run forwards; ``y0 [batch, dim]``."""
        batch, times = outputs.shape
        self.keep_states = keep_states
        #: States at the output times ``[time, batch, dim]``, NaN where a sample did not get there.
        self.y = y0.new_full((times, *y0.shape), math.nan)
        self.y[0] = y0
        self.attempts: list[Attempt] = []
        self.outputs: list[Moments] = []
        self.crossings: list[Moments] = []
        #: States ``[dim, n]`` at the crossings.
        self.crossing_states: list[Tensor] = []
        #: Those of the crossings after which the state jumped.
        self.jumps: list[Moments] = []
        self.status: list[Status | None] = [None] * batch
        #: Where each sample stopped, ``[batch]`` and ``[batch, dim]``.
        self.t_stop, self.y_stop = outputs[:, 0].clone(), y0.clone()
        #: Evaluations beside those of the steps themselves.
        self.extra_evaluations = torch.zeros(batch, dtype=torch.long, device=y0.device)

    def ended(self, samples: Tensor, status: Status, time: Tensor, states: Tensor) -> None:
        """Note how, when and in which ``states [n, dim]`` these samples ended."""
        for sample in samples.tolist():
            self.status[sample] = status
        self.t_stop[samples], self.y_stop[samples] = time, states

    def ledger(self) -> Ledger:
        return Ledger(self)


class Ledger:
    """The attempts of a journal by sample: everything one after the other, each sample's steps in their order."""

    def __init__(self, journal: Journal) -> None:
        attempts, batch = journal.attempts, len(journal.status)
        none = journal.t_stop.new_zeros(4, 0)
        everything = torch.cat([none, *(a.record for a in attempts)], 1)
        moving = everything[1] > 0
        device = moving.device
        samples = torch.cat([torch.zeros(0, dtype=torch.long, device=device), *(a.samples for a in attempts)])
        accepted = torch.cat(
            [torch.zeros(0, dtype=torch.bool, device=device), *(a.accepted for a in attempts)]
        )
        self.sample, self.accepted = samples[moving], accepted[moving]
        self.t, self.h, self.error, following = everything[:, moving].unbind(0)
        #: Accepted and rejected steps of each sample ``[batch]``.
        self.taken = torch.bincount(self.sample[self.accepted], minlength=batch)
        self.rejected = torch.bincount(self.sample[~self.accepted], minlength=batch)
        #: The step size suggested after each sample's last one ``[batch]``.
        self.next_step = journal.t_stop.new_zeros(batch)
        order = torch.sort(self.sample, stable=True).indices
        ends = (self.taken + self.rejected).cumsum(0) - 1
        begun = (self.taken + self.rejected) > 0
        self.next_step[begun] = following[order][ends[begun]]
        self._steps, self._samples = moving & accepted, samples
        self._attempts = attempts

    def steps(self, direction: Tensor | None) -> SampleSteps:
        """All attempted steps, with times and sizes as the samples' own times run."""
        sign = 1.0 if direction is None else direction[self.sample]
        return SampleSteps(self.sample, self.t * sign, self.h * sign, self.error, self.accepted)

    def levels(self) -> Levels:
        """The accepted steps by their number in their sample's solve."""
        steps = self._steps.nonzero()[:, 0]
        samples = self._samples[steps]
        order = torch.sort(samples, stable=True).indices
        first = torch.cumsum(self.taken, 0) - self.taken
        level = torch.empty_like(samples)
        level[order] = torch.arange(len(samples), device=samples.device) - first[samples[order]]
        #: Where a column of an attempt is among the accepted steps.
        place = torch.full_like(self._samples, -1)
        place[steps] = torch.arange(len(steps), device=steps.device)
        offsets = [0]
        for attempt in self._attempts:
            offsets.append(offsets[-1] + attempt.record.shape[1])
        return Levels(samples, level, self.t[self.accepted], self.h[self.accepted], steps, place, offsets)


@dataclass(frozen=True, slots=True)
class Levels:
    """Accepted steps ``[n]``: whose, the how manieth of that sample, and what they were."""

    sample: Tensor
    level: Tensor
    t: Tensor
    h: Tensor
    #: Where they are among all columns of all attempts, and the inverse.
    source: Tensor
    place: Tensor
    offsets: list[int]

    def of(self, moments: Moments) -> Tensor:
        """The accepted steps in which these moments lie, ``[n]``."""
        return self.place[self.offsets[moments.attempt] + moments.columns]

    def gathered(self, values: list[Tensor]) -> Tensor:
        """From ``[..., width]`` of each attempt to ``[..., n]`` of each accepted step."""
        return torch.cat(values, -1)[..., self.source]


class EachDense:
    """Dense output of samples with their own steps."""

    def __init__(
        self, journal: Journal, ledger: Ledger, first: Tensor, last: Tensor, direction: Tensor | None
    ):
        """``first`` and ``last [batch]``: the times asked for, internal."""
        levels, batch = ledger.levels(), len(first)
        self._first, self._last, self._direction = first, last, direction
        self._stop = journal.t_stop
        count = int(ledger.taken.max()) if batch else 0
        self._index = torch.zeros(batch, max(count, 1), dtype=torch.long, device=first.device)
        self._starts = torch.full((batch, max(count, 1)), math.inf, dtype=first.dtype, device=first.device)
        self._index[levels.sample, levels.level] = torch.arange(len(levels.sample), device=first.device)
        self._starts[levels.sample, levels.level] = levels.t
        self._t, self._h = levels.t, levels.h
        if journal.attempts:
            self._y = levels.gathered([a.y for a in journal.attempts if a.y is not None])
            self._polynomial = levels.gathered(
                [a.polynomial for a in journal.attempts if a.polynomial is not None]
            )
        self._taken = ledger.taken
        self._y0 = journal.y[0]

    def __call__(self, t: float | Tensor) -> Tensor:
        """States ``[batch, dim]`` at one time or at a time for each sample ``[batch]``.

        NaN where a sample stopped before; ``ValueError`` outside the interval asked for.
        """
        time = torch.as_tensor(t).detach().to(self._first).expand_as(self._first)
        if self._direction is not None:
            time = time * self._direction
        outside = ~((time >= self._first) & (time <= self._last))
        if bool(outside.any()):
            sample = int(outside.nonzero()[0])
            sign = 1.0 if self._direction is None else float(self._direction[sample])
            raise ValueError(
                f"t = {sign * float(time[sample])} is outside the interval of sample {sample}, from "
                f"{sign * float(self._first[sample])} to {sign * float(self._last[sample])}"
            )
        value = torch.full_like(self._y0, math.nan)
        value = torch.where((time == self._first)[:, None], self._y0, value)
        reached = ((time <= self._stop) & (self._taken > 0)).nonzero()[:, 0]
        if not len(reached):
            return value
        time = time[reached]
        level = torch.searchsorted(self._starts[reached], time[:, None], right=True)[:, 0] - 1
        step = self._index[reached, level.clamp_min(0)]
        theta = ((time - self._t[step]) / self._h[step]).to(value.dtype)
        value[reached] = at_fraction(self._y[:, step], self._polynomial[:, :, step], theta).t()
        return value

"""Samples on their way, each with its own steps: what one turn of the time loop does to all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from odeviz.engine.events import Event
from odeviz.engine.flights import Flights
from odeviz.engine.interpolant import at_fraction
from odeviz.engine.per_sample.control import EachPolicy
from odeviz.engine.per_sample.ensemble import Clock, Ensemble, quantum
from odeviz.engine.per_sample.events import EachEventWatch, jumped
from odeviz.engine.per_sample.journal import Attempt, Journal, Moments
from odeviz.engine.solution import Status


class Population:
    """The working batch of a solve, from which samples are taken out when they have ended.

    Column ``c`` of ``ensemble`` and ``clock`` holds sample ``samples[c]``; ``outputs [batch, time]`` run forwards.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        clock: Clock,
        samples: Tensor,
        outputs: Tensor,
        journal: Journal,
        events: EachEventWatch | None,
        *,
        dense: bool = False,
    ) -> None:
        self.ensemble, self.clock, self.samples, self.journal = ensemble, clock, samples, journal
        self._outputs, self._events, self._dense = outputs, events, dense
        #: Number of samples still on their way.
        self.going = len(outputs)
        #: How many outputs each sample has passed, ``[batch]``.
        self._passed = torch.ones_like(samples[: self.going])
        self._interior: Tensor | None = None
        self._accepted = samples < 0
        self._ended = False
        #: Samples that have not reached their end.
        self._left = self.going
        self._leap: tuple[Tensor, Tensor] | None = None
        count = 0 if events is None else len(events.events)
        self._flights = Flights(count, outputs[:, 0])

    @property
    def _moving(self) -> Tensor:
        """Columns ``[width]`` that hold a sample on its way."""
        return self.clock.least >= 0

    @property
    def _stuck(self) -> Tensor:
        """Columns ``[width]`` whose next step would no longer move the time."""
        clock = self.clock
        return clock.next <= clock.least * clock.time.abs()

    def begin(self, policy: EachPolicy) -> None:
        """Choose the first steps; samples that cannot begin end here."""
        ensemble, clock = self.ensemble, self.clock
        ensemble.begin(clock.time)
        sound = torch.isfinite(ensemble.y).all(0) & torch.isfinite(ensemble.f0).all(0)
        policy.begin(ensemble, clock)
        self.journal.extra_evaluations += ensemble.calls
        if self._events is not None:
            self._events.begin(clock)
        if not bool(sound.all()):
            self._end(self._moving & ~sound, Status.NON_FINITE, ensemble.y)
            self._rearrange()

    def attempt(self, policy: EachPolicy) -> bool:
        """Make a step of every sample; whether anything but going on happened to any of them."""
        ensemble, clock, journal = self.ensemble, self.clock, self.journal
        ends = policy.attempt(clock)
        ensemble.attempt(clock.start, clock.step)
        self._accepted = accepted = policy.judge(ensemble, clock)
        self._interior = None
        states = ensemble.y.clone() if journal.keep_states or self._dense else None
        polynomial = self._polynomial(self._moving) if self._dense else None
        journal.attempts.append(Attempt(self.samples, clock.record.clone(), accepted, states, polynomial))
        torch.where(accepted, ends, clock.start, out=clock.time)
        going = clock.time < clock.end
        notable = self._stuck.logical_and_(going)
        if self._outputs.shape[1] > 2:
            notable |= clock.time >= clock.due
        if self._events is not None:
            notable |= self._events.look(clock, accepted)
        # One number tells whether anything happened and, if not, how many samples have not reached their end.
        self._left = int(going.sum().masked_fill_(notable.any(), -1))
        return self._left < 0

    def settle(self) -> None:
        """Take the outputs and events in the step just made, and take leave of samples that stopped."""
        clock = self.clock
        stopped, cut = self._meet_events() if self._events is not None else (None, None)
        columns = (clock.time >= clock.due).nonzero()[:, 0]
        if len(columns):
            self._take_outputs(columns)
        if stopped is not None and cut is not None:
            self._stop(stopped, cut)
        stuck = self._moving & self._stuck & (clock.time < clock.end)
        if bool(stuck.any()):
            broken = stuck & ~torch.isfinite(clock.error) & ~self._accepted
            reached = torch.where(self._accepted, self.ensemble.y1, self.ensemble.y)
            self._end(broken, Status.NON_FINITE, reached)
            self._end(stuck & ~broken, Status.STEP_TOO_SMALL, reached)
        self._left = int((clock.time < clock.end).sum())

    def accept(self) -> None:
        """Go on from the ends of the steps that are good enough."""
        self.ensemble.accept(self._accepted)
        if self._events is not None:
            self._events.go_on()
        if self._leap is not None:
            self._land(*self._leap)
            self._leap = None
        # Those that have reached their end stay, at rest, until the batch can be narrower without them.
        if self._ended or not self._left or self._width(self._left) < self.ensemble.width:
            self._finish()
            self._rearrange()

    def _width(self, live: int) -> int:
        """The width for so many samples: the present one unless a power of two times the quantum is well below it.

        Few widths, for a field's kernel is made for each and kept for the next solve.
        """
        unit, width = quantum(self.ensemble.y.dtype), self.ensemble.width
        narrower = unit << max(0, -(-live // unit) - 1).bit_length()
        return narrower if 4 * narrower <= 3 * width else width

    def _finish(self) -> None:
        """Take leave of samples that have reached their end."""
        clock = self.clock
        columns = (self._moving & (clock.time >= clock.end)).nonzero()[:, 0]
        if not len(columns):
            return
        states = self.ensemble.y[:, columns].t()
        # An infinite state is in proportion to any error, so that the error's norm may not have seen it.
        sound = torch.isfinite(states).all(1)
        self.journal.y[-1, self.samples[columns]] = torch.where(sound[:, None], states, math.nan)
        if bool(sound.all()):
            self._leave(columns, Status.SUCCESS, states)
        else:
            self._leave(columns[sound], Status.SUCCESS, states[sound])
            self._leave(columns[~sound], Status.NON_FINITE, states[~sound])

    def end_all(self, status: Status) -> None:
        """Take leave of everyone."""
        self._finish()
        self._end(self._moving, status, self.ensemble.y)

    def _stop(self, stopped: Tensor, cut: Tensor) -> None:
        """Take leave of samples at a terminal event; one at the very end of its interval has its last output.

        ``cut [width]`` is the fraction of the step at which it happened.
        """
        clock = self.clock
        last = (stopped & (clock.time >= clock.end)).nonzero()[:, 0]
        if len(last):
            self._output(last, torch.full_like(last, self._outputs.shape[1] - 1), clock.time[last])
        columns = stopped.nonzero()[:, 0]
        if len(columns):
            self._ended = True
            self._leave(columns, Status.EVENT, self._states(columns, cut[columns]).t())

    def _end(self, which: Tensor, status: Status, states: Tensor) -> None:
        """Take leave of samples before their end, in ``states [dim, width]``."""
        columns = which.nonzero()[:, 0]
        if len(columns):
            self._ended = True
            self._leave(columns, status, states[:, columns].t())

    def _leave(self, columns: Tensor, status: Status, states: Tensor) -> None:
        """Take leave of the samples in these columns, in ``states [n, dim]``."""
        clock, samples = self.clock, self.samples[columns]
        self.journal.ended(samples, status, clock.time[columns], states)
        clock.rest(columns)
        self.going -= len(columns)

    def _rearrange(self) -> None:
        """Leave out columns nobody needs, or fill those of samples that ended with copies of one that goes on."""
        self._ended = False
        moving = self._moving
        live = moving.nonzero()[:, 0]
        if not len(live):
            return
        width = self._width(len(live))
        if width < self.ensemble.width:
            columns = torch.cat([live, live[:1].expand(width - len(live))])
            inert = torch.arange(len(live), width, device=live.device)
            self.ensemble.select(columns)
        else:
            columns = torch.where(moving, torch.arange(len(moving), device=live.device), live[0])
            inert = (~moving).nonzero()[:, 0]
            self.ensemble.copy(columns)
        self.clock = Clock(self.clock.table[:, columns])
        self.clock.rest(inert)
        self.samples = self.samples[columns]
        if self._events is not None:
            self._events.select(columns)

    # Inside a step.

    def _polynomial(self, columns: Tensor) -> Tensor:
        """The dense output of the step just made, counted for the samples that need it."""
        if self._interior is None:
            self._interior = self.ensemble.polynomial()
            self._counted = torch.zeros_like(columns)
        fresh = self.samples[columns & ~self._counted]
        self._counted = self._counted | columns
        self.journal.extra_evaluations[fresh] += self.ensemble.method.extra
        return self._interior

    def _states(self, columns: Tensor, theta: Tensor) -> Tensor:
        """States ``[dim, n]`` at fractions ``[n]`` of the step just made."""
        ends = self.ensemble.y1[:, columns]
        inside = theta < 1
        if not bool(inside.any()):
            return ends
        needed = torch.zeros_like(self._accepted)
        needed[columns[inside]] = True
        polynomial = self._polynomial(needed)[:, :, columns]
        values = at_fraction(self.ensemble.y[:, columns], polynomial, theta.to(ends.dtype))
        return torch.where(inside, values, ends)

    def _take_outputs(self, columns: Tensor) -> None:
        clock, samples = self.clock, self.samples[columns]
        # The last one is the state in which the sample finishes.
        outputs, first = self._outputs[samples, :-1], self._passed[samples]
        passed = torch.searchsorted(outputs, clock.time[columns][:, None], right=True)[:, 0]
        count = passed - first
        which = torch.repeat_interleave(torch.arange(len(columns), device=columns.device), count)
        row = torch.arange(len(which), device=columns.device) - (count.cumsum(0) - count - first)[which]
        self._output(columns[which], row, outputs[which, row])
        self._passed[samples] = passed
        following = self._outputs[samples, passed]
        clock.due[columns] = torch.where(passed < outputs.shape[1], following, math.inf)

    def _output(self, columns: Tensor, row: Tensor, when: Tensor) -> None:
        """Keep states at internal times ``when [n]`` in the step just made as outputs ``row``."""
        clock, journal, samples = self.clock, self.journal, self.samples[columns]
        theta = (when - clock.start[columns]) / clock.step[columns]
        theta.masked_fill_((theta - 1).abs() < 1e-12, 1.0)
        journal.y[row, samples] = self._states(columns, theta).t()
        journal.outputs.append(Moments(len(journal.attempts) - 1, columns, samples, theta, row, when))

    def _meet_events(self) -> tuple[Tensor | None, Tensor | None]:
        """Record crossings; the columns ``[width]`` that stop at them, and the fractions at which steps were cut.

        Times go back to where steps were cut.
        """
        watch, clock = self._events, self.clock
        assert watch is not None
        crossed = watch.any_crossed
        if not bool(crossed.any()):
            return None, None
        self._polynomial(crossed)
        theta = torch.stack(watch.locate(clock))
        ends = torch.tensor([e.terminal or e.jump is not None for e in watch.events], device=theta.device)
        cut = theta.masked_fill(~ends[:, None], math.inf).amin(0)
        happened = torch.isfinite(theta) & (theta <= cut)
        cut_here = torch.isfinite(cut)
        watch.step_back(cut_here, torch.isfinite(theta) & (theta > cut))
        torch.where(cut_here, clock.start + cut * clock.step, clock.time, out=clock.time)
        final = happened & (theta == cut)
        terminal = torch.tensor([e.terminal for e in watch.events], device=theta.device)
        stopped = (final & terminal[:, None]).any(0)
        leaping = cut_here & ~stopped & (clock.time < clock.end)
        for index in range(len(watch.events)):
            self._record(index, happened[index], theta[index], leaping & final[index])
        if bool(leaping.any()):
            # The whole width is computed, so that a state does not depend on who else jumps.
            everyone = torch.arange(self.ensemble.width, device=cut.device)
            self._leap = final & leaping, self._states(everyone, torch.where(leaping, cut, 1.0))
        return stopped, cut

    def _record(self, event: int, happened: Tensor, theta: Tensor, leaping: Tensor) -> None:
        clock, journal = self.clock, self.journal
        for which, kept in ((happened, journal.crossings), (leaping, journal.jumps)):
            columns = which.nonzero()[:, 0]
            if not len(columns):
                continue
            fraction = theta[columns]
            when = clock.start[columns] + fraction * clock.step[columns]
            row = torch.full_like(columns, event)
            samples = self.samples[columns]
            kept.append(Moments(len(journal.attempts) - 1, columns, samples, fraction, row, when))
            if kept is journal.crossings:
                journal.crossing_states.append(self._states(columns, fraction))

    def _land(self, leaping: Tensor, states: Tensor) -> None:
        """Go on from where jump maps put the states of the columns ``leaping [event, width]``."""
        ensemble, clock, watch = self.ensemble, self.clock, self._events
        assert watch is not None
        rows = states.t().contiguous()
        when = ensemble.actual(clock.time)
        for event, columns in zip(watch.events, leaping, strict=True):
            if event.jump is not None and bool(columns.any()):
                after = jumped(event, ensemble.field, when, rows, differentiable=False)
                rows = torch.where(columns[:, None], after, rows)
        which = leaping.any(0)
        ensemble.replace(which, rows.t(), clock.time)
        self.journal.extra_evaluations[self.samples[which]] += 1
        for memory in (clock.last, clock.before):
            memory.masked_fill_(which, 0.0)
        watch.restart(leaping, clock.time, states, rows.t())
        self._end(self._accumulating(leaping, states), Status.ZENO, ensemble.y)

    def _accumulating(self, leaping: Tensor, states: Tensor) -> Tensor:
        """Columns ``[width]`` whose jumps from ``states [dim, width]`` are the last of too many short flights."""
        watch, clock, stuck = self._events, self.clock, torch.zeros_like(self._accepted)
        assert watch is not None
        for index, event in enumerate(watch.events):
            columns = leaping[index].nonzero()[:, 0]
            if event.jump is None or not len(columns):
                continue

            def resolution(event: Event = event, columns: Tensor = columns) -> Tensor:
                return watch.resolution(event, clock.time, states, self._slope())[columns]

            when = clock.time[columns]
            stuck[columns] |= self._flights.note(index, self.samples[columns], when, resolution)
        return stuck

    def _slope(self) -> Tensor:
        """dy/dt ``[dim, width]`` of the dense output at the times reached in the step just made."""
        clock, polynomial = self.clock, self._interior
        assert polynomial is not None
        theta = ((clock.time - clock.start) / clock.step).to(polynomial.dtype)
        value = torch.zeros_like(polynomial[0])
        for power in range(len(polynomial), 0, -1):
            value = value * theta + power * polynomial[power - 1]
        return value / self.ensemble.actual(clock.step).to(value.dtype)

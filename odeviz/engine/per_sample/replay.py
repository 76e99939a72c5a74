"""Exact gradients of the steps each sample took: they are made again, this time to be differentiated.

The n-th accepted steps of all samples that took so many are one batch, so that the backward pass makes as many
batches as the longest solve has steps and no rejected one. ``discrete`` keeps the states the steps began with and
makes each level again when its gradient is needed; the graph of all levels at once, which ``backprop`` and jumps need,
keeps everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.engine.checks import checked_value
from odeviz.engine.events import Event
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.per_sample.ensemble import EachField
from odeviz.engine.per_sample.events import jumped
from odeviz.engine.per_sample.journal import Journal, Levels, Moments
from odeviz.engine.solution import Stats, Status
from odeviz.engine.stepper import polynomial_weights


@dataclass(frozen=True, slots=True)
class Inside:
    """Points inside the steps of one level."""

    #: Position in the level, fraction of the step, and row of the result; ``[n]``.
    position: Tensor
    theta: Tensor
    row: Tensor


@dataclass(frozen=True, slots=True)
class Level:
    """The n-th accepted steps, ``[n]``: of which samples, internal times and sizes, and what lies in them."""

    samples: Tensor
    steps: Tensor
    t: Tensor
    h: Tensor
    inside: Inside
    #: For each event the positions in the level and the fractions at which its jump replaced the state.
    jumps: tuple[tuple[Tensor, Tensor, Tensor], ...]


class StepsAgain:
    """The accepted steps of a journal, level by level.

    The result's rows are the outputs ``[time * batch]``, then the crossings in their order.
    """

    def __init__(
        self,
        field: EachField,
        method: ButcherTableau,
        journal: Journal,
        direction: Tensor | None,
        events: Sequence[Event],
    ) -> None:
        """``direction [batch]`` holds the signs of the samples' times."""
        self.field, self.method, self.events = field, method, tuple(events)
        self.evaluations = 0
        self._direction = direction
        steps = journal.ledger().levels()
        states = [a.y for a in journal.attempts if a.y is not None]
        #: States at the start of each accepted step ``[n, dim]``.
        self.kept = steps.gathered(states).t().contiguous() if states else journal.y[0, :0]
        times, batch, _ = journal.y.shape
        self.batch = batch
        #: Rows of the last outputs, and the samples that got there.
        self.last = (times - 1) * batch
        done = [status is Status.SUCCESS for status in journal.status]
        self.finished = torch.tensor(done, device=journal.y.device).nonzero()[:, 0]
        rows = [(steps.of(m), m.theta, m.row * batch + m.samples) for m in journal.outputs]
        count = times * batch
        for m in journal.crossings:
            rows.append((steps.of(m), m.theta, count + torch.arange(len(m.theta), device=m.theta.device)))
            count += len(m.theta)
        self.levels = _levels(steps, rows, [(steps.of(m), m) for m in journal.jumps])

    def advance(self, level: Level, y: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[n, dim]`` at the ends of a level's steps and at the points inside, from those at their starts."""
        method = self.method
        sign = None if self._direction is None else self._direction[level.samples]
        size = (level.h if sign is None else level.h * sign).to(y.dtype)[:, None]

        def f(fraction: float, state: Tensor) -> Tensor:
            self.evaluations += 1
            t = level.t + fraction * level.h
            t = t if sign is None else t * sign
            return size * checked_value(self.field(t.to(y.dtype)[:, None], state), state)

        stages: list[Tensor] = []

        def combined(weights: Sequence[object]) -> Tensor:
            total = y
            for weight, stage in zip(weights, stages, strict=False):
                if weight != 0:
                    total = torch.add(total, stage, alpha=float(weight))  # type: ignore[arg-type]
            return total

        for row, fraction in zip(method.a, method.c, strict=True):
            stages.append(f(float(fraction), combined(row)))
        end = combined(method.b)
        points = level.inside
        cut = [theta for _, _, theta in level.jumps]
        if not bool((points.theta < 1).any()) and not cut:
            return end, end[points.position]
        stages.append(f(1.0, end))
        for row, fraction in zip(method.extra_a, method.extra_c, strict=True):
            stages.append(f(float(fraction), combined(row)))
        polynomial = torch.einsum("ms,snd->mnd", polynomial_weights(method, y), torch.stack(stages))
        values = _at(y, end, polynomial, points.position, points.theta)
        for event, position, theta in level.jumps:
            before = _at(y, end, polynomial, position, theta)
            when = level.t[position] + theta * level.h[position]
            when = when if sign is None else when * sign[position]
            after = jumped(self.events[int(event)], self.field, when, before, differentiable=True)
            end = end.index_copy(0, position, after)
        return end, values

    def graph(self, y0: Tensor, values: Tensor) -> Tensor:
        """The result ``[rows, dim]`` by ordinary tensor operations; ``values`` are those of the solve itself."""
        y, found, rows = y0, [y0], [torch.arange(len(y0), device=y0.device)]
        for level in self.levels:
            end, inside = self.advance(level, y[level.samples])
            y = y.index_copy(0, level.samples, end)
            found.append(inside)
            rows.append(level.inside.row)
        found.append(y[self.finished])
        rows.append(self.last + self.finished)
        again = torch.full_like(values, torch.nan).index_copy(0, torch.cat(rows), torch.cat(found))
        # The same numbers as without gradients, whose rounding does not depend on the other samples.
        missing = torch.isnan(values)
        return torch.where(missing, values, again + (values - again).detach())


class ReplayEach:
    """The exact gradient of the steps each sample took; an ``Adjoint`` on rows ``[rows, dim]``."""

    evaluates = True

    def __init__(
        self, again: StepsAgain, values: Tensor, parameters: tuple[Tensor, ...], stats: Stats
    ) -> None:
        self._again, self._values, self._parameters, self._stats = again, values, parameters, stats
        stats.bytes_kept += again.kept.numel() * again.kept.element_size()

    def forward(self, y0: Tensor) -> Tensor:
        values = self._values
        self._values = values.new_empty(0)
        return values

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        again = self._again
        before, batch = again.evaluations, again.batch
        totals = [torch.zeros_like(p) for p in self._parameters]
        cotangent = grad.new_zeros(batch, grad.shape[1])
        cotangent[again.finished] = grad[again.last + again.finished]
        for level in reversed(again.levels):
            with torch.enable_grad():
                begin = again.kept[level.steps].requires_grad_()
                end, inside = again.advance(level, begin)
                values = (end, inside) if len(inside) else (end,)
                weights = (cotangent[level.samples], grad[level.inside.row])[: len(values)]
                parts = torch.autograd.grad(values, (begin, *self._parameters), weights, allow_unused=True)
            cotangent[level.samples] = parts[0]
            for total, part in zip(totals, parts[1:], strict=True):
                if part is not None:
                    total.add_(part)
        made = again.evaluations - before
        self._stats.count_backward(self, made, made)
        return cotangent + grad[:batch], *totals


def _at(y: Tensor, end: Tensor, polynomial: Tensor, position: Tensor, theta: Tensor) -> Tensor:
    """States ``[n, dim]`` at fractions of the steps at ``position``."""
    fraction = theta.to(y.dtype)[:, None]
    value = torch.zeros_like(y[position])
    for coefficient in reversed(polynomial.unbind(0)):
        value = (value + coefficient[position]) * fraction
    return torch.where(fraction < 1, y[position] + value, end[position])


def _levels(
    steps: Levels, rows: list[tuple[Tensor, Tensor, Tensor]], jumps: list[tuple[Tensor, Moments]]
) -> list[Level]:
    """Everything by the level of its step."""
    order = torch.sort(steps.level, stable=True).indices
    counts = torch.bincount(steps.level).tolist() if len(order) else []
    position = torch.empty_like(order)
    none = order[:0]
    at, theta, row = (
        torch.cat([none if i != 1 else none.to(steps.t), *(r[i] for r in rows)]) for i in range(3)
    )
    points = torch.sort(steps.level[at], stable=True).indices
    shares = torch.bincount(steps.level[at], minlength=len(counts)).tolist() if counts else []
    levels = []
    for number, (members, inner) in enumerate(
        zip(torch.split(order, counts), torch.split(points, shares), strict=True) if counts else ()
    ):
        position[members] = torch.arange(len(members), device=members.device)
        leaps = []
        for where, moments in jumps:
            here = steps.level[where] == number
            if bool(here.any()):
                leaps.append((moments.row[here][0], position[where[here]], moments.theta[here]))
        inside = Inside(position[at[inner]], theta[inner], row[inner])
        levels.append(
            Level(steps.sample[members], members, steps.t[members], steps.h[members], inside, tuple(leaps))
        )
    return levels

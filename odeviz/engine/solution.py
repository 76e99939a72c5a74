"""What a solve returns: values, status, statistics and dense output."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from odeviz.engine.adjoints.first_order import DENSE, final
from odeviz.engine.checks import as_number, checked_numbers
from odeviz.engine.interpolant import DenseOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odeviz.engine.events import EventRecord


class Status(Enum):
    """How a solve ended. A numerical failure is a status, never an exception."""

    SUCCESS = "the last output time was reached"
    MAX_STEPS = "the limit of steps was used up"
    STEP_TOO_SMALL = "the error cannot be brought below the tolerance"
    NON_FINITE = "the state or the vector field is no longer finite"
    CANCELLED = "the caller cancelled the solve"
    EVENT = "a terminal event was reached"
    ZENO = "events accumulate: jumps follow each other too closely to be told apart"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One attempted step: its start, its signed size, its scaled error (accepted when <= 1)."""

    t: float
    h: float
    #: NaN for steps whose error is not estimated.
    error: float
    accepted: bool


@dataclass(slots=True)
class Stats:
    """What a solve cost. The backward entries are filled in when the gradient is taken."""

    #: Evaluations of the vector field in the forward solve, each of a whole batch. Where a method needs the field's
    #: Jacobian, each costs one more evaluation and as many vector-Jacobian products as the state has dimensions, which
    #: count as evaluations; the field's own ``jacobian`` counts as one. What only the gradients of times need, of
    #: outputs or of events, is left out.
    nfe_forward: int = 0
    #: Evaluations of the backward dynamics: one vector-Jacobian product each.
    nfe_backward: int = 0
    #: Vector-field evaluations repeated in the backward pass (zero unless it reconstructs the trajectory).
    recomputed: int = 0
    #: Bytes kept between the forward and the backward pass.
    bytes_kept: int = 0
    #: Attempted steps; empty where each sample has its own, which are in ``samples``.
    steps: list[StepRecord] = field(default_factory=list, repr=False)
    samples: SampleSteps | None = field(default=None, repr=False, compare=False)
    _counted: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)

    def count_backward(self, who: object, nfe: int, recomputed: int) -> None:
        """Note what one backward pass cost; one repeated by the same adjoint counts once."""
        before = self._counted.get(id(who), (0, 0))
        self.nfe_backward += nfe - before[0]
        self.recomputed += recomputed - before[1]
        self._counted[id(who)] = nfe, recomputed

    @property
    def accepted(self) -> int:
        """Number of accepted steps, of all samples together where each has its own."""
        if self.samples is not None:
            return int(self.samples.accepted.sum())
        return sum(step.accepted for step in self.steps)

    @property
    def first_step(self) -> float | None:
        """Size of the first accepted step: a good ``first_step`` for a similar solve. None if there is none.

        Where each sample has its own, the smallest of theirs.
        """
        if self.samples is not None:
            return self.samples.smallest_first()
        return next((abs(step.h) for step in self.steps if step.accepted), None)

    @property
    def rejected(self) -> int:
        """Number of rejected steps, of all samples together where each has its own."""
        if self.samples is not None:
            return int((~self.samples.accepted).sum())
        return len(self.steps) - self.accepted


@dataclass(frozen=True, slots=True, eq=False)
class SampleSteps:
    """Attempted steps where every sample has its own, ``[n]`` each, those of a sample in their order."""

    sample: Tensor
    #: Start, and signed size.
    t: Tensor
    h: Tensor
    #: Scaled error; NaN for steps whose error is not estimated.
    error: Tensor
    accepted: Tensor

    def smallest_first(self) -> float | None:
        """The smallest of the samples' first accepted steps; None if none was accepted."""
        sizes: dict[int, float] = {}
        for sample, size in zip(
            self.sample[self.accepted].tolist(), self.h[self.accepted].abs().tolist(), strict=True
        ):
            sizes.setdefault(sample, size)
        return min(sizes.values(), default=None)


@dataclass(frozen=True, slots=True, eq=False)
class PerSample:
    """What a solve with steps for each sample tells of each; tensors are ``[batch]``."""

    #: Output times ``[time, batch]``.
    t: Tensor
    #: SUCCESS, EVENT (it ended at a terminal event) or how it failed.
    status: tuple[Status, ...]
    #: The time reached.
    t_stop: Tensor
    #: Evaluations of the field made for the sample: none after it left the batch.
    nfe: Tensor
    accepted: Tensor
    rejected: Tensor
    #: The step size suggested for going on from ``t_stop``.
    next_step: Tensor
    steps: SampleSteps
    #: Dense output, where it was kept: states ``[batch, dim]`` at one time or at a time for each sample ``[batch]``.
    dense: Callable[[float | Tensor], Tensor] | None = None


@dataclass(slots=True, eq=False)
class Solution:
    """The solution of an initial value problem.

    ``y`` has shape ``[time, batch, dim]``; rows beyond ``t_stop`` are NaN when the solve did not succeed. Where each
    sample has its own steps, ``per_sample`` tells what became of each; ``t`` and ``t_stop`` then belong to the first
    sample that failed or, if none did, to the first sample.

    Deep copies and pickles hold the values alone: their states carry no gradient.
    """

    t: tuple[float, ...]
    y: Tensor
    status: Status
    #: One sentence, empty on success.
    message: str
    #: The time reached.
    t_stop: float
    stats: Stats
    #: The step size suggested for going on from there.
    next_step: float
    dense: DenseOutput | None = None
    #: What happened to each of the events asked for, in their order.
    events: tuple[EventRecord, ...] = ()
    #: Indices of the samples that made the solve fail; empty on success.
    samples: tuple[int, ...] = ()
    per_sample: PerSample | None = None
    #: ``y_stop`` where not every sample reached the last output time.
    stopped: Tensor | None = None

    def detached(self) -> Solution:
        """The same values without a graph: what ``copy.deepcopy`` and ``pickle`` copy."""
        events = tuple(replace(e, t=e.t.detach(), y=e.y.detach()) for e in self.events)
        return replace(
            self,
            y=self.y.detach(),
            dense=None if self.dense is None else self.dense.mapped(Tensor.detach),
            events=events,
            stopped=None if self.stopped is None else self.stopped.detach(),
        )

    def __copy__(self) -> Solution:
        return replace(self)

    def __getstate__(self) -> list[Any]:
        detached = self.detached()
        return [getattr(detached, f.name) for f in fields(self)]

    def __setstate__(self, state: list[Any]) -> None:
        for f, value in zip(fields(self), state, strict=True):
            setattr(self, f.name, value)

    @property
    def y_stop(self) -> Tensor:
        """The state ``[batch, dim]`` at ``t_stop``; where each sample has its own steps, at the time each reached.

        Differentiable where the solve succeeded or ended at a terminal event, through the event's time too.
        """
        return self.y[-1] if self.stopped is None else self.stopped

    @property
    def ok(self) -> bool:
        """Whether every output time was reached."""
        return self.status is Status.SUCCESS

    @property
    def y1(self) -> Tensor:
        """The state at the last output time, ``[batch, dim]``; NaN if that was not reached: see ``y_stop``."""
        return self.y[-1]

    def __call__(self, t: float | Sequence[float] | Tensor) -> Tensor:
        """The state at any time that was reached, by the method's dense output.

        ``[batch, dim]`` at one time, ``[time, batch, dim]`` at several, which may be in any order. Where each
        sample has its own steps, ``t`` may hold a time for each as ``[time, batch]``, and rows of samples that
        stopped before it are NaN. The states carry a gradient only with ``adjoint="backprop"`` and steps that
        samples share; with another adjoint a solution that has one gives states whose ``backward`` is a
        ``RuntimeError`` (ask for output times instead). Raises ``ValueError`` outside the interval, or when the solve
        was not asked for ``dense=True``.
        """
        value = self._interpolated(t)
        if value.requires_grad or not (self.y.requires_grad and torch.is_grad_enabled()):
            return value
        return final((value,), (self.y,), DENSE)[0]

    def _interpolated(self, t: float | Sequence[float] | Tensor) -> Tensor:
        dense = self.dense if self.per_sample is None else self.per_sample.dense
        if dense is None:
            raise ValueError("dense output was not kept: call solve(..., dense=True)")
        time = as_number(t)
        if time is not None:
            return dense(time)
        if self.per_sample is not None and isinstance(t, Tensor) and t.dim() == 2:
            times: Sequence[Any] = t.unbind(0)
        else:
            times = checked_numbers("t", t)
        if not len(times):
            return self.y[:0].detach()
        return torch.stack([dense(time) for time in times])

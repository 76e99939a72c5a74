"""What a solve returns: values, status, statistics and dense output."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from torch import Tensor

from odeviz.engine.interpolant import DenseOutput

if TYPE_CHECKING:
    from odeviz.engine.events import EventRecord


class Status(Enum):
    """How a solve ended. A numerical failure is a status, never an exception."""

    SUCCESS = "the last output time was reached"
    MAX_STEPS = "the limit of steps was used up"
    STEP_TOO_SMALL = "the error cannot be brought below the tolerance"
    NON_FINITE = "the state or the vector field is no longer finite"
    CANCELLED = "the caller cancelled the solve"
    EVENT = "a terminal event was reached"


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

    #: Evaluations of the vector field in the forward solve.
    nfe_forward: int = 0
    #: Evaluations of the backward dynamics: one vector-Jacobian product each.
    nfe_backward: int = 0
    #: Vector-field evaluations repeated in the backward pass (zero unless it reconstructs the trajectory).
    recomputed: int = 0
    #: Bytes kept between the forward and the backward pass.
    bytes_kept: int = 0
    steps: list[StepRecord] = field(default_factory=list)
    _counted: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)

    def count_backward(self, who: object, nfe: int, recomputed: int) -> None:
        """Note what one backward pass cost; one repeated by the same adjoint counts once."""
        before = self._counted.get(id(who), (0, 0))
        self.nfe_backward += nfe - before[0]
        self.recomputed += recomputed - before[1]
        self._counted[id(who)] = nfe, recomputed

    @property
    def accepted(self) -> int:
        return sum(step.accepted for step in self.steps)

    @property
    def first_step(self) -> float | None:
        """Size of the first accepted step: a good ``first_step`` for a similar solve. None if there is none."""
        return next((abs(step.h) for step in self.steps if step.accepted), None)

    @property
    def rejected(self) -> int:
        return len(self.steps) - self.accepted


@dataclass(slots=True)
class Solution:
    """The solution of an initial value problem.

    ``y`` has shape ``[time, batch, dim]``; rows beyond ``t_stop`` are NaN when the solve did not succeed.
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

    @property
    def ok(self) -> bool:
        """Whether every output time was reached."""
        return self.status is Status.SUCCESS

    @property
    def y1(self) -> Tensor:
        """The state at the last output time, ``[batch, dim]``."""
        return self.y[-1]

    def __call__(self, t: float) -> Tensor:
        """The state ``[batch, dim]`` at any time that was reached, by the method's dense output.

        Raises ``ValueError`` outside that interval, or when the solve was not asked for ``dense=True``.
        """
        if self.dense is None:
            raise ValueError("dense output was not kept: call solve(..., dense=True)")
        return self.dense(t)

"""What the time loop needs of a method: one step at a time, to be looked at and then perhaps accepted.

The families' steppers are in ``families/``; the time loop knows only what all have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.interpolant import dense_matrix
from odeviz.engine.method import Method
from odeviz.engine.norm import Tolerance


class Stepper(Protocol):
    """Makes steps from its current ``state``; ``attempt`` one, look at it, then perhaps ``accept`` it.

    The state is ``[batch, dim]`` or a kernel's flat one; only the caller knows which.
    """

    #: Evaluations of the vector field so far.
    nfe: int
    #: Open interval of times at which the field may be evaluated: a jump of the field lies at its ends.
    window: tuple[float, float] | None

    @property
    def method(self) -> Method: ...

    @property
    def state(self) -> Tensor:
        """The state at the start of the step."""
        ...

    def derivative(self, t: float) -> Tensor:
        """f at the current state."""
        ...

    def explore(self, t: float, h: float) -> Tensor:
        """f after one Euler step of size h, for choosing the first step."""
        ...

    def attempt(self, t: float, h: float) -> None: ...

    def error(self, h: float, tolerance: Tolerance) -> float:
        """Scaled norm of the attempted step's estimated error; not finite when the step failed."""
        ...

    def finite(self) -> bool:
        """Whether the attempted step's end is finite."""
        ...

    def culprits(self) -> Tensor:
        """Entries of the state ``[*state]`` that were not finite, or whose error was largest, when last looked at."""
        ...

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        """States ``[len(thetas), *state]`` at fractions of the attempted step."""
        ...

    def polynomial(self, h: float) -> Tensor:
        """Coefficients ``[degree, *state]`` of theta, theta^2, ... in the attempted step's change of the state."""
        ...

    @property
    def slots(self) -> tuple[int, ...]:
        """Where the attempted step's stages are kept on the tape; empty without one."""
        ...

    def accept(self) -> None: ...

    def restart(self) -> None:
        """Forget what earlier steps left behind: the field jumps here."""
        ...


class Carried(Stepper, Protocol):
    """A stepper by ordinary tensor operations whose past can be put aside and taken up again.

    What a step depends on is its ``carry``: tensors, the state ``[batch, dim]`` first, and a ``memory`` without
    tensors. Both are those the step began with, until it is accepted.
    """

    #: Whether the step begins with the state alone, as the first one does and any after a restart.
    fresh: bool

    def carry(self) -> tuple[Tensor, ...]: ...

    def memory(self) -> Any:
        """What else the step depends on, immutable and without tensors."""
        ...

    def resume(self, carry: tuple[Tensor, ...], memory: Any) -> None: ...

    def finish(self) -> None:
        """Evaluate what the step after the attempted one takes over, if that has not been done."""
        ...


@dataclass(slots=True)
class TapedStep:
    """An accepted step: its start and size, where its stages are kept, and the outputs taken in it."""

    t: float
    h: float
    slots: tuple[int, ...]
    #: (output row, fraction of the step).
    outputs: list[tuple[int, float]] = field(default_factory=list)


def within(t: float, window: tuple[float, float] | None) -> float:
    """The time at which to evaluate the field so as not to touch the jumps at the window's ends."""
    return t if window is None else min(max(t, window[0]), window[1])


def polynomial_weights(method: ButcherTableau, like: Tensor) -> Tensor:
    """The dense output's matrix ``[degree, stages]``."""
    return dense_matrix(method).to(like)


def all_finite(x: Tensor) -> bool:
    """Whether no entry is NaN or infinite; taken for granted inside ``torch.vmap``, where no value can be looked at."""
    finite = torch.isfinite(x).all()
    try:
        return bool(finite)
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        return True


def damped(high: float, low: float) -> float:
    """Error of an 8(5,3) pair from the norms of both estimates (Hairer, Norsett, Wanner, II.10)."""
    return float(high * high / (high * high + 0.01 * low * low) ** 0.5) if high else 0.0


def culprits(*values: Tensor, error: Tensor | None) -> Tensor:
    """Entries where one of ``values`` is not finite; if there are none, those with half the largest error or more."""
    with torch.no_grad():
        bad = torch.zeros_like(values[0], dtype=torch.bool)
        for value in values:
            bad |= ~torch.isfinite(value)
        if error is None or bool(bad.any()):
            return bad
        size = error.abs()
        return torch.ge(size, 0.5 * size.max())

"""What the time loop needs of a method: one step at a time, to be looked at and then perhaps accepted.

:class:`DifferentiableStepper` makes explicit Runge-Kutta steps by ordinary tensor operations, so that automatic
differentiation sees them all; ``families/buffered.py`` makes the same steps in place. The time loop knows only what
all steppers have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.interpolant import dense_matrix, dense_weights
from odeviz.engine.kernel import VectorField
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


class DifferentiableStepper:
    """Explicit Runge-Kutta steps by ordinary tensor operations on ``[batch, dim]`` states."""

    def __init__(self, field: VectorField, method: ButcherTableau, y0: Tensor) -> None:
        self.method = method
        self.nfe = 0
        self.window: tuple[float, float] | None = None
        self._field = field
        self._y, self._y1 = y0, y0
        self._t = self._t1 = 0.0
        self._K: list[Tensor] = []
        self._scaled_error: Tensor | None = None

    @property
    def state(self) -> Tensor:
        return self._y

    @property
    def slots(self) -> tuple[int, ...]:
        return ()

    def _f(self, t: float, y: Tensor) -> Tensor:
        self.nfe += 1
        return checked_value(self._field(within(t, self.window), y), y)

    def _combine(self, weights: Sequence[float], h: float) -> Tensor:
        total = self._y
        for weight, k in zip(weights, self._K, strict=False):
            if weight != 0:
                total = torch.add(total, k, alpha=h * weight)
        return total

    def derivative(self, t: float) -> Tensor:
        if not self._K:
            self._K = [self._f(t, self._y)]
        return self._K[0]

    def explore(self, t: float, h: float) -> Tensor:
        with torch.no_grad():
            return self._f(t + h, self._y + h * self.derivative(t))

    def attempt(self, t: float, h: float) -> None:
        self._K = [self.derivative(t)]
        for i in range(1, self.method.core):
            y = self._combine([float(x) for x in self.method.a[i]], h)
            self._K.append(self._f(t + float(self.method.c[i]) * h, y))
        self._y1 = self._combine([float(x) for x in self.method.b], h)
        self._t, self._t1 = t, t + h

    def _end_derivative(self) -> None:
        if len(self._K) == self.method.core:
            self._K.append(self._f(self._t1, self._y1))

    def _dense_stages(self, h: float) -> None:
        self._end_derivative()
        for i in range(len(self._K) - self.method.core - 1, self.method.extra):
            y = self._combine([float(x) for x in self.method.extra_a[i]], h)
            self._K.append(self._f(self._t + float(self.method.extra_c[i]) * h, y))

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._end_derivative()
        with torch.no_grad():
            scale = tolerance.scale(torch.maximum(self._y.abs(), self._y1.abs()))

            def estimate(weights: Sequence[Any]) -> Tensor:
                parts = (float(e) * k for e, k in zip(weights, self._K, strict=False) if e != 0)
                total: Tensor = torch.as_tensor(sum(parts)) / scale
                return total

            assert self.method.error is not None
            self._scaled_error = estimate(self.method.error)
            high = tolerance.measure(self._scaled_error)
            if self.method.error_low is None:
                return abs(h) * high
            return abs(h) * damped(high, tolerance.measure(estimate(self.method.error_low)))

    def finite(self) -> bool:
        return bool(torch.isfinite(self._y1).all())

    def culprits(self) -> Tensor:
        return culprits(self._y, self._y1, *self._K, error=self._scaled_error)

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        values = []
        for theta in thetas:
            if theta == 1.0:
                values.append(self._y1)
            else:
                self._dense_stages(h)
                values.append(self._combine(dense_weights(self.method, [theta])[0].tolist(), h))
        return torch.stack(values)

    def polynomial(self, h: float) -> Tensor:
        self._dense_stages(h)
        stages = torch.stack(self._K)
        change: Tensor = torch.tensordot(h * polynomial_weights(self.method, stages), stages, dims=1)
        return change

    def accept(self) -> None:
        self._y = self._y1
        self._K = self._K[self.method.core : self.method.core + 1]

    def restart(self) -> None:
        self._K = []


def checked_value(value: Tensor, y: Tensor) -> Tensor:
    """The field's value at y, or ``ValueError`` when it has another shape."""
    if value.shape != y.shape:
        raise ValueError(
            f"field must return the shape of the state, {list(y.shape)}, not {list(value.shape)}"
        )
    return value


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

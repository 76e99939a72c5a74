"""One step of a Runge-Kutta method, in two ways.

:class:`BufferedStepper` writes every stage into buffers allocated once, and can keep a tape for the discrete
adjoint. :class:`DifferentiableStepper` uses ordinary tensor operations, so that automatic differentiation sees
them all. The time loop knows only what both have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import Kernel, VectorField
from odeviz.engine.norm import Tolerance
from odeviz.engine.tableau import ButcherTableau, Number


class Stepper(Protocol):
    """Makes steps from its current ``state``; ``attempt`` one, look at it, then perhaps ``accept`` it."""

    tableau: ButcherTableau
    #: Evaluations of the vector field so far.
    nfe: int

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
        """Scaled norm of the attempted step's estimated error."""
        ...

    def finite(self) -> bool:
        """Whether the attempted step's end is finite."""
        ...

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        """States ``[len(thetas), ...]`` at fractions of the attempted step."""
        ...

    def stages(self) -> Tensor:
        """Stages ``[core + 1, *state]`` of the attempted step."""
        ...

    @property
    def slots(self) -> tuple[int, ...]:
        """Where the attempted step's stages are kept on the tape; empty without one."""
        ...

    def accept(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Coefficients:
    """A tableau's numbers as the inner loop wants them: times as floats, weights as tensors."""

    c: tuple[float, ...]
    a: tuple[Tensor, ...]
    b: Tensor
    error: Tensor | None
    #: For each stage i, the weights with which later stage inputs and the step's end depend on k_i.
    transposed: tuple[Tensor, ...]


@lru_cache(maxsize=64)
def coefficients(tableau: ButcherTableau, dtype: torch.dtype, device: torch.device) -> Coefficients:
    """The coefficients on a device, made once."""

    def tensor(weights: Iterable[Number]) -> Tensor:
        return torch.tensor([float(x) for x in weights], dtype=dtype, device=device)

    core = tableau.core
    return Coefficients(
        c=tuple(float(x) for x in tableau.c),
        a=tuple(tensor(row) for row in tableau.a),
        b=tensor(tableau.b),
        error=None if tableau.error is None else tensor(tableau.error),
        transposed=tuple(
            tensor([*(tableau.a[later][i] for later in range(i + 1, core)), tableau.b[i]])
            for i in range(core)
        ),
    )


class Keep(Enum):
    """Which evaluations stay on the kernel's tape."""

    NOTHING = auto()
    LATEST_STEP = auto()
    ALL_STEPS = auto()


@dataclass(slots=True)
class TapedStep:
    """An accepted step on the tape: where each stage's evaluation is kept, and the outputs taken in it."""

    h: float
    slots: tuple[int, ...]
    #: (output row, fraction of the step).
    outputs: list[tuple[int, float]] = field(default_factory=list)


class BufferedStepper:
    """Steps in place on flat states; an evaluation costs one ``addmv`` for its input and no allocation."""

    def __init__(
        self, kernel: Kernel, tableau: ButcherTableau, y0: Tensor, keep: Keep = Keep.NOTHING
    ) -> None:
        core = tableau.core
        self.tableau = tableau
        self.kernel = kernel
        self.nfe = 0
        self._keep = keep
        state = kernel.pack(y0)
        self._K = state.new_zeros(core + 1, kernel.size)
        self._inputs = [self._K[:i].T for i in range(core + 1)]
        self._rows = list(self._K.unbind(0))
        self._coefficients = coefficients(tableau, state.dtype, state.device)
        self._y, self._y1 = state, torch.empty_like(state)
        self._stage_input, self._error = torch.empty_like(state), torch.empty_like(state)
        self._size, self._size1 = state.abs(), torch.empty_like(state)
        self._slots = [-1] * (core + 1) if keep is Keep.NOTHING else list(range(core + 1))
        self._free = core + 1
        self._t1 = 0.0
        self._have_start = self._have_end = False
        if keep is not Keep.NOTHING:
            kernel.reserve(core + 1)

    @property
    def state(self) -> Tensor:
        return self._y

    @property
    def slots(self) -> tuple[int, ...]:
        return tuple(self._slots)

    def _evaluate(self, t: float, s: Tensor, row: int) -> None:
        self.kernel.evaluate(t, s, self._rows[row], self._slots[row])
        self.nfe += 1

    def derivative(self, t: float) -> Tensor:
        if not self._have_start:
            self._evaluate(t, self._y, 0)
            self._have_start = True
        return self._rows[0]

    def explore(self, t: float, h: float) -> Tensor:
        torch.add(self._y, self.derivative(t), alpha=h, out=self._stage_input)
        self.kernel.evaluate(t + h, self._stage_input, self._error, -1)
        self.nfe += 1
        return self._error

    def attempt(self, t: float, h: float) -> None:
        self.derivative(t)
        y, core, method = self._y, self.tableau.core, self._coefficients
        for i in range(1, core):
            torch.addmv(y, self._inputs[i], method.a[i], alpha=h, out=self._stage_input)
            self._evaluate(t + method.c[i] * h, self._stage_input, i)
        torch.addmv(y, self._inputs[core], method.b, alpha=h, out=self._y1)
        self._t1 = t + h
        self._have_end = False

    def _end_derivative(self) -> None:
        if not self._have_end:
            self._evaluate(self._t1, self._y1, self.tableau.core)
            self._have_end = True

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._end_derivative()
        assert self._coefficients.error is not None
        torch.mv(self._K.T, self._coefficients.error, out=self._error)
        torch.abs(self._y1, out=self._size1)
        scale = torch.maximum(self._size, self._size1, out=self._stage_input)
        self._error.div_(tolerance.scale(scale, out=scale))
        return abs(h) * tolerance.measure(self._error)

    def finite(self) -> bool:
        return bool(torch.isfinite(self._y1.sum())) or bool(torch.isfinite(self._y1).all())

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        if all(theta == 1.0 for theta in thetas):
            return self._y1.expand(len(thetas), -1).clone()
        self._end_derivative()
        weights = self._y.new_tensor(dense_weights(self.tableau, thetas))
        values = torch.addmm(self._y, weights, self._K, alpha=h)
        for row, theta in enumerate(thetas):
            if theta == 1.0:
                values[row] = self._y1
        return values

    def stages(self) -> Tensor:
        self._end_derivative()
        return self._K

    def accept(self) -> None:
        core = self.tableau.core
        self._y, self._y1 = self._y1, self._y
        torch.abs(self._y, out=self._size)
        self._have_start = self._have_end
        if self._have_end:
            self._rows[0].copy_(self._rows[core])
        if self._keep is Keep.LATEST_STEP:
            self._slots[0], self._slots[core] = self._slots[core], self._slots[0]
        elif self._keep is Keep.ALL_STEPS:
            self._slots = [self._slots[core], *range(self._free, self._free + core)]
            self._free += core
            self.kernel.reserve(self._free)


class DifferentiableStepper:
    """Steps by ordinary tensor operations on ``[batch, dim]`` states."""

    def __init__(self, field: VectorField, tableau: ButcherTableau, y0: Tensor) -> None:
        self.tableau = tableau
        self.nfe = 0
        self._field = field
        self._y, self._y1 = y0, y0
        self._t1 = 0.0
        self._K: list[Tensor] = []

    @property
    def state(self) -> Tensor:
        return self._y

    def _f(self, t: float, y: Tensor) -> Tensor:
        self.nfe += 1
        value = self._field(t, y)
        if value.shape != y.shape:
            raise ValueError(
                f"field must return the shape of the state, {list(y.shape)}, not {list(value.shape)}"
            )
        return value

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
        for i in range(1, self.tableau.core):
            y = self._combine([float(x) for x in self.tableau.a[i]], h)
            self._K.append(self._f(t + float(self.tableau.c[i]) * h, y))
        self._y1 = self._combine([float(x) for x in self.tableau.b], h)
        self._t1 = t + h

    def _end_derivative(self) -> None:
        if len(self._K) == self.tableau.core:
            self._K.append(self._f(self._t1, self._y1))

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._end_derivative()
        assert self.tableau.error is not None
        with torch.no_grad():
            error = sum(float(e) * k for e, k in zip(self.tableau.error, self._K, strict=True) if e != 0)
            scale = tolerance.scale(torch.maximum(self._y.abs(), self._y1.abs()))
            return abs(h) * tolerance.measure(torch.as_tensor(error) / scale)

    def finite(self) -> bool:
        return bool(torch.isfinite(self._y1).all())

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        values = []
        for theta in thetas:
            if theta == 1.0:
                values.append(self._y1)
            else:
                self._end_derivative()
                values.append(self._combine(dense_weights(self.tableau, [theta])[0], h))
        return torch.stack(values)

    def stages(self) -> Tensor:
        self._end_derivative()
        return torch.stack(self._K)

    @property
    def slots(self) -> tuple[int, ...]:
        return ()

    def accept(self) -> None:
        self._y = self._y1
        self._K = self._K[self.tableau.core :]

"""Explicit Runge-Kutta steps in place: the fast path, and the tape of the discrete adjoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

import torch
from torch import Tensor

from odeviz.engine.families.tableau import ButcherTableau, Number
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import Kernel
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import culprits, damped, polynomial_weights, within


@dataclass(frozen=True, slots=True)
class Coefficients:
    """A tableau's numbers as the inner loop wants them: times as floats, weights as tensors."""

    c: tuple[float, ...]
    #: Rows of the step's lower triangle: the stages' a, the step's b, then the dense output's own stages.
    rows: Tensor
    error: Tensor | None
    error_low: Tensor | None
    #: For each stage i, the weights with which later stage inputs and the step's end depend on k_i.
    transposed: tuple[Tensor, ...]
    extra_a: tuple[Tensor, ...]


@lru_cache(maxsize=64)
def coefficients(tableau: ButcherTableau, dtype: torch.dtype, device: torch.device) -> Coefficients:
    """The coefficients on a device, made once."""

    def tensor(weights: Iterable[Number]) -> Tensor:
        return torch.tensor([float(x) for x in weights], dtype=dtype, device=device)

    core = tableau.core
    rows, width = [*tableau.a, tableau.b, *tableau.extra_a], core + 1 + tableau.extra
    return Coefficients(
        c=tuple(float(x) for x in (*tableau.c, 1, *tableau.extra_c)),
        rows=torch.stack([tensor([*row, *[0] * (width - len(row))]) for row in rows]),
        error=None if tableau.error is None else tensor(tableau.error),
        error_low=None if tableau.error_low is None else tensor(tableau.error_low),
        transposed=tuple(
            tensor([*(tableau.a[later][i] for later in range(i + 1, core)), tableau.b[i]])
            for i in range(core)
        ),
        extra_a=tuple(tensor(row) for row in tableau.extra_a),
    )


class Keep(Enum):
    """Which evaluations stay on the kernel's tape."""

    NOTHING = auto()
    LATEST_STEP = auto()
    ALL_STEPS = auto()


class BufferedStepper:
    """Steps in place on flat states.

    The state and the stages are rows of one buffer, so that a stage's input is one product of its rows with
    [1, h a_i1, h a_i2, ...]; nothing is allocated in a step.
    """

    def __init__(self, kernel: Kernel, method: ButcherTableau, y0: Tensor, keep: Keep = Keep.NOTHING) -> None:
        core = method.core
        self.method = method
        self.kernel = kernel
        self.nfe = 0
        self.window: tuple[float, float] | None = None
        self._keep = keep
        state = kernel.pack(y0)
        numbers = self._coefficients = coefficients(method, state.dtype, state.device)
        buffer = state.new_zeros(1 + core + 1 + method.extra, kernel.size)
        buffer[0] = state
        self._y: Tensor = buffer[0]
        self._y1, self._stage_input, self._error = (torch.empty_like(state) for _ in range(3))
        self._all_stages, self._K = buffer[1:], buffer[1 : core + 2]
        self._rows: list[Tensor] = list(self._all_stages)
        # Row i of the weights: 1 for the state, then those of the stages, times the step size.
        weights = torch.ones_like(numbers.rows.new_empty(len(numbers.rows), len(buffer)))
        self._scaled = weights[:, 1:]
        transposed = buffer.T
        #: For each row of the tableau, which takes as many stages as there are rows before it, its product's factors.
        self._products = [(transposed[:, : 1 + n], weights[n, : 1 + n]) for n in range(len(numbers.rows))]
        self._size, self._size1 = state.abs(), torch.empty_like(state)
        self._have_size = False
        kept = keep is not Keep.NOTHING
        self._slots = list(range(core + 1)) if kept else [-1] * (core + 1)
        #: Slots of the dense output's own stages; empty until this step's inside is asked for.
        self._extra_slots: list[int] = []
        self._free = core + 1
        self._t = self._t1 = 0.0
        self._have_start = self._have_end = False
        if kept:
            kernel.reserve(core + 1)

    @property
    def state(self) -> Tensor:
        return self._y

    @property
    def slots(self) -> tuple[int, ...]:
        return (*self._slots, *self._extra_slots)

    def _evaluate(self, t: float, s: Tensor, row: int, slot: int) -> None:
        if self.window is not None:
            t = within(t, self.window)
        self.kernel.evaluate(t, s, self._rows[row], slot)
        self.nfe += 1

    def derivative(self, t: float) -> Tensor:
        if not self._have_start:
            self._evaluate(t, self._y, 0, self._slots[0])
            self._have_start = True
        return self._rows[0]

    def explore(self, t: float, h: float) -> Tensor:
        torch.add(self._y, self.derivative(t), alpha=h, out=self._stage_input)
        self.kernel.evaluate(within(t + h, self.window), self._stage_input, self._error, -1)
        self.nfe += 1
        return self._error

    def attempt(self, t: float, h: float) -> None:
        self.derivative(t)
        core, c, products, slots = self.method.core, self._coefficients.c, self._products, self._slots
        torch.mul(self._coefficients.rows, h, out=self._scaled)
        for i in range(1, core):
            rows, weights = products[i]
            torch.mv(rows, weights, out=self._stage_input)
            self._evaluate(t + c[i] * h, self._stage_input, i, slots[i])
        rows, weights = products[core]
        torch.mv(rows, weights, out=self._y1)
        self._t, self._t1 = t, t + h
        self._have_end = self._have_size = False
        self._extra_slots = []

    def _end_derivative(self) -> None:
        if not self._have_end:
            core = self.method.core
            self._evaluate(self._t1, self._y1, core, self._slots[core])
            self._have_end = True

    def _dense_stages(self, h: float) -> None:
        self._end_derivative()
        if len(self._extra_slots) == self.method.extra:
            return
        c, kept = self._coefficients.c, self._keep is not Keep.NOTHING
        for i in range(self.method.core + 1, len(self._rows)):
            slot = self._free + len(self._extra_slots) if kept else -1
            if kept:
                self.kernel.reserve(slot + 1)
            rows, weights = self._products[i]
            torch.mv(rows, weights, out=self._stage_input)
            self._evaluate(self._t + c[i] * h, self._stage_input, i, slot)
            self._extra_slots.append(slot)
        if self._keep is Keep.ALL_STEPS:
            self._free += self.method.extra

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._end_derivative()
        numbers = self._coefficients
        assert numbers.error is not None
        torch.mv(self._K.T, numbers.error, out=self._error)
        torch.abs(self._y1, out=self._size1)
        self._have_size = True
        scale = torch.maximum(self._size, self._size1, out=self._stage_input)
        self._error.div_(tolerance.scale(scale, out=scale))
        high = tolerance.measure(self._error)
        if numbers.error_low is None:
            return abs(h) * high
        low = torch.mv(self._K.T, numbers.error_low).div_(scale)
        return abs(h) * damped(high, tolerance.measure(low))

    def finite(self) -> bool:
        return bool(torch.isfinite(self._y1.sum())) or bool(torch.isfinite(self._y1).all())

    def culprits(self) -> Tensor:
        if not (self._have_start and self._t1 != self._t):
            return culprits(self._y, self._rows[0], error=None)
        return culprits(self._y, self._y1, *self._K.unbind(0), error=self._error)

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        if all(theta == 1.0 for theta in thetas):
            return self._y1.expand(len(thetas), -1).clone()
        self._dense_stages(h)
        weights = dense_weights(self.method, thetas).to(self._y)
        values = torch.addmm(self._y, weights, self._all_stages, alpha=h)
        for row, theta in enumerate(thetas):
            if theta == 1.0:
                values[row] = self._y1
        return values

    def polynomial(self, h: float) -> Tensor:
        self._dense_stages(h)
        return h * torch.mm(polynomial_weights(self.method, self._all_stages), self._all_stages)

    def accept(self) -> None:
        core = self.method.core
        self._y.copy_(self._y1)
        if self._have_size:
            self._size, self._size1 = self._size1, self._size
        else:
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

    def restart(self) -> None:
        self._have_start = False
        if self._keep is Keep.ALL_STEPS:
            # The slot of the derivative before the jump belongs to the last step.
            self._slots[0] = self._free
            self._free += 1
            self.kernel.reserve(self._free)

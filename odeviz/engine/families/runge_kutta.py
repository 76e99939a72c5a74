"""Explicit Runge-Kutta steps by ordinary tensor operations, so that automatic differentiation sees them all.

``buffered.py`` makes the same steps in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from odeviz.engine.families.plain import PlainStepper
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import VectorField
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import culprits, damped, polynomial_weights


class DifferentiableStepper(PlainStepper):
    """Explicit Runge-Kutta steps by ordinary tensor operations on ``[batch, dim]`` states."""

    def __init__(self, field: VectorField, method: ButcherTableau, y0: Tensor) -> None:
        super().__init__(field, y0)
        self.method = method
        self._t1 = 0.0
        self._K: list[Tensor] = []

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

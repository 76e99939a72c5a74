"""What steppers by ordinary tensor operations have in common, whatever their family."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from odeviz.engine.checks import checked_value
from odeviz.engine.kernel import VectorField, evaluated
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import all_finite, culprits, within


class PlainStepper:
    """The state ``[batch, dim]`` at both ends of the attempted step, and evaluations that are counted.

    A subclass makes ``_y1`` from ``_y`` in ``attempt``, and the coefficients of the step attempted by ``polynomial``.
    """

    def __init__(self, field: VectorField, y0: Tensor) -> None:
        self.nfe = 0
        self.window: tuple[float, float] | None = None
        self._field = field
        self._y, self._y1 = y0, y0
        self._t = 0.0
        #: f at the state, once it was asked for.
        self._slope: Tensor | None = None
        self._scaled_error: Tensor | None = None

    @property
    def state(self) -> Tensor:
        return self._y

    @property
    def slots(self) -> tuple[int, ...]:
        return ()

    def _f(self, t: float, y: Tensor) -> Tensor:
        evaluate = partial(evaluated, self._field) if self.nfe == 0 else self._field
        self.nfe += 1
        value = checked_value(evaluate(within(t, self.window), y), y)
        # A field may write each value into the same memory; what automatic differentiation follows it cannot.
        return value if value.requires_grad else value.clone()

    def derivative(self, t: float) -> Tensor:
        if self._slope is None:
            self._slope = self._f(t, self._y)
        return self._slope

    def explore(self, t: float, h: float) -> Tensor:
        with torch.no_grad():
            return self._f(t + h, self._y + h * self.derivative(t)).detach()

    def _measure(self, error: Tensor, tolerance: Tolerance) -> float:
        """Scaled norm of an estimated error ``[batch, dim]`` of the attempted step."""
        with torch.no_grad():
            self._scaled_error = error / tolerance.scale(torch.maximum(self._y.abs(), self._y1.abs()))
            return tolerance.measure(self._scaled_error)

    def finite(self) -> bool:
        return all_finite(self._y1)

    def culprits(self) -> Tensor:
        values = [self._y, self._y1] if self._slope is None else [self._y, self._y1, self._slope]
        return culprits(*values, error=self._scaled_error)

    def polynomial(self, h: float) -> Tensor:
        raise NotImplementedError

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        if all(theta == 1.0 for theta in thetas):
            return torch.stack([self._y1] * len(thetas))
        coefficients = self.polynomial(h)
        powers = coefficients.new_tensor(
            [[theta**m for m in range(1, len(coefficients) + 1)] for theta in thetas]
        )
        inside = self._y + torch.tensordot(powers, coefficients, dims=1)
        return torch.stack([self._y1 if theta == 1.0 else y for theta, y in zip(thetas, inside, strict=True)])

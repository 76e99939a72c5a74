"""Dense output: the polynomial each step leaves behind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from odeviz.engine.families.tableau import ButcherTableau


@lru_cache(maxsize=64)
def dense_matrix(tableau: ButcherTableau) -> Tensor:
    """Weights ``[degree, stages]`` of the stages in theta, theta^2, ..., in float64 on the CPU; made once."""
    rows = [[float(x) for x in row] for row in tableau.dense]
    return torch.tensor(rows, dtype=torch.float64, device="cpu").T.contiguous()


def dense_weights(tableau: ButcherTableau, thetas: Sequence[float]) -> Tensor:
    """Weights ``[len(thetas), stages]`` of the stages at fractions of a step, in float64 on the CPU."""
    matrix = dense_matrix(tableau)
    theta = torch.tensor(thetas, dtype=torch.float64, device="cpu")
    return torch.cumprod(theta[:, None].expand(-1, len(matrix)), 1) @ matrix


class DenseOutput:
    """A piecewise polynomial solution, forwards or backwards in time, collected step by step by the time loop."""

    def __init__(self) -> None:
        self._ends: list[float] = []
        self._pieces: list[tuple[float, float, Tensor, Tensor]] = []

    def append(self, t: float, end: float, h: float, y: Tensor, polynomial: Tensor) -> None:
        """Add the step from ``t`` to ``end`` of size ``h``: its first state and its polynomial ``[degree, *state]``.

        ``end`` is the time the loop goes on from, which ``t + h`` may miss by a rounding error.
        """
        self._ends.append(end)
        self._pieces.append((t, h, y.clone(), polynomial))

    def extend(self, later: DenseOutput) -> None:
        """Add the pieces of a solve that went on from the end of this one."""
        self._ends += later._ends
        self._pieces += later._pieces

    def mapped(self, layout: Callable[[Tensor], Tensor]) -> DenseOutput:
        """The same with its states and polynomials ``[..., *state]`` in another layout."""
        other = DenseOutput()
        other._ends = self._ends
        other._pieces = [(t, h, layout(y), layout(polynomial)) for t, h, y, polynomial in self._pieces]
        return other

    @property
    def interval(self) -> tuple[float, float]:
        """First and last time covered."""
        return self._pieces[0][0], self._ends[-1]

    def __call__(self, t: float) -> Tensor:
        """The state ``[*state]`` at time ``t``. Raises ``ValueError`` outside the interval."""
        if not self._pieces:
            raise ValueError("the solve stopped before its first step: there is no solution to interpolate")
        first, last = self.interval
        if not min(first, last) <= t <= max(first, last):
            raise ValueError(f"t = {t} is outside the solved interval from {first} to {last}")
        sign = 1.0 if last >= first else -1.0
        index = bisect_left(self._ends, sign * t, key=lambda end: sign * end)
        start, h, y, coefficients = self._pieces[index]
        return at_fraction(y, coefficients, (t - start) / h)


def at_fraction(y: Tensor, polynomial: Tensor, theta: float | Tensor) -> Tensor:
    """y + p_1 theta + p_2 theta^2 + ..., for coefficients ``[degree, *state]``."""
    value = torch.zeros_like(y)
    for coefficient in reversed(polynomial.unbind(0)):
        value = (value + coefficient) * theta
    return y + value

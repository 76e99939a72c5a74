"""The four potentials of Rezende and Mohamed (2015), table 1, as densities exp(-U) / Z on a square. No torch.

Only the first has a density on the whole plane. All four are taken on [-4, 4]^2, where the paper's figures show them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Half-width of the square.
HALF = 4.0
#: Cells a side of the grid that points are drawn from.
_CELLS = 400


def _wave(x: Any, xp: Any) -> Any:
    return xp.sin(0.5 * math.pi * x)


def _ring(x: Any, y: Any, xp: Any) -> Any:
    """A ring of radius 2, dense where x is near 2 and -2."""
    sides = xp.logaddexp(-0.5 * ((x - 2.0) / 0.6) ** 2, -0.5 * ((x + 2.0) / 0.6) ** 2)
    return 0.5 * ((xp.sqrt(x * x + y * y) - 2.0) / 0.4) ** 2 - sides


def _band(x: Any, y: Any, xp: Any) -> Any:
    """A band along a sine."""
    return 0.5 * ((y - _wave(x, xp)) / 0.4) ** 2


def _split(x: Any, y: Any, xp: Any) -> Any:
    """A sine's band that leaves the way and comes back about x = 1."""
    away = y - _wave(x, xp)
    bump = 3.0 * xp.exp(-0.5 * ((x - 1.0) / 0.6) ** 2)
    return -xp.logaddexp(-0.5 * (away / 0.35) ** 2, -0.5 * ((away + bump) / 0.35) ** 2)


def _fork(x: Any, y: Any, xp: Any) -> Any:
    """A sine's band that forks at x = 1."""
    away = y - _wave(x, xp)
    step = 3.0 / (1.0 + xp.exp(-(x - 1.0) / 0.3))
    return -xp.logaddexp(-0.5 * (away / 0.4) ** 2, -0.5 * ((away + step) / 0.35) ** 2)


def centres(n: int) -> NDArray[np.float64]:
    """The centres ``[n * n, 2]`` of n x n cells of the square, row by row from the lowest y."""
    axis = HALF * ((2.0 * np.arange(n) + 1.0) / n - 1.0)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Potential:
    """An energy U; p = exp(-U) / Z on the square."""

    name: str
    title: str
    _energy: Callable[[Any, Any, Any], Any]
    #: Logarithm of the integral of exp(-U) over the square, by quadrature.
    log_z: float

    def energy(self, z: Any, xp: Any = np) -> Any:
        """U ``[...]`` at points ``[..., 2]``, in nats; ``xp`` is numpy, or torch for tensors."""
        return self._energy(z[..., 0], z[..., 1], xp)

    def density(self, n: int) -> NDArray[np.float64]:
        """p ``[n, n]`` at the centres of n x n cells of the square, row 0 the lowest y."""
        values: NDArray[np.float64] = np.exp(-self.energy(centres(n)) - self.log_z).reshape(n, n)
        return values

    def log_z_at(self, height: float, n: int = 100) -> float:
        """Logarithm of the integral of exp(-height U) over the square, by the midpoint rule on n x n cells."""
        if height == 1.0:
            return self.log_z
        energy = -np.log(self.density(n)) - self.log_z
        return float(np.log(np.exp(-height * energy).sum() * (2.0 * HALF / n) ** 2))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Points ``[n, 2]`` of p, uniform within fine cells."""
        mass = self.density(_CELLS).ravel()
        cell = np.minimum(np.searchsorted(np.cumsum(mass) / mass.sum(), rng.uniform(size=n)), mass.size - 1)
        corner = np.stack([cell % _CELLS, cell // _CELLS], -1)
        points: NDArray[np.float32] = (
            HALF * (2.0 * (corner + rng.uniform(size=(n, 2))) / _CELLS - 1.0)
        ).astype(np.float32)
        return points


#: By the names in the paper.
POTENTIALS = {
    potential.name: potential
    for potential in (
        Potential("U1", "A ring with two sides", _ring, 1.87750),
        Potential("U2", "A wave", _band, 2.08209),
        Potential("U3", "A wave that splits and joins", _split, 2.64171),
        Potential("U4", "A wave that forks", _fork, 2.68457),
    )
}

"""The plane a flow is shown in. Importing this module imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane through the states: ``states = origin + points @ basis.T``.

    ``origin [dim]``; ``basis [dim, 2]`` with orthonormal columns, so that ``(states - origin) @ basis`` are the points.
    """

    origin: Tensor
    basis: Tensor

    @classmethod
    def of_axes(cls, dim: int, x: int = 0, y: int = 1, like: Tensor | None = None) -> Plane:
        """The plane of two of the state's dimensions, the others zero; of the type and device of ``like``."""
        like = torch.empty(0) if like is None else like
        basis = like.new_zeros(dim, 2)
        basis[x, 0] = 1.0
        basis[y, 1] = 1.0
        return cls(like.new_zeros(dim), basis)

    def states(self, points: Tensor) -> Tensor:
        """Points ``[batch, 2]`` as states ``[batch, dim]``."""
        return self.origin + points @ self.basis.T

    def points(self, states: Tensor) -> Tensor:
        """States ``[..., dim]`` as points ``[..., 2]``."""
        return (states - self.origin) @ self.basis

    def velocity(self, velocity: Tensor) -> Tensor:
        """Velocities of states ``[..., dim]`` as those of points ``[..., 2]``."""
        return velocity @ self.basis

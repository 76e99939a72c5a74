"""The plane a flow is shown in. Importing this module imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from odeviz.tasks.numerals import AXES, STATE


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane through the states: ``states = origin + points @ embedding.T``, ``points = (states - origin) @ basis``.

    ``origin [dim]``; ``basis [dim, 2]`` with orthonormal columns, which is the embedding too unless another one is
    given, whose columns must be dual to it (``basis.T @ embedding`` is the identity).
    """

    origin: Tensor
    basis: Tensor
    embedding: Tensor | None = None
    #: What the axes are called.
    labels: tuple[str, str] = AXES
    #: One unit is as long on both axes: not where they measure different things.
    equal: bool = True

    #: The horizontal axis is time.
    over_time: ClassVar[bool] = False

    @property
    def log_scale(self) -> float:
        """What the logarithm of a density over two-dimensional states exceeds that over the plane's points by."""
        return float(torch.linalg.slogdet(self.basis.T @ self.basis)[1]) / 2.0

    @classmethod
    def of_axes(
        cls,
        dim: int,
        x: int = 0,
        y: int = 1,
        like: Tensor | None = None,
        labels: tuple[str, str] = AXES,
        equal: bool = True,
    ) -> Plane:
        """The plane of two of the state's dimensions, the others zero; of the type and device of ``like``."""
        like = torch.empty(0) if like is None else like
        basis = like.new_zeros(dim, 2)
        basis[x, 0] = 1.0
        basis[y, 1] = 1.0
        return cls(like.new_zeros(dim), basis, labels=labels, equal=equal)

    def states(self, points: Tensor) -> Tensor:
        """Points ``[batch, 2]`` as states ``[batch, dim]``."""
        return self.origin + points @ (self.basis if self.embedding is None else self.embedding).T

    def points(self, states: Tensor, t: Tensor) -> Tensor:
        """States ``[..., batch, dim]`` at the times ``t [...]`` as points ``[..., batch, 2]``."""
        return (states - self.origin) @ self.basis

    def velocity(self, velocity: Tensor) -> Tensor:
        """Velocities of states ``[..., dim]`` as those of points ``[..., 2]``."""
        return velocity @ self.basis


@dataclass(frozen=True, slots=True)
class TimePlane:
    """Time to the right and a state of one dimension upwards: the field is a slope field, its speed along t is 1."""

    labels: tuple[str, str] = ("t", STATE)

    over_time: ClassVar[bool] = True
    equal: ClassVar[bool] = False

    def states(self, points: Tensor) -> Tensor:
        """Points ``[batch, 2]`` as states ``[batch, 1]``; each point's time is its first coordinate."""
        return points[:, 1:]

    def points(self, states: Tensor, t: Tensor) -> Tensor:
        """States ``[..., batch, 1]`` at the times ``t [...]`` as points ``[..., batch, 2]``."""
        return torch.cat([t[..., None, None].expand_as(states), states], dim=-1)

    def velocity(self, velocity: Tensor) -> Tensor:
        """Velocities of states ``[..., 1]`` as those of points ``[..., 2]``."""
        return torch.cat([torch.ones_like(velocity), velocity], dim=-1)

"""A field on a unit of time whose length is a parameter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import AutogradKernel, Kernel, stands_for
from odeviz.fields.divergence import Time
from odeviz.fields.mlp import MLPField
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.planar import PlanarField
from odeviz.fields.planar_kernel import PlanarKernel


class Rescaled(nn.Module):
    """f~(s, z) = T f(T s, z) with T = exp(log_duration): s from 0 to 1 is t from 0 to T.

    ``log_duration`` is a 0-dim parameter; with ``requires_grad`` the end time is learnt. ``field`` is any module
    ``forward(t, y)`` with ``dim``; ``with_divergence`` is there if the field has it.
    """

    def __init__(self, field: nn.Module, log_duration: nn.Parameter) -> None:
        super().__init__()
        if not isinstance(log_duration, nn.Parameter) or log_duration.dim() != 0:
            raise TypeError("log_duration must be a 0-dim nn.Parameter")
        self.field = field
        self.log_duration = log_duration
        self.dim: int = field.dim  # type: ignore[assignment]

    @property
    def duration(self) -> Tensor:
        """T, 0-dim and differentiable."""
        return torch.exp(self.log_duration)

    def forward(self, s: Time, z: Tensor) -> Tensor:
        T = self.duration
        value: Tensor = self.field(T * s, z)
        return T * value

    def with_divergence(self, s: Time, z: Tensor) -> tuple[Tensor, Tensor]:
        """f~ ``[batch, dim]`` and its exact divergence ``[batch]``, both differentiable."""
        T, field = self.duration, _with_divergence(self.field)
        value, divergence = field(T * s, z)
        return T * value, T * divergence

    def divergence(self, s: Time, z: Tensor) -> Tensor:
        """Exact divergence ``[batch]``, differentiable."""
        return self.with_divergence(s, z)[1]

    def kernel(self, y0: Tensor) -> Kernel:
        """The field prepared for one solve from ``y0 [batch, dim]``."""
        if isinstance(self.field, MLPField) and stands_for(self.field, MLPField):
            return MLPKernel(self.field, y0, self.log_duration)
        if isinstance(self.field, PlanarField) and stands_for(self.field, PlanarField):
            return PlanarKernel(self.field, y0, self.log_duration)
        return AutogradKernel(self, y0, tuple(self.parameters()))


def _with_divergence(field: nn.Module) -> Any:
    method = getattr(field, "with_divergence", None)
    if method is None:
        raise TypeError(f"field must have with_divergence(t, y), which {type(field).__name__} has not")
    return method

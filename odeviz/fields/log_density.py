"""The instantaneous change of variables: a state that carries its log-density."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import AutogradKernel, Kernel, stands_for
from odeviz.fields.divergence import Time
from odeviz.fields.divergence_networks import divergence_network
from odeviz.fields.mlp import MLPField
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.rescaled import Rescaled


class DivergenceField(Protocol):
    """A vector field that knows its divergence."""

    dim: int

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its divergence ``[batch]``, both differentiable."""
        ...


class LogDensityField(nn.Module):
    """d/dt [z, log p] = [f(t, z), -tr df/dz] on states ``[batch, dim + 1]`` (Chen et al., 2018, theorem 1).

    ``field`` is a module with ``dim`` and ``with_divergence``: :class:`MLPField`, :class:`AutogradField` or
    :class:`Rescaled`. For the first, also when rescaled, the divergence is fused with the network.
    """

    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        if not callable(getattr(field, "with_divergence", None)):
            raise TypeError(
                f"field must have with_divergence(t, y), which {type(field).__name__} has not; "
                "wrap it in AutogradField"
            )
        self.field = field
        self.dim: int = field.dim + 1  # type: ignore[operator,assignment]

    def forward(self, t: Time, state: Tensor) -> Tensor:
        field: DivergenceField = self.field  # type: ignore[assignment]
        value, divergence = field.with_divergence(t, state[:, :-1])
        return torch.cat([value, -divergence[:, None]], 1)

    def kernel(self, y0: Tensor) -> Kernel:
        """The field prepared for one solve from ``y0 [batch, dim + 1]``."""
        inner = self.field
        log_duration: Tensor | None = None
        if isinstance(inner, Rescaled) and stands_for(inner, Rescaled):
            log_duration, inner = inner.log_duration, inner.field
        if isinstance(inner, MLPField) and stands_for(inner, MLPField):
            return MLPKernel(inner, y0, log_duration, divergence_network(len(inner.hidden)))
        return AutogradKernel(self, y0, tuple(self.parameters()))

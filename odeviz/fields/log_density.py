"""The instantaneous change of variables: a state that carries its log-density."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import AutogradKernel, Kernel, stands_for
from odeviz.fields.divergence import Time, check_noise, check_rows, hutchinson
from odeviz.fields.divergence_networks import divergence_network
from odeviz.fields.mlp import MLPField
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.noise_networks import NoisyTrace, noisy_kernel
from odeviz.fields.planar import PlanarField
from odeviz.fields.planar_kernel import PlanarKernel
from odeviz.fields.rescaled import Rescaled


class DivergenceField(Protocol):
    """A vector field that knows its divergence."""

    dim: int

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its divergence ``[batch]``, both differentiable."""
        ...


class LogDensityField(nn.Module):
    """d/dt [z, log p] = [f(t, z), -tr df/dz] on states ``[batch, dim + 1]`` (Chen et al., 2018, theorem 1).

    Parameters
    ----------
    field : a module with ``dim`` and ``with_divergence``: :class:`MLPField`, :class:`PlanarField`,
        :class:`AutogradField` or :class:`Rescaled`. For the first two, also when rescaled, the divergence is fused with
        the network.
    noise : None for the exact trace; or e ``[batch, dim]``, drawn once for a solve from a distribution of mean 0 and
        covariance I, for Hutchinson's estimate e^T J e without bias (Grathwohl et al., 2019).
    """

    noise: Tensor | None

    def __init__(self, field: nn.Module, *, noise: Tensor | None = None) -> None:
        super().__init__()
        if not callable(getattr(field, "with_divergence", None)):
            raise TypeError(
                f"field must have with_divergence(t, y), which {type(field).__name__} has not; "
                "wrap it in AutogradField"
            )
        self.field = field
        self.dim: int = field.dim + 1  # type: ignore[operator,assignment]
        check_noise(noise, self.dim - 1)
        self.register_buffer("noise", None if noise is None else noise.detach(), persistent=False)

    def forward(self, t: Time, state: Tensor) -> Tensor:
        z = state[:, :-1]
        if self.noise is None:
            field: DivergenceField = self.field  # type: ignore[assignment]
            value, divergence = field.with_divergence(t, z)
        else:
            check_rows(self.noise, state)
            value, divergence = hutchinson(self.field, t, z, self.noise)
        return torch.cat([value, -divergence[:, None]], 1)

    def kernel(self, y0: Tensor) -> Kernel:
        """The field prepared for one solve from ``y0 [batch, dim + 1]``."""
        inner, noise = self.field, self.noise
        log_duration: Tensor | None = None
        if isinstance(inner, Rescaled) and stands_for(inner, Rescaled):
            log_duration, inner = inner.log_duration, inner.field
        if noise is not None:
            check_rows(noise, y0)
        if isinstance(inner, MLPField) and stands_for(inner, MLPField):
            if noise is not None:
                return noisy_kernel(inner, y0, log_duration, NoisyTrace, noise)
            return MLPKernel(inner, y0, log_duration, divergence_network(len(inner.hidden)))
        if noise is None and isinstance(inner, PlanarField) and stands_for(inner, PlanarField):
            return PlanarKernel(inner, y0, log_duration, log_density=True)
        return AutogradKernel(self, y0, tuple(self.parameters()))

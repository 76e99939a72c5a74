"""The divergence of any field, by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: A float, a 0-dim tensor, or a time for each sample ``[batch, 1]``.
Time = float | Tensor


def differentiated(field: Callable[[Time, Tensor], Tensor], t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
    """f ``[batch, dim]`` and its exact divergence ``[batch]``: one backward pass for each dimension.

    Both are differentiable where gradients are enabled.
    """
    differentiable = torch.is_grad_enabled()
    with torch.enable_grad():
        x = y if differentiable and y.requires_grad else y.detach().requires_grad_()
        value = field(t, x)
        divergence = torch.zeros_like(value[:, 0])
        for d in range(y.shape[1] if value.requires_grad else 0):
            (row,) = torch.autograd.grad(
                value[:, d].sum(), x, create_graph=differentiable, retain_graph=True, allow_unused=True
            )
            if row is not None:
                divergence = divergence + row[:, d]
    return (value, divergence) if differentiable else (value.detach(), divergence.detach())


def hutchinson(
    field: Callable[[Time, Tensor], Tensor], t: Time, y: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """f ``[batch, dim]`` and the estimate e^T J e ``[batch]`` of its divergence (Hutchinson, 1989): one backward pass.

    ``noise`` e ``[batch, dim]`` is a draw of mean 0 and covariance I. Both are differentiable where gradients are
    enabled.
    """
    differentiable = torch.is_grad_enabled()
    with torch.enable_grad():
        x = y if differentiable and y.requires_grad else y.detach().requires_grad_()
        value = field(t, x)
        estimate = torch.zeros_like(value[:, 0])
        if value.requires_grad:
            (pulled,) = torch.autograd.grad(
                value, x, noise, create_graph=differentiable, retain_graph=True, materialize_grads=True
            )
            estimate = (pulled * noise).sum(1)
    return (value, estimate) if differentiable else (value.detach(), estimate.detach())


def check_noise(noise: Tensor | None, dim: int) -> None:
    """``ValueError`` unless there is no noise or it is ``[batch, dim]``."""
    if noise is not None and (noise.dim() != 2 or noise.shape[1] != dim):
        raise ValueError(f"noise must have the shape [batch, {dim}], not {list(noise.shape)}")


def check_rows(noise: Tensor, state: Tensor) -> None:
    """``ValueError`` unless there is noise for each sample of the state."""
    if len(noise) != len(state):
        raise ValueError(f"noise must have one row for each of {len(state)} samples, not {len(noise)}")

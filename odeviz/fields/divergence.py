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

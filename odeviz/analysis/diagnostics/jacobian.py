"""The field's Jacobian by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def pulled_back(
    field: Callable[[float, Tensor], Tensor], t: float, states: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """f ``[batch, dim]`` and w^T df/dy ``[batch, rows, dim]`` for each row w of ``rows [rows, dim]``."""
    with torch.enable_grad():
        y = states.detach().requires_grad_(True)
        value = field(t, y)
        pulled = []
        for row in rows:
            if value.requires_grad:
                along = row.to(value).expand_as(value)
                (one,) = torch.autograd.grad(value, y, along, retain_graph=True, materialize_grads=True)
            else:
                one = torch.zeros_like(y)
            pulled.append(one)
    return value.detach(), torch.stack(pulled, dim=1)


def jacobian(field: Callable[[float, Tensor], Tensor], t: float, states: Tensor) -> tuple[Tensor, Tensor]:
    """f ``[batch, dim]`` and df/dy ``[batch, dim, dim]``: entry i, j is the derivative of f_i by y_j."""
    return pulled_back(field, t, states, torch.eye(states.shape[1], dtype=states.dtype))

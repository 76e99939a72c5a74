"""Any module as a vector field, differentiated automatically."""

from __future__ import annotations

import inspect

from torch import Tensor, nn

from odeviz.fields.divergence import Time, differentiated


class AutogradField(nn.Module):
    """A module ``forward(t, y)`` or ``forward(y)`` on states ``[batch, dim]``, each sample for itself.

    The module gets the time as the field does: a float, a 0-dim tensor, or ``[batch, 1]``.
    """

    def __init__(self, module: nn.Module, dim: int) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            raise TypeError(f"module must be an nn.Module, not {type(module).__name__}")
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self.module = module
        self.dim = dim
        self._takes_time = _positional(module) >= 2

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """dy/dt ``[batch, dim]``."""
        value: Tensor = self.module(t, y) if self._takes_time else self.module(y)
        return value

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its exact divergence ``[batch]``: one backward pass for each dimension.

        Both are differentiable where gradients are enabled.
        """
        return differentiated(self, t, y)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``."""
        return self.with_divergence(t, y)[1]


def _positional(module: nn.Module) -> int:
    """How many arguments the module's forward requires by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(module.forward).parameters.values()
    return sum(p.kind in kinds and p.default is inspect.Parameter.empty for p in parameters)

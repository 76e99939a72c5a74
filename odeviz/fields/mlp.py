"""The multilayer perceptron as a vector field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from odeviz.engine.kernel import stands_for
from odeviz.fields.activations import ACTIVATIONS, one_of
from odeviz.fields.divergence import Time, differentiated
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.network import Network
from odeviz.fields.pool import WorkspacePool

TIMES = ("none", "concat", "concatsquash")


class TimeLinear(nn.Module):
    """A linear layer that may depend on time.

    ``none``: W x + b. ``concat``: W x + b + w t, that is, t is one more input. ``concatsquash``:
    (W x + b) * sigmoid(g t + c) + w t, as in FFJORD (Grathwohl et al., 2019).
    """

    def __init__(self, inputs: int, outputs: int, time: str) -> None:
        super().__init__()
        fan_in = inputs + (time == "concat")
        self.weight = _uniform((outputs, inputs), fan_in)
        self.bias = _uniform((outputs,), fan_in)
        self.shift = None if time == "none" else _uniform((outputs,), fan_in if time == "concat" else 1)
        gated = time == "concatsquash"
        self.gate_weight = _uniform((outputs,), 1) if gated else None
        self.gate_bias = _uniform((outputs,), 1) if gated else None

    def tensors(self) -> tuple[Tensor, ...]:
        """Parameters in the order of ``parameters()``: weight, bias, shift, gate weight and gate bias."""
        all_five = (self.weight, self.bias, self.shift, self.gate_weight, self.gate_bias)
        return tuple(tensor for tensor in all_five if tensor is not None)

    def gate(self, t: Time) -> Tensor | None:
        """The factors of the outputs at time t, or None without a gate.

        They are ``[outputs]``, or ``[batch, outputs]`` where each sample has its own time.
        """
        if self.gate_weight is None or self.gate_bias is None:
            return None
        return torch.sigmoid(t * self.gate_weight + self.gate_bias)

    def push_forward(self, t: Time, tangents: Tensor) -> Tensor:
        """d output / d input at time t, times tangents ``[..., batch, inputs]``."""
        pushed = tangents @ self.weight.T
        gate = self.gate(t)
        return pushed if gate is None else pushed * gate

    def forward(self, t: Time, x: Tensor) -> Tensor:
        """The layer's outputs ``[batch, outputs]``."""
        u = functional.linear(x, self.weight, self.bias)
        gate = self.gate(t)
        if gate is not None:
            u = u * gate
        return u if self.shift is None else u + t * self.shift


class MLPField(nn.Module):
    """A multilayer perceptron f(t, y; θ) on states ``[batch, dim]``.

    Parameters
    ----------
    dim : dimensions of the state.
    hidden : units of each hidden layer, at least one layer.
    activation : tanh, sigmoid, softplus, silu, elu or relu; relu breaks the order of the solver, and elu, whose
        curvature jumps, where it is above 2.
    time : how t enters every layer: ``none`` (an autonomous field), ``concat`` or ``concatsquash``,
        see :class:`TimeLinear`.
    scale : factor of the last layer's first weights; 0 starts from a field that is zero.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        if isinstance(hidden, int):
            raise ValueError(
                f"hidden must be the widths of the hidden layers, such as ({hidden},), not {hidden}"
            )
        if len(hidden) < 1 or any(width < 1 for width in hidden):
            raise ValueError(
                f"hidden must name at least one layer, each of at least 1 unit, not {tuple(hidden)}"
            )
        if not math.isfinite(scale):
            raise ValueError(f"scale must be a finite number, not {scale}")
        self.dim = dim
        self.hidden = tuple(hidden)
        self.activation = one_of("activation", activation, tuple(ACTIVATIONS))
        self.time = one_of("time", time, TIMES)
        sizes = (dim, *hidden, dim)
        self.layers = nn.ModuleList(TimeLinear(inputs, outputs, time) for inputs, outputs in pairwise(sizes))
        last = self.time_linears()[-1]
        with torch.no_grad():
            for parameter in (last.weight, last.bias, last.shift):
                if parameter is not None:
                    parameter.mul_(scale)
        self.workspaces: WorkspacePool[Network] = WorkspacePool()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, the state's dimensions at both ends."""
        return (self.dim, *self.hidden, self.dim)

    def time_linears(self) -> list[TimeLinear]:
        """The layers, the linear last one included."""
        return list(self.layers)  # type: ignore[arg-type]

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """dy/dt ``[batch, dim]`` at time t: a float, a 0-dim tensor, or ``[batch, 1]``."""
        phi = ACTIVATIONS[self.activation].function
        *hidden, last = self.time_linears()
        for layer in hidden:
            y = phi(layer.forward(t, y))
        return last.forward(t, y)

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its exact divergence ``[batch]``, both differentiable.

        The Jacobian's columns are carried through the layers together with the state; what a subclass or a hook makes
        of the values is differentiated automatically.
        """
        if not stands_for(self, MLPField):
            return differentiated(self, t, y)
        activation = ACTIVATIONS[self.activation]
        tangents = torch.eye(self.dim, dtype=y.dtype, device=y.device)[:, None, :]
        *hidden, last = self.time_linears()
        for layer in hidden:
            u = layer.forward(t, y)
            tangents = layer.push_forward(t, tangents) * activation.derivative(u)
            y = activation.function(u)
        jacobian = last.push_forward(t, tangents)
        return last.forward(t, y), jacobian.diagonal(dim1=0, dim2=2).sum(1)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``, differentiable."""
        return self.with_divergence(t, y)[1]

    def kernel(self, y0: Tensor) -> MLPKernel:
        """The field prepared for one solve from ``y0 [batch, dim]``: see ``odeviz.engine.kernel.Kernel``."""
        return MLPKernel(self, y0)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, hidden={self.hidden}, activation={self.activation!r}, time={self.time!r}"


def _uniform(shape: tuple[int, ...], fan_in: int) -> nn.Parameter:
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

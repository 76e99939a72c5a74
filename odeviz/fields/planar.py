"""A sum of hidden units that come and go: the field of the planar continuous normalizing flow (Chen et al., 2018)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import stands_for
from odeviz.fields.divergence import Time, differentiated
from odeviz.fields.planar_kernel import PlanarKernel

#: How far out the lines w . z + b = 0 of many units begin, in standard deviations of the base.
_REACH = 3.0


class PlanarField(nn.Module):
    """f(t, z) = sum over units n of g_n(t) u_n tanh(w_n . z + b_n) on states ``[batch, dim]``.

    Every unit is the differential form of a planar flow, and its gate g_n(t) in (0, 1) says when it acts: a small
    network of time, sigmoid(C tanh(a t + c) + d) (Chen et al., 2018, section 5). The divergence of the sum is the sum
    of the units' divergences g_n(t) (u_n . w_n) (1 - tanh^2), so that its cost is linear in the number of units and in
    ``dim``.

    Parameters
    ----------
    dim : dimensions of the state.
    units : number of hidden units, M.
    gate_units : hidden units of the gates' network.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(self, dim: int, units: int = 32, *, gate_units: int = 16) -> None:
        super().__init__()
        for name, value in (("dim", dim), ("units", units), ("gate_units", gate_units)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.dim, self.units, self.gate_units = dim, units, gate_units
        self.weight = _uniform((units, dim), dim)
        # Many units whose lines all pass near the origin cannot bend a density away from it; a few must begin there.
        self.bias = _uniform((units,), dim, min(_REACH, 0.5 * units))
        self.out = _uniform((dim, units), units)
        self.clock_weight = nn.Parameter(torch.empty(gate_units).uniform_(-4.0, 4.0))
        self.clock_bias = nn.Parameter(torch.empty(gate_units).uniform_(-2.0, 2.0))
        self.gate_weight = _uniform((units, gate_units), gate_units)
        self.gate_bias = _uniform((units,), 1)

    def gates(self, t: Time) -> Tensor:
        """The units' gates at time t: ``[units]``, or ``[batch, units]`` with a time for each sample ``[batch, 1]``."""
        clock = torch.tanh(t * self.clock_weight + self.clock_bias)
        return torch.sigmoid(torch.nn.functional.linear(clock, self.gate_weight, self.gate_bias))

    def unit_traces(self) -> Tensor:
        """u_n . w_n ``[units]``: the units' greatest divergences."""
        return (self.weight * self.out.t()).sum(1)

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """dy/dt ``[batch, dim]`` at time t: a float, a 0-dim tensor, or ``[batch, 1]``."""
        return (self.gates(t) * self._activations(y)) @ self.out.t()

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its exact divergence ``[batch]``, both differentiable."""
        if not stands_for(self, PlanarField):
            return differentiated(self, t, y)
        a, gates = self._activations(y), self.gates(t)
        return (gates * a) @ self.out.t(), (gates * (1.0 - a * a) * self.unit_traces()).sum(1)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``, differentiable."""
        return self.with_divergence(t, y)[1]

    def kernel(self, y0: Tensor) -> PlanarKernel:
        """The field prepared for one solve from ``y0 [batch, dim]``: see ``odeviz.engine.kernel.Kernel``."""
        return PlanarKernel(self, y0)

    def _activations(self, y: Tensor) -> Tensor:
        return torch.tanh(torch.nn.functional.linear(y, self.weight, self.bias))

    def extra_repr(self) -> str:
        return f"dim={self.dim}, units={self.units}, gate_units={self.gate_units}"


def _uniform(shape: tuple[int, ...], fan_in: int, times: float = 1.0) -> nn.Parameter:
    bound = times / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

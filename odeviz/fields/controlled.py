"""A field that sees the input it is to answer for: data-controlled neural ODEs (Massaroli et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from odeviz.fields.activations import ACTIVATIONS, one_of
from odeviz.fields.divergence import Time, differentiated
from odeviz.fields.mlp import TIMES, TimeLinear


class ControlledField(nn.Module):
    """dz/dt = f(t, h, u; θ), du/dt = 0 on states ``[h, u]``: a multilayer perceptron that sees a constant input u.

    Each input has a field of its own, so that the trajectories of two inputs may cross in h (Massaroli et al.,
    *Dissecting Neural ODEs*, 2020). ``state`` and ``inputs`` are the numbers of dimensions of h and u; ``hidden``,
    ``activation`` and ``time`` are those of :class:`odeviz.fields.MLPField`.
    """

    def __init__(
        self,
        state: int,
        inputs: int,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
    ) -> None:
        super().__init__()
        if state < 1 or inputs < 1:
            raise ValueError(f"state and inputs must be at least 1, not {state} and {inputs}")
        self.state, self.inputs, self.dim = state, inputs, state + inputs
        self.activation = one_of("activation", activation, tuple(ACTIVATIONS))
        one_of("time", time, TIMES)
        sizes = (self.dim, *hidden, state)
        self.layers = nn.ModuleList(TimeLinear(inputs, outputs, time) for inputs, outputs in pairwise(sizes))

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """d[h, u]/dt ``[batch, dim]``."""
        phi = ACTIVATIONS[self.activation].function
        *hidden, last = self.layers
        h = y
        for layer in hidden:
            h = phi(layer(t, h))
        velocity = last(t, h)
        return torch.cat([velocity, velocity.new_zeros(len(y), self.inputs)], dim=1)

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """The field ``[batch, dim]`` and the divergence ``[batch]`` of f in h, both differentiable."""
        return differentiated(self, t, y)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``."""
        return self.with_divergence(t, y)[1]

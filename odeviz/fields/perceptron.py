"""A multilayer perceptron from some inputs to some outputs, for the nets inside structured fields."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from odeviz.fields.activations import ACTIVATIONS, one_of


class Perceptron(nn.Module):
    """Linear layers with an activation between them, ``[..., inputs]`` to ``[..., outputs]``.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, activation: str = "tanh") -> None:
        super().__init__()
        sizes = (inputs, *hidden, outputs)
        if len(hidden) < 1 or min(sizes) < 1:
            raise ValueError(
                f"inputs, hidden (at least one layer) and outputs must be at least 1, not {inputs}, "
                f"{tuple(hidden)}, {outputs}"
            )
        self.activation = one_of("activation", activation, tuple(ACTIVATIONS))
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """The outputs ``[..., outputs]``."""
        phi = ACTIVATIONS[self.activation].function
        *hidden, last = self.layers
        for layer in hidden:
            x = phi(layer(x))
        outputs: Tensor = last(x)
        return outputs

    def gradient(self, x: Tensor) -> Tensor:
        """d(sum of the outputs) / dx ``[..., inputs]``, by the chain rule written out: differentiable in turn."""
        activation = ACTIVATIONS[self.activation]
        slopes: list[Tensor] = []
        *hidden, last = self.layers
        for layer in hidden:
            u = layer(x)
            slopes.append(activation.derivative(u))
            x = activation.function(u)
        pulled: Tensor = torch.ones_like(x[..., :1]) * last.weight.sum(0)  # type: ignore[operator]
        for layer, slope in zip(reversed(hidden), reversed(slopes), strict=True):
            pulled = (pulled * slope) @ layer.weight  # type: ignore[operator]
        return pulled

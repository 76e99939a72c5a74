"""How a field's kernel is compared with automatic differentiation of its plain forward, in float64."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EVALUATIONS = [(3, 0.3, 0.5), (0, -0.7, -1.0), (1, 1.2, 2.0)]  # slot, time, weight in the gradient


def difference(a: Tensor, b: Tensor) -> float:
    return (a - b).abs().max().item()


def check_kernel(field: nn.Module, batch: int, dim: int) -> None:
    """Values, vector-Jacobian products and a weighted sum of gradients, against automatic differentiation."""
    parameters = list(field.parameters())
    reference = {id(p): torch.zeros_like(p) for p in parameters}
    kernel = None
    for slot, t, weight in EVALUATIONS:
        y = torch.randn(batch, dim, dtype=torch.float64).requires_grad_()
        cotangent = torch.randn(batch, dim, dtype=torch.float64)
        value = field(t, y)
        dy, *rest = torch.autograd.grad(value, (y, *parameters), cotangent, allow_unused=True)
        for p, part in zip(parameters, rest, strict=True):
            if part is not None:
                reference[id(p)] += weight * part
        if kernel is None:
            kernel = field.kernel(y)
            kernel.reserve(2)
        kernel.reserve(slot + 1)
        out = torch.empty(kernel.size, dtype=torch.float64)
        kernel.evaluate(t, kernel.pack(y), out, slot)
        assert difference(kernel.unpack(out), value) < 1e-10
        kernel.pull_back(slot, kernel.pack(cotangent), out)
        assert difference(kernel.unpack(out), dy if dy is not None else torch.zeros_like(y)) < 1e-10
    slots, _, weights = zip(*EVALUATIONS, strict=True)
    gradients = kernel.gradients(slots, weights)
    assert {id(p) for p in kernel.parameters()} == set(reference)
    for p, gradient in zip(kernel.parameters(), gradients, strict=True):
        assert gradient.shape == p.shape
        assert difference(gradient, reference[id(p)]) < 1e-10
    kernel.release()

"""A features-first layer's matrix products, and how the products that weight gradients consist of are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

_THIN = 4
_LARGE = 1 << 16


def layer_mm(A: Tensor, X: Tensor, out: Tensor) -> None:
    """out [n, B] = A [n, k] X [k, B].

    For a few columns of A and a large batch a general product is several times slower than a sum of outer ones.
    """
    k = A.shape[1]
    if k > _THIN or out.numel() < _LARGE:
        torch.mm(A, X, out=out)
        return
    torch.mul(A[:, :1], X[:1], out=out)
    for j in range(1, k):
        out.addcmul_(A[:, j : j + 1], X[j : j + 1])


def outer_sum(delta: Tensor, X: Tensor, out: Tensor) -> None:
    """out [n, k] = delta [n, B] X^T [B, k]: a layer's weight gradient, summed over the batch."""
    n, k = out.shape
    if k <= _THIN:
        for j in range(k):
            torch.mv(delta, X[j], out=out[:, j])
    elif n <= _THIN:
        for i in range(n):
            torch.mv(X, delta[i], out=out[i])
    else:
        torch.mm(delta, X.t(), out=out)


@dataclass(slots=True)
class Products:
    """One or more evaluations' contributions to the gradient, ``...`` being nothing or ``[slots]``.

    ``bias``: for each layer [..., n], the layer's delta summed over the batch; ``weight``: for each layer
    [..., n, k], delta times input; ``trace``: [..., *shape], what the divergence adds beside them.
    """

    bias: list[Tensor]
    weight: list[Tensor]
    trace: Tensor | None


class ProductLayout:
    """How the products of one evaluation lie in one flat row, so that sums over evaluations are one operation."""

    def __init__(self, sizes: Sequence[int], trace: tuple[int, ...] = ()) -> None:
        self._biases = list(sizes[1:])
        self._weights = [(n, k) for k, n in pairwise(sizes)]
        self._trace = trace
        #: Units of all layers together; their biases begin a row.
        self.units = sum(self._biases)
        self.total = self.units + sum(n * k for n, k in self._weights) + _volume(trace)

    def split(self, rows: Tensor) -> Products:
        """Views of ``rows [..., total]``."""
        lead = rows.shape[:-1]
        volumes = [*self._biases, *(n * k for n, k in self._weights), _volume(self._trace)]
        parts = torch.split(rows, volumes, dim=-1)
        layers = len(self._biases)
        weight = [
            part.view(*lead, *shape)
            for part, shape in zip(parts[layers : 2 * layers], self._weights, strict=True)
        ]
        trace = parts[-1].view(*lead, *self._trace) if self._trace else None
        return Products(list(parts[:layers]), weight, trace)


def _volume(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel() if shape else 0

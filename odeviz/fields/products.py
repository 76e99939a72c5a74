"""A features-first layer's matrix products, and how the products that weight gradients consist of are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

_THIN = 4
_LARGE = 1 << 16


#: (function, left, right, out): an operation whose operands are known long before it runs.
Operation = tuple[Callable[..., object], Tensor, Tensor, Tensor]


def layer_product(A: Tensor, X: Tensor, out: Tensor) -> Operation:
    """out [n, B] = A [n, k] X [k, B].

    For a few columns of A and a large batch a general product is several times slower than a sum of outer ones.
    """
    thin = A.shape[1] <= _THIN and out.numel() >= _LARGE
    return (sum_of_outer_products if thin else torch.mm), A, X, out


def sum_of_outer_products(A: Tensor, X: Tensor, *, out: Tensor) -> None:
    """out [n, B] = A [n, k] X [k, B], column by column of A."""
    torch.mul(A[:, :1], X[:1], out=out)
    for j in range(1, A.shape[1]):
        out.addcmul_(A[:, j : j + 1], X[j : j + 1])


def gradient_products(delta: Tensor, x: Tensor, bias: Tensor, weight: Tensor) -> Iterator[Operation]:
    """A layer's gradients summed over the batch: bias [n], weight [n, k] from delta [n, B] and x [1 + k, B].

    The first row of x is what multiplies the bias: ones.
    """
    n, k = weight.shape
    yield torch.mv, delta, x[0], bias
    if k <= _THIN:
        yield from ((torch.mv, delta, x[1 + j], weight[:, j]) for j in range(k))
    elif n <= _THIN:
        yield from ((torch.mv, x[1:], delta[i], weight[i]) for i in range(n))
    else:
        yield torch.mm, delta, x[1:].t(), weight


@dataclass(slots=True)
class Products:
    """One or more evaluations' contributions to the gradient, ``...`` being nothing or ``[slots]``.

    ``bias``: for each layer [..., n], the layer's delta summed over the batch; ``weight``: for each layer
    [..., n, k], delta times input; ``trace``: [..., *shape], what the divergence adds beside them.
    """

    bias: list[Tensor]
    weight: list[Tensor]
    trace: Tensor | None

    def only(self) -> Products:
        """The single evaluation of ``[1, ...]``."""
        trace = None if self.trace is None else self.trace[0]
        return Products([bias[0] for bias in self.bias], [weight[0] for weight in self.weight], trace)


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

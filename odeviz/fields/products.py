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


def gradient_products(delta: Sequence[Tensor], x: Sequence[Tensor], out: Products) -> Iterator[Operation]:
    """All layers' gradients summed over the batch, from delta [n, B] and x [1 + k, B], whose first row are ones."""
    # The first layer is thin: its bias and its weights are one product.
    yield torch.mm, x[0], delta[0].t(), out.first
    for i in range(1, len(delta)):
        yield torch.mv, delta[i], x[i][0], out.bias[i]
        yield from _weight_products(delta[i], x[i][1:], out.weight[i])


def _weight_products(delta: Tensor, a: Tensor, weight: Tensor) -> Iterator[Operation]:
    n = len(weight)
    if n <= _THIN:
        yield from ((torch.mv, a, delta[i], weight[i]) for i in range(n))
    else:
        yield torch.mm, delta, a.t(), weight


@dataclass(slots=True)
class Products:
    """One or more evaluations' contributions to the gradient, ``...`` being nothing or ``[slots]``.

    ``bias``: for each layer [..., n], the layer's delta summed over the batch; ``weight``: for each layer
    [..., n, k], delta times input; ``trace``: [..., *shape], what the divergence adds beside them; ``first``:
    [..., 1 + k, n], bias and transposed weights of the first layer together.
    """

    bias: list[Tensor]
    weight: list[Tensor]
    trace: Tensor | None
    first: Tensor

    def only(self) -> Products:
        """The single evaluation of ``[1, ...]``."""
        trace = None if self.trace is None else self.trace[0]
        return Products([b[0] for b in self.bias], [w[0] for w in self.weight], trace, self.first[0])

    def plus(self, weight: list[Tensor]) -> Products:
        """With the divergence's share of the weights added, after which ``trace`` has served its purpose."""
        return Products(
            self.bias, [w + more for w, more in zip(self.weight, weight, strict=True)], None, self.first
        )


class ProductLayout:
    """How the products of one evaluation lie in one flat row, so that sums over evaluations are one operation.

    The biases come first, from the last layer to the first, then the weights from the first layer to the last;
    those of the first layer are transposed, so that its bias and its weights are neighbours.
    """

    def __init__(self, sizes: Sequence[int], trace: tuple[int, ...] = ()) -> None:
        self._sizes = tuple(sizes)
        self._trace = trace
        #: Units of all layers together; their biases begin a row.
        self.units = sum(sizes[1:])
        self.total = self.units + sum(n * k for k, n in pairwise(sizes)) + _volume(trace)

    def split(self, rows: Tensor) -> Products:
        """Views of ``rows [..., total]``."""
        lead, shapes = rows.shape[:-1], [(n, k) for k, n in pairwise(self._sizes)]
        n, k = shapes[0]
        volumes = [*(n for n, _ in reversed(shapes)), *(n * k for n, k in shapes), _volume(self._trace)]
        parts = torch.split(rows, volumes, dim=-1)
        bias = list(reversed(parts[: len(shapes)]))
        weight = [
            part.view(*lead, *shape)
            for part, shape in zip(parts[len(shapes) + 1 : -1], shapes[1:], strict=True)
        ]
        first = rows[..., self.units - n : self.units + n * k].view(*lead, 1 + k, n)
        trace = parts[-1].view(*lead, *self._trace) if self._trace else None
        return Products(bias, [first[..., 1:, :].mT, *weight], trace, first)


def _volume(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel() if shape else 0

"""The matrix products that weight gradients consist of, and how they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

_THIN = 4

#: An operation whose operands are known long before it runs.
Operation = Callable[[], object]


def product(A: Tensor, B: Tensor, out: Tensor) -> Operation:
    """out = A B, for matrices or for batches of them."""
    return partial(torch.mm if out.dim() == 2 else torch.bmm, A, B, out=out)


@dataclass(slots=True)
class Products:
    """One or more evaluations' contributions to the gradient, ``...`` being nothing or ``[slots]``.

    ``bias``: for each layer [..., n], the layer's delta summed over the batch; ``weight``: for each layer
    [..., n, k], delta times input; ``trace``: [..., *shape], what the divergence adds beside them; ``blocks``:
    for each layer its bias and weight as they lie in memory.
    """

    bias: list[Tensor]
    weight: list[Tensor]
    trace: Tensor | None
    blocks: list[Tensor]

    def only(self) -> Products:
        """The single evaluation of ``[1, ...]``."""
        trace = None if self.trace is None else self.trace[0]
        bias, weight, blocks = (
            [part[0] for part in parts] for parts in (self.bias, self.weight, self.blocks)
        )
        return Products(bias, weight, trace, blocks)

    def plus(self, weight: list[Tensor]) -> Products:
        """With the divergence's share of the weights added, after which ``trace`` has served its purpose."""
        total = [w + more for w, more in zip(self.weight, weight, strict=True)]
        return Products(self.bias, total, None, self.blocks)


class ProductLayout:
    """How the products of one evaluation lie in one flat row, so that sums over evaluations are one operation.

    A layer's block is x delta^T [1 + k, n], bias first, or for a layer of few units its transpose, which is faster.
    """

    def __init__(self, sizes: Sequence[int], trace: tuple[int, ...] = ()) -> None:
        self._trace = trace
        self._thin = [n <= _THIN for n in sizes[1:]]
        self._shapes = [
            (n, 1 + k) if thin else (1 + k, n)
            for (k, n), thin in zip(pairwise(sizes), self._thin, strict=True)
        ]
        self._volumes = [*(rows * columns for rows, columns in self._shapes), _volume(trace)]
        self.total = sum(self._volumes)

    def split(self, rows: Tensor) -> Products:
        """Views of ``rows [..., total]``."""
        lead = rows.shape[:-1]
        *flat, last = torch.split(rows, self._volumes, dim=-1)
        blocks = [part.view(*lead, *shape) for part, shape in zip(flat, self._shapes, strict=True)]
        upright = [block if thin else block.mT for block, thin in zip(blocks, self._thin, strict=True)]
        trace = last.view(*lead, *self._trace) if self._trace else None
        return Products([b[..., 0] for b in upright], [b[..., 1:] for b in upright], trace, blocks)

    def form(self, delta: Sequence[Tensor], x: Sequence[Tensor], out: Products) -> Iterator[Operation]:
        """All layers' products, from delta [..., n, B] and x [..., 1 + k, B], whose first row are ones."""
        for left, right, block, thin in zip(delta, x, out.blocks, self._thin, strict=True):
            yield product(left, right.mT, block) if thin else product(right, left.mT, block)


def _volume(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel() if shape else 0

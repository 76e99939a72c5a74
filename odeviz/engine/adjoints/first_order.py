"""Derivatives that are known to first order only: asking for more is an error, where it would be missing silently."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

SOLVES = (
    "the gradient of a solve is differentiable only with adjoint='backprop' (odeint in torchdiffeq's interface): "
    "use it for second derivatives"
)
DENSE = (
    "dense output, solution(t), carries no gradient: add its times to the output times t of the solve "
    "(or use adjoint='backprop', with steps that samples share); solution(t).detach() is its value alone"
)
TIMES = (
    "times of a solve and of its events are differentiable once; "
    "odeint is twice differentiable with respect to its t"
)


class _Barrier(torch.autograd.Function):
    """A zero that depends on others in a way nobody knows."""

    @staticmethod
    def forward(ctx: Any, message: str, *roots: Tensor) -> Tensor:
        ctx.message = message
        return torch.zeros((), device=roots[0].device)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> None:
        raise RuntimeError(ctx.message)


def final(values: tuple[Tensor, ...], roots: Iterable[Tensor], message: str) -> tuple[Tensor, ...]:
    """The values, whose derivatives with respect to ``roots`` are a ``RuntimeError`` with that message."""
    roots = [root for root in roots if root.requires_grad]
    if not roots:
        return values
    zero: Tensor = _Barrier.apply(message, *roots)  # type: ignore[no-untyped-call]
    return tuple(value + zero.to(value) for value in values)


class _FirstOrder(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, roots: tuple[Tensor, ...]) -> Tensor:
        ctx.roots = roots
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return (final((grad,), ctx.roots, TIMES)[0] if torch.is_grad_enabled() else grad), None


def first_order(x: Tensor, *roots: Tensor) -> Tensor:
    """x, for whose gradient the derivatives with respect to ``roots`` are not known."""
    y: Tensor = _FirstOrder.apply(x, roots)  # type: ignore[no-untyped-call]
    return y


def moved(y: Tensor, slope: Tensor, late: Tensor, *others: Tensor) -> Tensor:
    """States y that move with their times along ``slope``, to first order; their values are unchanged.

    ``late`` is zero, with a gradient; ``others`` are what the slope depends on beside y.
    """
    return first_order(y, late) + slope.detach() * first_order(late, late, y, slope, *others)

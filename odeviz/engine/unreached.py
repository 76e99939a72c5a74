"""States that a solve did not reach: NaN, and so is every gradient through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class _Unreached(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, nothing: Tensor, *roots: Tensor) -> Tensor:
        ctx.save_for_backward(*roots)
        return nothing.view_as(nothing)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        value = math.nan if bool((grad != 0).any()) else 0.0
        return None, *(torch.full_like(root, value) for root in ctx.saved_tensors)


def unreached(like: Tensor, rows: int, *roots: Tensor) -> Tensor:
    """``rows`` states ``[rows, *like.shape]`` of NaN.

    A loss that makes use of one of them has a gradient of NaN with respect to those of ``roots`` that require one, not
    one of zero, with which training would go on as if all were well.
    """
    nothing = like.new_full((rows, *like.shape), math.nan)
    wanted = [root for root in roots if root.requires_grad]
    if not (wanted and torch.is_grad_enabled()):
        return nothing
    result: Tensor = _Unreached.apply(nothing, *wanted)  # type: ignore[no-untyped-call]
    return result


class _UnreachedBySamples(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, missing: Tensor, y0: Tensor, *params: Tensor) -> Tensor:
        ctx.save_for_backward(missing, y0, *params)
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        missing, y0, *params = ctx.saved_tensors
        samples = (missing & (grad != 0).any(-1)).any(0)
        value = math.nan if bool(samples.any()) else 0.0
        return (
            grad.masked_fill(missing[..., None], 0.0),
            None,
            torch.zeros_like(y0).masked_fill(samples[:, None], math.nan),
            *(torch.full_like(param, value) for param in params),
        )


def unreached_by_samples(y: Tensor, missing: Tensor, y0: Tensor, params: Sequence[Tensor]) -> Tensor:
    """States ``y [time, batch, dim]``, of which those ``missing [time, batch]`` are NaN.

    As for :func:`unreached`, a loss that makes use of them has a gradient of NaN: with respect to the rows of
    ``y0 [batch, dim]`` they belong to, and to ``params``.
    """
    wanted = [param for param in params if param.requires_grad]
    result: Tensor = _UnreachedBySamples.apply(y, missing, y0, *wanted)  # type: ignore[no-untyped-call]
    return result


class _Untouched(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *unused: Tensor) -> Tensor:
        ctx.save_for_backward(*unused)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        return grad, *(torch.zeros_like(p) for p in ctx.saved_tensors)


def with_zero_gradients(x: Tensor, *params: Tensor) -> Tensor:
    """x, through which ``params`` get a gradient of zeros at least, however little x depends on them."""
    result: Tensor = _Untouched.apply(x, *params)  # type: ignore[no-untyped-call]
    return result

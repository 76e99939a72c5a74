"""Arguments of ``odeint`` and its kin, checked one by one: every message names the caller's argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from odeviz.engine.checks import (
    as_number,
    checked_nonnegative,
    checked_number,
    checked_size,
    checked_tensors,
    checked_times,
    described,
)


def mapping(name: str, value: object) -> Mapping[str, Any]:
    """Options as they were given; none for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(
            f"{name} must be a dict such as {{'norm': function}} or None, not {type(value).__name__}"
        )
    return value


def number(
    name: str, value: Any, kind: str = "a number", accepts: Callable[[float], bool] = lambda x: True
) -> float:
    """A number that ``accepts`` accepts, or a tensor of one in whatever shape."""
    return checked_number(name, _squeezed(value), kind, accepts)


def positive(name: str, value: Any) -> float:
    return checked_size(name, _squeezed(value))


def at_least_zero(name: str, value: Any) -> float:
    return checked_nonnegative(name, _squeezed(value))


def norm_value(name: str, value: Any) -> float:
    """What a norm returned: one number, NaN where there is none."""
    size = as_number(_squeezed(value))
    if size is None:
        raise TypeError(f"{name} must return one number, not {described(value)}")
    return size


def _squeezed(value: Any) -> Any:
    return value.reshape(()) if isinstance(value, Tensor) and value.numel() == 1 else value


def count(name: str, value: Any) -> int:
    kind = "a whole number of at least 1"
    return int(number(name, value, kind, lambda x: 1 <= x < math.inf and x == math.floor(x)))


def instants(name: str, value: Any) -> tuple[float, ...]:
    """Times: one number, or several in a tensor or any other iterable; none for None."""
    if value is None:
        return ()
    if isinstance(value, Tensor):
        value = value.detach().reshape(-1).tolist()
    kind = "a finite time or a sequence of them"
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    return tuple(number(name, x, kind, math.isfinite) for x in (value if several else (value,)))


def output_times(t: object) -> tuple[float, ...]:
    """The numbers of a one-dimensional tensor of times."""
    if not isinstance(t, Tensor) or not t.is_floating_point():
        what = t.dtype if isinstance(t, Tensor) else type(t).__name__
        raise TypeError(f"t must be a tensor of floating-point numbers, not {what}")
    if t.dim() != 1 or t.numel() == 0:
        raise ValueError(f"t must be one-dimensional and not empty, not of shape {list(t.shape)}")
    try:
        if t.numel() > 1:
            return checked_times(t)
        (time,) = t.tolist()
    except RuntimeError as error:
        raise ValueError("t must hold numbers that can be read, not a batch of torch.vmap's") from error
    if not math.isfinite(time):
        raise ValueError(f"t must hold finite times, not {[time]}")
    return (time,)


def differentiated(name: str, value: Any) -> tuple[Tensor, ...]:
    """The tensors of a sequence that require gradients."""
    return tuple(tensor for tensor in checked_tensors(name, value) if tensor.requires_grad)


def tolerance_entries(name: str, value: Any, shape: torch.Size, like: Tensor) -> Tensor:
    """A tolerance for each entry of a state of this shape."""
    try:
        tensor = torch.as_tensor(value).detach().to(like)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must hold numbers, not {described(value)}") from None
    if tensor.shape != shape and tensor.shape == (shape.numel(),):
        tensor = tensor.reshape(shape)
    try:
        tensor = tensor.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"{name} must broadcast to the shape of y0, {list(shape)}, not {list(tensor.shape)}"
        ) from None
    if not bool((torch.isfinite(tensor) & (tensor >= 0)).all()):
        raise ValueError(f"{name} must hold finite numbers of at least 0")
    return tensor

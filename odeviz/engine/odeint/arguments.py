"""Arguments of ``odeint`` and its kin, checked one by one: every message names the caller's argument."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from odeviz.engine.checks import checked_times


def described(value: object) -> str:
    """What an argument is, in a few words: a tensor by its dtype and shape, a number as it stands."""
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    return repr(value) if isinstance(value, str | int | float | complex) else type(value).__name__


def check_callable(name: str, value: object, arguments: str = "(t, y)") -> None:
    if not callable(value):
        raise TypeError(f"{name} must be a callable {name}{arguments}, not {described(value)}")


def mapping(name: str, value: object) -> Mapping[str, Any]:
    """Options as they were given; none for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(
            f"{name} must be a dict such as {{'norm': function}} or None, not {type(value).__name__}"
        )
    return value


def number(name: str, value: Any, kind: str = "a number") -> float:
    """A number or a tensor of one; ``TypeError`` for anything else."""
    if not isinstance(value, str | bytes | bool):
        try:
            return float(value.detach() if isinstance(value, Tensor) else value)
        except (TypeError, ValueError, RuntimeError):
            pass
    raise TypeError(f"{name} must be {kind}, not {described(value)}") from None


def positive(name: str, value: Any) -> float:
    kind = "a positive finite number"
    size = number(name, value, kind)
    if not (math.isfinite(size) and size > 0):
        raise ValueError(f"{name} must be {kind}, not {size:g}")
    return size


def at_least_zero(name: str, value: Any) -> float:
    kind = "a finite number of at least 0"
    size = number(name, value, kind)
    if not (math.isfinite(size) and size >= 0):
        raise ValueError(f"{name} must be {kind}, not {size:g}")
    return size


def count(name: str, value: Any) -> int:
    kind = "an integer of at least 1"
    size = number(name, value, kind)
    if not size >= 1 or size != math.floor(size) or math.isinf(size):
        raise ValueError(f"{name} must be {kind}, not {size:g}")
    return int(size)


def instants(name: str, value: Any) -> tuple[float, ...]:
    """Finite times: one number, or several in a tensor or any other iterable; none for None."""
    if value is None:
        return ()
    if isinstance(value, Tensor):
        value = value.detach().reshape(-1).tolist()
    kind = "a time or a sequence of times"
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    times = tuple(number(name, x, kind) for x in (value if several else (value,)))
    if not all(math.isfinite(x) for x in times):
        raise ValueError(f"{name} must hold finite times, not {list(times)}")
    return times


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
    wanted = "a sequence of tensors, such as (w,)"
    if isinstance(value, Tensor) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be {wanted}, not {described(value)}")
    given = tuple(value)
    for one in given:
        if not isinstance(one, Tensor):
            raise TypeError(f"{name} must be {wanted}, not hold {described(one)}")
    return tuple(tensor for tensor in given if tensor.requires_grad)


def nearest(value: str, names: Sequence[str]) -> str:
    """A question whether one of the names was meant, or nothing."""
    close = difflib.get_close_matches(value, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


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

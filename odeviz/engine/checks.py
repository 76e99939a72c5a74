"""What the arguments of a solve are checked with: each check raises one sentence that names the argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from numbers import Real
from typing import TypeVar

from torch import Tensor

T = TypeVar("T")
NO_NAMES: Mapping[str, str] = {}


def described(value: object) -> str:
    """What a value is, for the end of a sentence."""
    if isinstance(value, Tensor):
        return f"a {list(value.shape)} tensor of {str(value.dtype).removeprefix('torch.')}"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return type(value).__name__


def as_number(value: object) -> float | None:
    """A real number, which may be a tensor without dimensions; None if it is none."""
    if isinstance(value, Tensor):
        usable = value.dim() == 0 and not value.is_complex() and not value.is_meta
        value = value.item() if usable else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    return float(value)


def checked_number(name: str, value: object, allowed: str, accepts: Callable[[float], bool]) -> float:
    """A number that ``accepts`` accepts; NaN is refused. ``allowed`` says in words what is."""
    number = as_number(value)
    if number is None:
        raise TypeError(f"{name} must be {allowed}, not {described(value)}")
    if math.isnan(number) or not accepts(number):
        raise ValueError(f"{name} must be {allowed}, not {number}")
    return number


def checked_size(name: str, value: object) -> float:
    """A positive finite number."""
    return checked_number(name, value, "a positive finite number", lambda x: 0 < x < math.inf)


def checked_nonnegative(name: str, value: object) -> float:
    """A finite number of at least 0."""
    return checked_number(name, value, "a finite number of at least 0", lambda x: 0 <= x < math.inf)


def checked_count(name: str, value: object, least: int = 1) -> int:
    """A whole number, which may not be a bool or a float."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or isinstance(value, Tensor):
        raise TypeError(f"{name} must be a whole number of at least {least}, not {described(value)}")
    count = value.__index__()
    if count < least:
        raise ValueError(f"{name} must be at least {least}, not {count}")
    return int(count)


def checked_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {described(value)}")
    return value


def checked_numbers(name: str, values: object) -> list[float]:
    """The numbers of a sequence or of a one-dimensional tensor."""
    if isinstance(values, Tensor):
        if values.dim() != 1:
            raise ValueError(f"{name} must be one-dimensional, not of shape {list(values.shape)}")
        values = values.tolist()
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(
            f"{name} must be a sequence of numbers or a one-dimensional tensor, not {described(values)}"
        )
    found = []
    for value in values:
        number = as_number(value)
        if number is None:
            raise TypeError(f"{name} must hold real numbers, not {described(value)}")
        found.append(number)
    return found


def checked_times(t: object, name: str = "t") -> tuple[float, ...]:
    """Two or more finite times, strictly increasing or strictly decreasing."""
    times = tuple(checked_numbers(name, t))
    if len(times) < 2 or not all(math.isfinite(x) for x in times):
        raise ValueError(f"{name} must hold at least two finite times, not {list(times)}")
    sign = math.copysign(1.0, times[-1] - times[0])
    if any(sign * (b - a) <= 0 for a, b in pairwise(times)):
        raise ValueError(f"{name} must be strictly increasing or strictly decreasing")
    return times


def checked_instants(name: str, instants: object) -> list[float]:
    """Finite times in any order."""
    values = checked_numbers(name, instants)
    if not all(math.isfinite(x) for x in values):
        raise ValueError(f"{name} must hold finite times, not {values}")
    return values


def nearest(value: str, names: Collection[str], elsewhere: Mapping[str, str] = NO_NAMES) -> str:
    """A question whether one of the names was meant, or nothing; ``elsewhere`` are what others call them."""
    known = elsewhere.get(value.lower())
    close = [known] if known is not None else get_close_matches(value.lower(), names, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def checked_tensors(name: str, values: object) -> tuple[Tensor, ...]:
    """The tensors of a sequence, which is not a tensor itself."""
    if isinstance(values, Tensor) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of tensors, such as [w], not {described(values)}")
    given = tuple(values)
    for one in given:
        if not isinstance(one, Tensor):
            raise TypeError(f"{name} must be a sequence of tensors, such as [w]; it holds {described(one)}")
    return given


def check_choice(
    name: str,
    value: object,
    choices: Collection[str],
    beside: str = "",
    elsewhere: Mapping[str, str] = NO_NAMES,
) -> None:
    """``ValueError`` unless ``value`` is one of ``choices``; ``beside`` says what else is allowed."""
    if isinstance(value, str) and value in choices:
        return
    hint = nearest(value, choices, elsewhere) if isinstance(value, str) else ""
    raise ValueError(f"{name} must be {beside}one of {', '.join(choices)}, not {described(value)}{hint}")


def check_instance(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {described(value)}")


def check_callable(name: str, value: object, form: str = "f(t, y)") -> None:
    if not callable(value):
        raise TypeError(f"{name} must be a callable {form}, not {described(value)}")


class CallError(TypeError):
    """A caller's function could not be called; the message tells how it is called."""


def called(function: Callable[..., T], t: object, y: object, who: str = "field", form: str = "f") -> T:
    """function(t, y), or ``TypeError`` telling how ``who`` is called."""
    try:
        return function(t, y)
    except CallError:
        raise
    except TypeError as error:
        time = f"a tensor {list(t.shape)}" if isinstance(t, Tensor) else "a float"
        state = f"a tensor {list(y.shape)}" if isinstance(y, Tensor) else "a tuple of tensors"
        raise CallError(
            f"{who} is called as {form}(t, y), with {time} for t and {state} for y, and raised: {error}"
        ) from error


def checked_value(value: Tensor, y: Tensor, who: str = "field") -> Tensor:
    """What was returned for the states y, which must have their shape and dtype."""
    if isinstance(value, Tensor) and value.shape == y.shape and value.dtype == y.dtype:
        return value
    kind = ValueError if isinstance(value, Tensor) else TypeError
    raise kind(
        f"{who} must return {described(y)}, as the states are that it is given, not {described(value)}"
    )


def checked_event_values(value: Tensor, y: Tensor) -> Tensor:
    """What an event's function returned for the states y ``[batch, dim]``."""
    if isinstance(value, Tensor) and value.shape == y.shape[:1] and value.is_floating_point():
        return value
    kind = ValueError if isinstance(value, Tensor) else TypeError
    raise kind(
        "an event's function must return a floating-point tensor with one number for each sample, "
        f"[{y.shape[0]}], not {described(value)}"
    )

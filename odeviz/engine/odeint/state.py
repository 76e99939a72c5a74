"""States, times, norms and callbacks of ``odeint``'s caller, in terms of the engine's.

To the engine a state is one row ``[1, n]``; the caller's is a tensor of any shape, or a tuple of them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from odeviz.engine.integrate import Watch
from odeviz.engine.norm import Norm
from odeviz.engine.solution import StepRecord

State: TypeAlias = Tensor | tuple[Tensor, ...]

CALLBACKS = ("callback_step", "callback_accept_step", "callback_reject_step")


@dataclass(frozen=True, eq=False)
class Layout:
    """How the caller's states are laid out in rows ``[..., n]``."""

    shapes: tuple[torch.Size, ...]
    is_tuple: bool
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, y0: object) -> Layout:
        """Raises ``TypeError`` unless y0 is a tensor or a tuple of tensors."""
        parts = y0 if isinstance(y0, tuple) else (y0,)
        if not parts or not all(isinstance(part, Tensor) for part in parts):
            raise TypeError(f"y0 must be a tensor or a tuple of tensors, not {type(y0).__name__}")
        dtype = parts[0].dtype
        for part in parts[1:]:
            dtype = torch.promote_types(dtype, part.dtype)
        return cls(tuple(part.shape for part in parts), isinstance(y0, tuple), dtype, parts[0].device)

    @property
    def real_dtype(self) -> torch.dtype:
        """The dtype of times."""
        return self.dtype.to_real() if self.dtype.is_complex else self.dtype

    def row(self, name: str, state: object) -> Tensor:
        """A state as a row ``[n]``; ``ValueError`` naming whose it is when its shapes are not those of y0."""
        several = self.is_tuple and isinstance(state, tuple | list)
        parts = tuple(state) if several else (state,)  # type: ignore[arg-type]
        shapes = tuple(part.shape if isinstance(part, Tensor) else None for part in parts)
        if shapes != self.shapes or several != self.is_tuple:
            got = [None if shape is None else list(shape) for shape in shapes]
            wanted = [list(shape) for shape in self.shapes]
            raise ValueError(
                f"{name} must be {'a tuple of tensors' if self.is_tuple else 'a tensor'} of the shape of y0, "
                f"{wanted if self.is_tuple else wanted[0]}, not {got if self.is_tuple else got[0]}"
            )
        rows = [part.reshape(-1) for part in parts if isinstance(part, Tensor)]
        return (rows[0] if len(rows) == 1 else torch.cat(rows)).to(self.dtype)

    def state(self, rows: Tensor) -> State:
        """Rows ``[..., n]`` as the caller's states ``[..., *shape]``."""
        lead = rows.shape[:-1]
        if not self.is_tuple:
            return rows.reshape((*lead, *self.shapes[0]))
        parts = torch.split(rows, [shape.numel() for shape in self.shapes], -1)
        return tuple(part.reshape((*lead, *shape)) for part, shape in zip(parts, self.shapes, strict=True))

    def seen(self, numbers: Tensor) -> State:
        """The real numbers that stand for a state inside the engine as the caller's state."""
        flat = numbers.reshape(-1)
        if self.dtype.is_complex:
            flat = torch.view_as_complex(flat.reshape(-1, 2))
        return self.state(flat)

    def parts(self, numbers: Tensor) -> tuple[Tensor, ...]:
        """The same, always as a tuple."""
        state = self.seen(numbers)
        return state if isinstance(state, tuple) else (state,)

    def tolerance(self, name: str, value: Any) -> float | Tensor:
        """A number, a tensor that broadcasts to the state, or for tuples one of either for each, as ``[1, n]``."""
        if self.is_tuple and (
            isinstance(value, Iterable) and not (isinstance(value, Tensor) and value.dim() == 0)
        ):
            given = tuple(value)
            if len(given) != len(self.shapes):
                raise ValueError(
                    f"{name} must hold one tolerance for each of y0's {len(self.shapes)} tensors, not {len(given)}"
                )
        elif isinstance(value, Tensor) and value.dim() > 0:
            given = (value,)
        else:
            return float(value)
        like = torch.empty(0, dtype=self.real_dtype, device=self.device)
        rows = []
        for part, shape in zip(given, self.shapes, strict=True):
            tensor = torch.as_tensor(part).detach().to(like)
            if tensor.shape != shape and tensor.shape == (shape.numel(),):
                tensor = tensor.reshape(shape)
            try:
                rows.append(tensor.expand(shape).reshape(-1))
            except RuntimeError:
                raise ValueError(
                    f"{name} must broadcast to the shape of y0, {list(shape)}, not {list(tensor.shape)}"
                ) from None
        return torch.cat(rows)[None]

    @staticmethod
    def number(name: str, value: Any) -> float:
        """A number, or a tensor of one; ``ValueError`` for anything else."""
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"{name} must be a number, not {value!r}") from None

    def norm(self, norm: Callable[[Any], Any] | str | None) -> str | Norm:
        """A norm of the caller's states as one of the engine's; by default RMS, the largest of a tuple's."""
        if norm is None:
            norm = largest_rms if self.is_tuple and len(self.shapes) > 1 else "rms"
        if isinstance(norm, str):
            return norm
        given = norm
        return lambda x: given(self.seen(x))

    def adjoint_state(self, x: Tensor, params: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The state of the backward solve, ``(t, *y, *adjoint_y, *params)``.

        The adjoints of time and parameters, which the engine does not solve for, are zeros.
        """
        y, adjoint = x.chunk(2)
        return (x.new_zeros(()), *self.parts(y), *self.parts(adjoint), *(torch.zeros_like(p) for p in params))


def largest_rms(parts: State) -> Tensor:
    """The largest root mean square of several tensors."""
    sizes = [torch.linalg.vector_norm(part) / math.sqrt(part.numel()) for part in parts if part.numel()]
    return torch.stack(sizes).max()


class Clock:
    """Times as the tensors the caller's functions get: of the state's real dtype, on its device.

    Rounded to that dtype, a time just before a jump stays before it, and one just after it stays after it.
    """

    def __init__(self, layout: Layout, jumps: Sequence[float]) -> None:
        self._dtype, self._device = layout.real_dtype, layout.device
        self._jumps = sorted(jumps) if self._dtype != torch.float64 else []

    def __call__(self, t: float) -> Tensor:
        time = torch.full((), t, dtype=self._dtype, device=self._device)
        if not self._jumps:
            return time
        index = bisect_left(self._jumps, t)
        for jump in self._jumps[max(index - 1, 0) : index + 1]:
            wall = torch.full((), jump, dtype=self._dtype, device=self._device)
            if t < jump:
                time = torch.minimum(time, torch.nextafter(wall, wall - 1))
            elif t > jump:
                time = torch.maximum(time, torch.nextafter(wall, wall + 1))
        return time


def watch_of(
    func: object, names: Sequence[str], shown: Callable[[Tensor], Any], device: torch.device
) -> Watch:
    """A watch that calls those of ``func``'s callbacks with (t0, y0, dt), of which dt is positive.

    ``names`` are in the order of ``CALLBACKS``; ``shown`` turns the engine's state into what the caller is shown.
    """
    begin, accept, reject = (getattr(func, name, None) for name in names)
    dtype = torch.float32 if device.type == "mps" else torch.float64

    def call(callback: Callable[..., object], t: float, h: float, state: Tensor) -> None:
        times = (torch.full((), x, dtype=dtype, device=device) for x in (t, abs(h)))
        # The engine goes on writing to its state.
        y = shown(state if state.requires_grad else state.clone())
        callback(next(times), y, next(times))

    def on_begin(t: float, h: float, state: Tensor) -> None:
        call(begin, t, h, state)  # type: ignore[arg-type]

    def on_attempt(record: StepRecord, state: Tensor) -> None:
        callback = accept if record.accepted else reject
        if callback is not None:
            call(callback, record.t, record.h, state)

    return Watch(
        on_begin=on_begin if begin is not None else None,
        on_attempt=on_attempt if accept is not None or reject is not None else None,
    )

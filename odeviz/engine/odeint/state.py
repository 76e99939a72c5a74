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

from odeviz.engine.checks import described
from odeviz.engine.integrate import Watch
from odeviz.engine.norm import NORMS, Norm
from odeviz.engine.odeint.arguments import at_least_zero, norm_value, tolerance_entries
from odeviz.engine.solution import StepRecord

State: TypeAlias = Tensor | tuple[Tensor, ...]

CALLBACKS = ("callback_step", "callback_accept_step", "callback_reject_step")


#: What states may be made of. Those of half precision are solved in float32.
DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex64, torch.complex128),
)


@dataclass(frozen=True, eq=False)
class Layout:
    """How the caller's states are laid out in rows ``[..., batch, n]``; batch is 1 unless samples are independent."""

    shapes: tuple[torch.Size, ...]
    is_tuple: bool
    #: The caller's, and the one to solve in.
    dtype: torch.dtype
    working: torch.dtype
    device: torch.device
    batch: int

    @classmethod
    def of(cls, y0: object, batched: bool = False) -> Layout:
        """Raises ``TypeError`` or ``ValueError`` unless y0 is a tensor or a tuple of tensors that can be solved for.

        With ``batched`` the entries of the leading dimension, which all tensors have in common, are rows.
        """
        parts = y0 if isinstance(y0, tuple) else (y0,)
        for part in parts:
            if not isinstance(part, Tensor):
                holding = "holding " if isinstance(y0, tuple) else ""
                raise TypeError(
                    f"y0 must be a tensor or a tuple of tensors, not {holding}{type(part).__name__}"
                )
            if part.layout != torch.strided:
                raise ValueError(f"y0 must be dense, not of layout {part.layout}")
        if not parts:
            raise ValueError("y0 must hold at least one tensor, not be an empty tuple")
        dtype = parts[0].dtype
        for part in parts[1:]:
            dtype = torch.promote_types(dtype, part.dtype)
        if dtype not in DTYPES:
            allowed = ", ".join(_plain(other) for other in DTYPES)
            raise TypeError(f"y0 must be of one of {allowed}, not {_plain(dtype)}")
        devices = {part.device: None for part in parts}
        if len(devices) > 1:
            raise ValueError(f"y0's tensors must be on one device, not on {', '.join(map(str, devices))}")
        shapes = tuple(part.shape for part in parts)
        half = dtype in (torch.float16, torch.bfloat16)
        working = torch.float32 if half else dtype
        return cls(shapes, isinstance(y0, tuple), dtype, working, parts[0].device, _rows(shapes, batched))

    @property
    def entries(self) -> int:
        return sum(shape.numel() for shape in self.shapes)

    @property
    def samples(self) -> int | None:
        """The leading dimension, if all tensors have one and have it in common."""
        leading = {shape[0] if shape else None for shape in self.shapes}
        return leading.pop() if len(leading) == 1 else None

    @property
    def real_dtype(self) -> torch.dtype:
        """The dtype of the times that func gets."""
        return self.dtype.to_real() if self.dtype.is_complex else self.dtype

    @property
    def working_real(self) -> torch.dtype:
        """The dtype of times in the solve."""
        return self.working.to_real() if self.working.is_complex else self.working

    def row(self, name: str, state: object) -> Tensor:
        """A state as rows ``[batch, n]``; ``ValueError`` naming whose it is when it is not like y0."""
        several = self.is_tuple and isinstance(state, tuple | list)
        parts: tuple[Any, ...] = tuple(state) if several else (state,)  # type: ignore[arg-type]
        got = [list(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in parts]
        if got != [list(shape) for shape in self.shapes] or several != self.is_tuple:
            if self.is_tuple:
                wanted = (
                    f"a tuple of {len(self.shapes)} tensors of the shapes of y0's, {_listed(self.shapes)}"
                )
                shown = f"({', '.join(map(str, got))})" if several else str(got[0])
            else:
                wanted, shown = f"a tensor of the shape of y0, {list(self.shapes[0])}", str(got[0])
            raise ValueError(f"{name} must be {wanted}, not {shown}")
        for part in parts:
            if part.is_complex() and not self.dtype.is_complex:
                raise ValueError(f"{name} must be real as y0 is, not {_plain(part.dtype)}")
            if part.layout != torch.strided:
                raise ValueError(f"{name} must be dense, not of layout {part.layout}")
            if part.device != self.device:
                raise ValueError(f"{name} must be on the device of y0, {self.device}, not {part.device}")
        rows = [part.reshape(self.batch, part.numel() // self.batch) for part in parts]
        return (rows[0] if len(rows) == 1 else torch.cat(rows, 1)).to(self.working)

    def arranged(self, rows: Tensor) -> State:
        """Rows ``[..., batch, n]`` as states ``[..., *shape]`` in the dtype they are solved in."""
        lead = rows.shape[:-2]
        if not self.is_tuple:
            return rows.reshape((*lead, *self.shapes[0]))
        parts = torch.split(rows, [shape.numel() // self.batch for shape in self.shapes], -1)
        return tuple(part.reshape((*lead, *shape)) for part, shape in zip(parts, self.shapes, strict=True))

    def state(self, rows: Tensor) -> State:
        """Rows ``[..., batch, n]`` as the caller's states ``[..., *shape]``."""
        state = self.arranged(rows)
        if self.dtype == self.working:
            return state
        if isinstance(state, Tensor):
            return state.to(self.dtype)
        return tuple(part.to(self.dtype) for part in state)

    def rows_of(self, numbers: Tensor) -> Tensor:
        """The real numbers that stand for a state inside the engine as rows ``[batch, n]``."""
        flat = numbers.reshape(-1)
        if self.dtype.is_complex:
            flat = torch.view_as_complex(flat.reshape(-1, 2))
        return flat.reshape(self.batch, -1)

    def seen(self, numbers: Tensor) -> State:
        """The same as the caller's state."""
        return self.state(self.rows_of(numbers))

    def tolerance(self, name: str, value: Any) -> float | Tensor:
        """A number, numbers that broadcast to the state, or for tuples one of either for each, as ``[batch, n]``."""
        several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
        if not several or (isinstance(value, Tensor) and value.dim() == 0):
            return at_least_zero(name, value)
        given = tuple(value) if self.is_tuple else (value,)
        if len(given) != len(self.shapes):
            raise ValueError(
                f"{name} must hold one tolerance for each of y0's {len(self.shapes)} tensors, not {len(given)}"
            )
        like = torch.empty(0, dtype=self.working_real, device=self.device)
        pairs = zip(given, self.shapes, strict=True)
        entries = [tolerance_entries(name, part, shape, like) for part, shape in pairs]
        return torch.cat([x.reshape(self.batch, x.numel() // self.batch) for x in entries], 1)

    def norm(self, norm: Any) -> str | Norm:
        """A norm of the caller's states as one of the engine's; by default RMS, the largest of a tuple's."""
        if norm is None:
            norm = largest_rms if self.is_tuple and len(self.shapes) > 1 else "rms"
        if isinstance(norm, str) and norm in NORMS:
            return norm
        if isinstance(norm, str) or not callable(norm):
            names = ", ".join(map(repr, NORMS))
            raise TypeError(f"options['norm'] must be a function of a state, {names}, not {described(norm)}")
        given = norm
        return lambda x: norm_value("options['norm']", given(self.arranged(self.rows_of(x))))

    def adjoint_state(self, x: Tensor, params: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The state of the backward solve, ``(t, *y, *adjoint_y, *params)``.

        The adjoints of time and parameters, which the engine does not solve for, are zeros.
        """
        halves = (self.arranged(self.rows_of(half)) for half in x.chunk(2))
        parts = [part for half in halves for part in (half if isinstance(half, tuple) else (half,))]
        return (x.new_zeros(()), *parts, *(torch.zeros_like(p) for p in params))


def _rows(shapes: Sequence[torch.Size], batched: bool) -> int:
    """How many rows states of these shapes are."""
    if not batched:
        return 1
    leading = {shape[0] if shape else None for shape in shapes}
    if None in leading or len(leading) > 1:
        raise ValueError(
            "options['batched'] is for states with a leading dimension, which a tuple's tensors have in common, "
            f"not for the shapes {_listed(shapes)}"
        )
    return max(1, shapes[0][0])


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _listed(shapes: Sequence[torch.Size]) -> str:
    return ", ".join(str(list(shape)) for shape in shapes)


def largest_rms(parts: State) -> Tensor:
    """The largest root mean square of several tensors."""
    sizes = [torch.linalg.vector_norm(part) / math.sqrt(part.numel()) for part in parts if part.numel()]
    return torch.stack(sizes).max()


class Clock:
    """Times as the tensors the caller's functions get: of the state's real dtype by default, on its device.

    Rounded to that dtype, a time just before a jump stays before it, and one just after it stays after it.
    """

    def __init__(self, layout: Layout, jumps: Sequence[float] = (), dtype: torch.dtype | None = None) -> None:
        self._dtype, self._device = dtype or layout.real_dtype, layout.device
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

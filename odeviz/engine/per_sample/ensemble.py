"""A batch whose samples have their own times: explicit Runge-Kutta steps on the columns of one working batch.

States are features-first, ``[dim, width]``, so that what belongs to a sample is a column of every tensor. Nothing a
column holds depends on the others or on its place: all arithmetic is elementwise or along the column, and the width
is a multiple of :func:`quantum`, for matrix products round a column otherwise than its neighbour in what is left over
when their blocks are full. Unused columns are inert: copies of a live one whose steps have the size zero.

Times run forwards here; where a sample's do not, both its times and its field change their sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import torch
from torch import Tensor

from odeviz.engine.checks import checked_value, described
from odeviz.engine.families.tableau import ButcherTableau, Number
from odeviz.engine.kernel import Kernel, evaluated, kernel_of
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import polynomial_weights

#: f(t, y) with times ``[n, 1]`` and states ``[n, dim]``.
EachField: TypeAlias = Callable[[Tensor, Tensor], Tensor]


class Clock:
    """Where every column stands in time: rows of one table ``[row, width]``, written in place."""

    def __init__(self, table: Tensor) -> None:
        self.table = table
        #: What is recorded of each attempt: ``start``, ``step``, ``error`` and ``next``.
        self.record = table[:4]
        (
            #: Start, size and scaled error of the step attempted; the size is zero in inert columns.
            self.start,
            self.step,
            self.error,
            #: Step size to try next; one as small as ``least`` times the time reached is given up.
            self.next,
            self.least,
            #: The time reached.
            self.time,
            #: First and last time of the sample, and the next output time before the last: infinite when there is none.
            self.first,
            self.end,
            self.due,
            #: Logarithms of the scaled errors of the last two accepted steps.
            self.last,
            self.before,
            #: Largest factor on the size of this step.
            self.ceiling,
            #: Number of equal steps, where those are asked for.
            self.count,
        ) = table.unbind(0)

    @classmethod
    def new(cls, first: Tensor, end: Tensor) -> Clock:
        """Clocks at the first times, whose last ones are ``end [width]``."""
        clock = cls(first.new_zeros(13, len(first)))
        clock.first.copy_(first)
        clock.time.copy_(first)
        clock.end.copy_(end)
        clock.least.fill_(16 * torch.finfo(first.dtype).eps)
        return clock

    def rest(self, columns: Tensor) -> None:
        """Make these columns inert: they stay where they are."""
        self.end[columns] = self.time[columns]
        self.due[columns], self.least[columns], self.next[columns] = math.inf, -1.0, 0.0
        self.first[columns], self.count[columns] = self.time[columns] - 1.0, 1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """A tableau as products of rows take it: the state's factor, which is one, and those of the stages after it."""

    #: Fractions of the step at which stages lie, the end and the dense output's own ones included.
    fractions: tuple[float, ...]
    stages: tuple[Tensor, ...]
    end: Tensor
    extra: tuple[Tensor, ...]
    error: Tensor | None
    error_low: Tensor | None
    #: ``[degree, stages]``
    dense: Tensor


@lru_cache(maxsize=64)
def weights_of(method: ButcherTableau, dtype: torch.dtype, device: torch.device) -> Weights:
    """The weights on a device, made once."""

    def tensor(weights: Iterable[Number]) -> Tensor:
        return torch.tensor([float(x) for x in weights], dtype=dtype, device=device)

    return Weights(
        tuple(float(x) for x in (*method.c, 1, *method.extra_c)),
        tuple(tensor([1, *row]) for row in method.a),
        tensor([1, *method.b]),
        tuple(tensor([1, *row]) for row in method.extra_a),
        None if method.error is None else tensor(method.error),
        None if method.error_low is None else tensor(method.error_low),
        polynomial_weights(method, tensor(())).contiguous(),
    )


def quantum(dtype: torch.dtype) -> int:
    """Columns in which the working batch grows and shrinks.

    Blocks of matrix products divide it: 16 rows or columns in float32, 24 columns in float64. Several threads share
    128 columns otherwise than 64. Measured with MKL on AVX2, with one thread and two.
    """
    if dtype != torch.float32:
        return 192
    return 64 if torch.get_num_threads() == 1 else 128


def clock_dtype(device: torch.device) -> torch.dtype:
    """Float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


class Ensemble:
    """Makes one step of every column; ``attempt`` it, look at it, then ``accept`` it where it is good enough."""

    def __init__(
        self,
        field: EachField,
        method: ButcherTableau,
        y: Tensor,
        direction: Tensor | None,
        scale: Tolerance,
    ) -> None:
        """``y [dim, width]``; ``direction [width]`` holds signs, None when all times run forwards.

        Tensors in ``scale`` are ``[dim, width]``.
        """
        self.method = method
        #: Evaluations of the whole batch so far.
        self.calls = 0
        self.field = field
        # Only a field without time has one kernel for samples at different times.
        fused = kernel_of(field) if getattr(field, "time", None) == "none" else None
        self._make_kernel = fused
        self._kernel: Kernel | None = None
        self._numbers = weights_of(method, y.dtype, y.device)
        # The root mean square's divisor is the same for all samples and goes with the weights.
        self._part = 1.0 / math.sqrt(y.shape[0]) if scale.norm == "rms" else 1.0
        error = self._numbers.error
        self._weights = None if error is None else error * self._part
        self._root_mean_square = scale.norm == "rms"
        self._allocate(y, direction, scale)

    def _allocate(self, y: Tensor, direction: Tensor | None, scale: Tolerance) -> None:
        dim, width = y.shape
        core, numbers = self.method.core, self._numbers
        self.width = width
        # The end and the start of the step, then its stages: rows whose products with weights are all a step needs.
        buffer = y.new_zeros(core + 3 + self.method.extra, dim, width)
        flat = buffer.view(len(buffer), -1)
        self._pair, self._flat, self._rows = buffer[:2], flat[2:], list(buffer[2:].unbind(0))
        self.y1, self.y = self._pair.unbind(0)
        self.y.copy_(y)
        self._inputs = [flat[1 : 2 + i].T for i in range(len(self._rows) + 1)]
        self._taken = flat[2 : core + 3].T
        self._input, self._scaled = torch.empty_like(y), torch.empty_like(y)
        # Views are made once: each would cost as much as an operation on a small batch.
        self._y1_flat = self.y1.view(-1)
        self._input_flat, self._scaled_flat = self._input.view(-1), self._scaled.view(-1)
        self._sizes_of_pair, self._magnitude = torch.empty_like(self._pair), torch.empty_like(y)
        self.f0, self._f1 = torch.zeros_like(y), torch.empty_like(y)
        self._end = self._f1
        clock = clock_dtype(y.device)
        self._fractions = torch.tensor(numbers.fractions, dtype=clock, device=y.device)[:, None]
        self._direction = direction
        self._towards = None if direction is None else direction.to(y.dtype)
        self._signed = y.new_empty(width)
        self._scale = scale
        zero = torch.finfo(y.dtype).tiny
        self._atol = scale.atol if isinstance(scale.atol, Tensor) else y.new_tensor(scale.atol or zero)
        moments = torch.zeros(len(numbers.fractions), width, dtype=clock, device=y.device)
        self._moments, self._shown = moments, moments if y.dtype == clock else moments.to(y.dtype)
        self._times = list(self._shown[..., None].unbind(0))
        self._extra_done = False
        if self._make_kernel is not None:
            self.release()
            self._kernel = self._make_kernel(y.t())

    def release(self) -> None:
        """Give the field's workspace back."""
        if self._kernel is not None:
            self._kernel.release()
            self._kernel = None

    def select(self, columns: Tensor) -> None:
        """Keep only these columns, in this order; a column may be named more than once."""
        f0, direction, scale = self.f0, self._direction, self._scale
        y = self.y.index_select(1, columns)
        if direction is not None:
            direction = direction[columns]
        self._allocate(y, direction, scale.layout(lambda x: x.index_select(1, columns)))
        self.f0.copy_(f0.index_select(1, columns))

    def copy(self, columns: Tensor) -> None:
        """As ``select``, for as many columns as there are: into the same memory."""
        self.y.copy_(self.y.index_select(1, columns))
        self.f0.copy_(self.f0.index_select(1, columns))
        if self._direction is not None and self._towards is not None:
            self._direction = self._direction[columns]
            self._towards = self._towards[columns]
        self._scale = self._scale.layout(lambda x: x.index_select(1, columns))
        if isinstance(self._scale.atol, Tensor):
            self._atol = self._scale.atol

    # Evaluations.

    def actual(self, time: Tensor) -> Tensor:
        """The samples' own times, from those that run forwards."""
        return time if self._direction is None else time * self._direction

    def column(self, time: Tensor) -> Tensor:
        """Times as the field gets them, ``[width, 1]`` in the state's dtype."""
        return self.actual(time).to(self.y.dtype)[:, None]

    def evaluate(self, time: Tensor, y: Tensor, out: Tensor) -> Tensor:
        """f at times ``[width, 1]`` (see ``column``) and states ``[dim, width]``; not always in ``out``."""
        if self._kernel is None:
            return self._rows_of_field(time, y)
        self.calls += 1
        self._kernel.evaluate(0.0, y.view(-1), out.view(-1), -1)
        return out

    def _rows_of_field(self, time: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        rows = y.t().contiguous()
        value = evaluated(self.field, time, rows)
        if isinstance(value, Tensor) and value.shape != rows.shape:
            raise ValueError(
                f"field must return {described(rows)}, as the states are that it is given "
                f"(with per_sample they are filled up to {rows.shape[0]} rows), not {described(value)}"
            )
        return checked_value(value, rows).t()

    def _note_times(self, time: Tensor, step: Tensor) -> None:
        """The times of all stages, as the field gets them."""
        if self._kernel is not None:
            return
        torch.addcmul(time, self._fractions, step, out=self._moments)
        if self._direction is not None:
            self._moments.mul_(self._direction)
        if self._shown is not self._moments:
            self._shown.copy_(self._moments)

    def begin(self, time: Tensor) -> None:
        """Evaluate the field at the current states."""
        self.f0.copy_(self.evaluate(self.column(time), self.y, self._f1))

    def explore(self, time: Tensor, step: Tensor) -> Tensor:
        """f after an Euler step of the sizes ``[width]``, for choosing the first step."""
        size = self._sizes(step)
        torch.addcmul(self.y, self.f0, size, out=self._input)
        return self.evaluate(self.column(time + step), self._input, self._f1)

    def _sizes(self, step: Tensor) -> Tensor:
        """Signed step sizes in the state's dtype."""
        self._signed.copy_(step)
        return self._signed if self._towards is None else self._signed.mul_(self._towards)

    # One step.

    def attempt(self, time: Tensor, step: Tensor) -> None:
        """A step of the sizes ``step [width]`` from ``time [width]``; stages are kept multiplied by their sizes."""
        core, numbers, rows = self.method.core, self._numbers, self._rows
        self._note_times(time, step)
        size, times, place = self._sizes(step), self._times, self._input_flat
        torch.mul(self.f0, size, out=rows[0])
        for i in range(1, core):
            torch.mv(self._inputs[i], numbers.stages[i], out=place)
            torch.mul(self.evaluate(times[i], self._input, rows[i]), size, out=rows[i])
        torch.mv(self._inputs[core], numbers.end, out=self._y1_flat)
        self._end = self.evaluate(times[core], self.y1, self._f1)
        torch.mul(self._end, size, out=rows[core])
        self._extra_done = False

    def error(self, out: Tensor) -> None:
        """Scaled norm ``[width]`` of each column's estimated error; not finite where the step failed."""
        numbers, scale = self._numbers, self._magnitude
        torch.abs(self._pair, out=self._sizes_of_pair)
        torch.amax(self._sizes_of_pair, 0, out=scale)
        if isinstance(self._scale.rtol, Tensor):
            torch.addcmul(self._atol, scale, self._scale.rtol, out=scale)
        else:
            torch.add(self._atol, scale, alpha=self._scale.rtol, out=scale)
        if isinstance(self._scale.atol, Tensor):
            scale.clamp_min_(torch.finfo(scale.dtype).tiny)
        assert self._weights is not None
        self._measure(self._weights, out)
        if numbers.error_low is not None:
            # Hairer, Norsett, Wanner, II.10; where both are zero there is no error.
            low = self._measure(numbers.error_low * self._part, torch.empty_like(out))
            square = out * out
            torch.div(square, (square + 0.01 * low * low).sqrt_(), out=out)
            out.masked_fill_(square == 0, 0.0)

    def _measure(self, weights: Tensor, out: Tensor) -> Tensor:
        torch.mv(self._taken, weights, out=self._scaled_flat)
        self._scaled.div_(self._magnitude)
        return out.copy_(self._columns_norm(self._scaled))

    def _columns_norm(self, scaled: Tensor) -> Tensor:
        """Norms along the columns of ``[..., dim, width]``, in place; many times faster than torch's own norm."""
        if self._root_mean_square:
            return scaled.square_().sum(-2).sqrt_()
        return scaled.abs_().amax(-2)

    def measure(self, *values: Tensor) -> Tensor:
        """Norms ``[len(values), width]`` of tensors ``[dim, width]`` in tolerances at the current states."""
        scale = torch.addcmul(self._atol, self.y.abs(), torch.as_tensor(self._scale.rtol).to(self.y))
        scaled = torch.stack(values).mul_(self._part).div_(scale.clamp_min_(torch.finfo(scale.dtype).tiny))
        return self._columns_norm(scaled).to(clock_dtype(scale.device))

    def finite(self) -> Tensor:
        """Which columns end the attempted step in finite states, ``[width]``."""
        return torch.isfinite(self.y1).all(0)

    def polynomial(self) -> Tensor:
        """Coefficients ``[degree, dim, width]`` in the fraction of the attempted step."""
        if not self._extra_done:
            first = self.method.core + 1
            for i, weights in enumerate(self._numbers.extra, first):
                torch.mv(self._inputs[i], weights, out=self._input_flat)
                value = self.evaluate(self._times[i], self._input, self._rows[i])
                torch.mul(value, self._signed, out=self._rows[i])
            self._extra_done = True
        return torch.mm(self._numbers.dense, self._flat).view(-1, *self.y.shape)

    def accept(self, accepted: Tensor) -> None:
        """Go on from the end of the step in the columns ``accepted [width]``."""
        torch.where(accepted, self.y1, self.y, out=self.y)
        torch.where(accepted, self._end, self.f0, out=self.f0)

    def replace(self, columns: Tensor, y: Tensor, time: Tensor) -> None:
        """Put states ``[dim, width]`` into ``columns [width]``, from which the samples start anew at ``time``."""
        torch.where(columns, y, self.y, out=self.y)
        torch.where(columns, self.evaluate(self.column(time), self.y, self._f1), self.f0, out=self.f0)

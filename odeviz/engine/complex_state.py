"""Complex states as pairs of real numbers: ``[batch, dim]`` complex is ``[batch, 2 dim]`` real to the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from odeviz.engine.checks import called, checked_value
from odeviz.engine.events import JUMP, Event
from odeviz.engine.kernel import VectorField
from odeviz.engine.problem import Settings
from odeviz.engine.solution import Solution


def real_state(y: Tensor) -> Tensor:
    """Complex ``[..., dim]`` as real ``[..., 2 dim]``."""
    return torch.view_as_real(y).flatten(-2)


def complex_state(y: Tensor) -> Tensor:
    """Real ``[..., 2 dim]`` as complex ``[..., dim]``."""
    return torch.view_as_complex(y.reshape(*y.shape[:-1], -1, 2).contiguous())


def real_field(field: VectorField) -> VectorField:
    """The field on real states."""

    def real(t: float, y: Tensor) -> Tensor:
        z = complex_state(y)
        return real_state(checked_value(field(t, z), z))

    # By the convention of functools.wraps, so that its parameters are found.
    real.__wrapped__ = field  # type: ignore[attr-defined]
    return real


def real_events(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(
        replace(
            event,
            function=_on_real_states(event.function),
            jump=None if event.jump is None else _real_jump(event.jump),
        )
        for event in events
    )


def _on_real_states(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda t, y: called(function, t, complex_state(y), "an event's function", "function")


def _real_jump(jump: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def real(t: float, y: Tensor) -> Tensor:
        z = complex_state(y)
        return real_state(checked_value(called(jump, t, z, JUMP, "jump"), z, JUMP))

    return real


def real_tolerances(settings: Settings, y0: Tensor) -> Settings:
    """Tolerances that are tensors, for each of the real numbers; ``y0`` is the real state."""

    def both(value: float | Tensor) -> float | Tensor:
        if not isinstance(value, Tensor) or value.dim() == 0:
            return value
        return value.expand(*value.shape[:-1], y0.shape[-1] // 2).repeat_interleave(2, -1)

    return replace(settings, rtol=both(settings.rtol), atol=both(settings.atol))


def complex_solution(solution: Solution) -> Solution:
    """The solution in terms of complex states."""
    dense = solution.dense
    return replace(
        solution,
        y=complex_state(solution.y),
        stopped=None if solution.stopped is None else complex_state(solution.stopped),
        dense=None if dense is None else dense.mapped(complex_state),
        events=tuple(replace(record, y=complex_state(record.y)) for record in solution.events),
    )

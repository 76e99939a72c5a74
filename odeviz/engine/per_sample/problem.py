"""The arguments of a solve in which every sample has its own times, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from odeviz.engine.checks import (
    check_callable,
    checked_instants,
    checked_numbers,
    checked_tensors,
    described,
)
from odeviz.engine.events import Event
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.kernel import VectorField
from odeviz.engine.method import Method
from odeviz.engine.methods import METHODS
from odeviz.engine.norm import NORMS, Tolerance
from odeviz.engine.parameters import parameters_of
from odeviz.engine.per_sample.control import AdaptiveEach, EachPolicy, EqualEach
from odeviz.engine.per_sample.ensemble import EachField, clock_dtype
from odeviz.engine.problem import (
    Settings,
    Times,
    broadcast_tolerance,
    check_min_step,
    check_state,
    checked_controller,
    checked_method,
    checked_settings,
    steps_of,
    warn_below_resolution,
)


@dataclass(frozen=True, slots=True)
class EachProblem:
    """A checked problem whose samples have their own times, and how it is to be solved."""

    field: EachField
    #: Output times ``[batch, time]``, increasing, and the signs ``[batch]`` that made them so; None if all were.
    times: Tensor
    direction: Tensor | None
    method: ButcherTableau
    tolerance: Tolerance
    settings: Settings
    #: Number of equal steps ``[batch]``; None where step-size control chooses.
    steps: Tensor | None
    params: tuple[Tensor, ...]
    #: Whether the caller said, by ``params=()``, that tensors the field depends on beside these get no gradient.
    closed: bool
    events: tuple[Event, ...]

    @classmethod
    def checked(
        cls,
        field: VectorField,
        y0: Tensor,
        t: Times,
        settings: Settings,
        params: Sequence[Tensor] | None,
        events: tuple[Event, ...],
    ) -> EachProblem:
        """Raises ``ValueError`` or ``TypeError`` naming the argument and what is allowed."""
        check_callable("field", field)
        params = None if params is None else checked_tensors("params", params)
        if isinstance(y0, Tensor) and y0.is_complex():
            raise ValueError("y0 must be real with per_sample")
        check_state(y0)
        method = checked_each(checked_method(settings.method))
        settings = _checked_settings(settings, y0)
        times, direction = _checked_times(t, y0)
        steps = _equal_steps(settings, times)
        if steps is None:
            check_min_step(settings, float((times[:, -1] - times[:, 0]).max()))
        if steps is None and not method.adaptive:
            raise ValueError(f"method {settings.method!r} does not estimate its error: give steps or dt")
        tolerance = Tolerance(
            broadcast_tolerance("rtol", settings.rtol, y0),
            broadcast_tolerance("atol", settings.atol, y0),
            settings.norm,
        )
        if steps is None:
            warn_below_resolution(tolerance, y0)
        return cls(
            cast(EachField, field),
            times,
            direction,
            method,
            tolerance,
            settings,
            steps,
            parameters_of(field, params),
            params is not None and not params,
            events,
        )

    def policy(self, samples: Tensor) -> EachPolicy:
        """Step-size control of columns that hold these samples ``[width]``."""
        if self.steps is not None:
            return EqualEach()
        settings = self.settings
        first = settings.first_step
        return AdaptiveEach(
            checked_controller(settings.controller),
            1.0 / (self.method.error_order + 1),
            first[samples] if isinstance(first, Tensor) and first.dim() else first,
            settings.min_step,
            settings.max_step,
        )

    def actual(self, times: Tensor, samples: Tensor) -> Tensor:
        """Internal times ``[..., n]`` as the samples' own times run."""
        return times if self.direction is None else times * self.direction[samples]


def checked_each(method: Method) -> ButcherTableau:
    """A method whose steps can be each sample's own."""
    if not isinstance(method, ButcherTableau):
        able = ", ".join(name for name, other in METHODS.items() if isinstance(other, ButcherTableau))
        raise ValueError(f"method must be one of {able} with per_sample, not {method.name!r}")
    return method


def _checked_settings(settings: Settings, y0: Tensor) -> Settings:
    if settings.grid is not None:
        raise ValueError("grid is not available with per_sample")
    for name in ("step_at", "jumps"):
        if checked_instants(name, getattr(settings, name)):
            raise ValueError(f"{name} is not available with per_sample")
    if callable(settings.norm):
        raise ValueError(f"norm must be one of {', '.join(NORMS)} with per_sample, not a function")
    first = settings.first_step
    if isinstance(first, Tensor):
        if first.shape not in ((), y0.shape[:1]) or not bool((torch.isfinite(first) & (first > 0)).all()):
            raise ValueError(
                f"first_step must be a positive number, or hold one for each of the {len(y0)} samples"
            )
        settings = replace(checked_settings(replace(settings, first_step=None)), first_step=first)
    else:
        settings = checked_settings(settings)
    if settings.steps is not None and settings.dt is not None:
        raise ValueError("give steps or dt, not both")
    return settings


def _checked_times(t: Times, y0: Tensor) -> tuple[Tensor, Tensor | None]:
    """Times ``[batch, time]`` that increase, and the signs that made them so."""
    if isinstance(t, Tensor) and (t.is_complex() or t.dtype == torch.bool):
        raise TypeError(f"t must hold real numbers, not {described(t)}")
    times = t if isinstance(t, Tensor) else torch.tensor(checked_numbers("t", t), dtype=torch.float64)
    times = times.detach().to(y0.device, clock_dtype(y0.device))
    batch = len(y0)
    if times.dim() not in (1, 2) or (times.dim() == 2 and times.shape[1] != batch) or len(times) < 2:
        raise ValueError(
            f"t must hold at least two times, [time] or [time, {batch}], not {list(times.shape)}"
        )
    if times.dim() == 1:
        times = times[:, None].expand(-1, batch)
    sign = (times[-1] - times[0]).sign()
    times = (times * sign).t().contiguous()
    wrong = ~(torch.isfinite(times).all(1) & (times.diff(dim=1) > 0).all(1))
    if bool(wrong.any()):
        raise ValueError(
            "t must be finite and strictly increasing or strictly decreasing, "
            f"which it is not for sample {int(wrong.nonzero()[0])}"
        )
    return times, sign if bool((sign < 0).any()) else None


def _equal_steps(settings: Settings, times: Tensor) -> Tensor | None:
    if settings.steps is None and settings.dt is None:
        return None
    spans = times[:, -1] - times[:, 0]
    most = steps_of(settings, float(spans.max()))
    if settings.dt is None:
        return torch.full_like(spans, most)
    return (spans / settings.dt - 1e-9).ceil().clamp_min(1.0)

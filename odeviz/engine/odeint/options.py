"""What ``method`` and ``options`` of ``odeint`` ask of the engine."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from odeviz.engine.controller import PIDController
from odeviz.engine.methods import METHODS
from odeviz.engine.odeint.state import CALLBACKS, Layout
from odeviz.engine.problem import Settings

Options: TypeAlias = Mapping[str, Any] | None

RTOL, ATOL = 1e-7, 1e-9

#: torchdiffeq's names for methods that are called otherwise here: the name, and whether steps are given.
NAMES: dict[str, tuple[str, bool]] = {
    "dopri8": ("dop853", False),
    "adaptive_heun": ("heun", False),
    "fehlberg2": ("heun", False),
    "heun2": ("heun", True),
    "heun3": ("bosh3", True),
    "explicit_adams": ("adams", True),
    "implicit_adams": ("adams", True),
    "fixed_adams": ("adams", True),
}
#: Steps after which an event that has not happened is given up: given ones, and attempted ones.
GIVEN_STEPS_TO_EVENT, STEPS_TO_EVENT = 20_000, 100_000
#: torchdiffeq's limit on the steps between two outputs.
STEPS_TO_OUTPUT = 2**31 - 1

_ALWAYS = ("norm", "step_t", "jump_t", "dtype")
_CONTROLLED = (
    *("first_step", "max_num_steps", "min_step", "max_step"),
    *("safety", "ifactor", "dfactor"),
)
_GIVEN = ("step_size", "grid_constructor", "interp", "perturb")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A method of the engine, and whether its steps are given or controlled."""

    asked: str
    name: str
    given_steps: bool

    @classmethod
    def named(cls, method: str | None) -> Chosen:
        """Raises ``ValueError`` with all names when there is no such method."""
        asked = "dopri5" if method is None else method
        if asked in NAMES:
            return cls(asked, *NAMES[asked])
        if asked in METHODS:
            return cls(asked, asked, not METHODS[asked].adaptive)
        allowed = ", ".join(dict.fromkeys((*METHODS, *NAMES)))
        if asked == "scipy_solver":
            raise ValueError(
                f"method 'scipy_solver' is not offered, for it has no gradient: use one of {allowed}"
            )
        raise ValueError(f"method must be one of {allowed}, not {asked!r}")

    def same(self, other: Chosen) -> bool:
        """Whether both are the same method of the engine, used in the same way."""
        return (self.name, self.given_steps) == (other.name, other.given_steps)

    def callbacks(self, suffix: str = "") -> tuple[str, str, str]:
        """The names of func's callbacks, empty where this method has no use for one: given steps are not judged."""
        begin, *verdicts = (name + suffix for name in CALLBACKS)
        accept, reject = ("", "") if self.given_steps else verdicts
        return begin, accept, reject

    def warn_of_unknown(self, options: Mapping[str, Any], func: object, stacklevel: int) -> None:
        """Warn of options and callbacks that this method makes no use of."""
        known = (*_ALWAYS, *(_GIVEN if self.given_steps else _CONTROLLED))
        unknown = [name for name in options if name not in known]
        if unknown:
            warnings.warn(
                f"options {', '.join(unknown)} mean nothing to method {self.asked!r}, which knows {', '.join(known)}",
                stacklevel=stacklevel,
            )
        idle = [name for name in CALLBACKS if name not in self.callbacks() and hasattr(func, name)]
        if idle:
            warnings.warn(
                f"method {self.asked!r} judges no steps: {', '.join(idle)} will not be called",
                stacklevel=stacklevel,
            )


def settings_of(
    chosen: Chosen,
    options: Mapping[str, Any],
    layout: Layout,
    times: Sequence[float],
    tolerances: tuple[Any, Any],
    construct: Callable[[Callable[..., Any]], Any],
    most_steps: int = STEPS_TO_OUTPUT,
) -> Settings:
    """The engine's settings for a solve over ``times``.

    ``construct`` applies a grid constructor; ``most_steps`` are allowed to an output unless options say otherwise.
    """
    settings = Settings(
        chosen.name,
        norm=layout.norm(options.get("norm")),
        step_at=_times("step_t", options),
        jumps=_times("jump_t", options),
    )
    if chosen.given_steps:
        nodes = _grid(options, times, construct)
        walls = nodes if options.get("perturb", False) else []
        return replace(settings, grid=nodes, jumps=(*settings.jumps, *walls))
    rtol, atol = (layout.tolerance(name, x) for name, x in zip(("rtol", "atol"), tolerances, strict=True))
    if isinstance(rtol, float) and rtol == RTOL:
        # The default asks for a little less than float32 resolves.
        rtol = max(rtol, torch.finfo(layout.real_dtype).eps)
    limit = int(options.get("max_num_steps", most_steps)) * (len(times) - 1)
    return replace(
        settings, rtol=rtol, atol=atol, controller=_controller(options), max_steps=limit, **_sizes(options)
    )


def event_horizon(chosen: Chosen, options: Mapping[str, Any], t0: float, forwards: bool) -> list[float]:
    """Times to which to solve, one after the other, in search of an event."""
    sign = 1.0 if forwards else -1.0
    if not chosen.given_steps:
        unit = max(1.0, abs(t0))
        return [t0 + sign * reach * unit for reach in (1e6, 1e12, 1e18)]
    if options.get("step_size") is None:
        raise ValueError(f"options must hold step_size when method {chosen.asked!r} is to find an event")
    return [t0 + sign * float(options["step_size"]) * GIVEN_STEPS_TO_EVENT]


def _grid(
    options: Mapping[str, Any], times: Sequence[float], construct: Callable[[Callable[..., Any]], Any]
) -> list[float]:
    """Ends of the given steps: by size, by a function, or the output times themselves."""
    if options.get("interp", "linear") not in ("linear", "cubic"):
        raise ValueError(f"interp must be 'linear' or 'cubic', not {options['interp']!r}")
    size, constructor = options.get("step_size"), options.get("grid_constructor")
    if size is not None and constructor is not None:
        raise ValueError("give step_size or grid_constructor, not both")
    if constructor is not None:
        return [float(x) for x in construct(constructor)]
    if size is None:
        return list(times)
    size, span = float(size), times[-1] - times[0]
    if not (math.isfinite(size) and size > 0):
        raise ValueError(f"step_size must be a positive finite number, not {size}")
    # The last step is the shorter one; a rounding error is no step.
    steps = max(1, math.ceil(abs(span) / size - 1e-9))
    return [times[0] + math.copysign(k * size, span) for k in range(steps)] + [times[-1]]


def _times(name: str, options: Mapping[str, Any]) -> tuple[float, ...]:
    value = options.get(name)
    if value is None:
        return ()
    return tuple(
        float(x) for x in (value.detach().reshape(-1).tolist() if isinstance(value, Tensor) else value)
    )


def _sizes(options: Mapping[str, Any]) -> dict[str, Any]:
    """Step sizes, where they are given."""
    given = {name: options.get(name) for name in ("first_step", "min_step", "max_step")}
    return {name: float(value) for name, value in given.items() if value is not None}


def _controller(options: Mapping[str, Any]) -> PIDController | str:
    names = {"safety": "safety", "dfactor": "min_factor", "ifactor": "max_factor"}
    given = {ours: float(options[theirs]) for theirs, ours in names.items() if theirs in options}
    try:
        return PIDController(**given) if given else "pi"
    except ValueError as error:
        raise ValueError(f"options safety, ifactor and dfactor: {error}") from None

"""What ``method`` and ``options`` of ``odeint`` ask of the engine."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import torch
from torch import Tensor

from odeviz.engine.caller import stacklevel_outside_engine
from odeviz.engine.checks import check_callable, described, nearest
from odeviz.engine.controller import PIDController
from odeviz.engine.families.esdirk import ESDIRKTableau
from odeviz.engine.methods import METHODS, NAMES_ELSEWHERE
from odeviz.engine.odeint.arguments import (
    at_least_zero,
    count,
    instants,
    number,
    positive,
)
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
GIVEN_STEPS_TO_EVENT, STEPS_TO_EVENT = 20_000, 10_000
#: Given steps whose ends alone would fill the memory.
MOST_GIVEN_STEPS = 10_000_000
#: torchdiffeq's limit on the steps between two outputs.
STEPS_TO_OUTPUT = 2**31 - 1

#: Entries of a state from which an implicit method's Jacobian of the whole is worth a warning.
MANY_ENTRIES = 200

_ALWAYS = ("norm", "step_t", "jump_t", "batched", "dtype")
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
    def named(cls, method: object, argument: str = "method") -> Chosen:
        """Raises ``ValueError`` with all names when there is no such method."""
        asked = "dopri5" if method is None else method
        if not isinstance(asked, str):
            raise TypeError(
                f"{argument} must be the name of a method, such as 'dopri5', not {described(method)}"
            )
        if asked in NAMES:
            return cls(asked, *NAMES[asked])
        if asked in METHODS:
            return cls(asked, asked, not METHODS[asked].adaptive)
        names = tuple(dict.fromkeys((*METHODS, *NAMES)))
        allowed = ", ".join(names)
        if asked == "scipy_solver":
            raise ValueError(
                f"{argument} 'scipy_solver' is not offered, for it has no gradient: use one of {allowed}"
            )
        raise ValueError(
            f"{argument} must be one of {allowed}, not {asked!r}{nearest(asked, names, NAMES_ELSEWHERE)}"
        )

    @property
    def implicit(self) -> bool:
        """Whether its steps solve equations with a Jacobian."""
        return isinstance(METHODS[self.name], ESDIRKTableau)

    def same(self, other: Chosen) -> bool:
        """Whether both are the same method of the engine, used in the same way."""
        return (self.name, self.given_steps) == (other.name, other.given_steps)

    def callbacks(self, suffix: str = "") -> tuple[str, str, str]:
        """The names of func's callbacks, empty where this method has no use for one: given steps are not judged."""
        begin, *verdicts = (name + suffix for name in CALLBACKS)
        accept, reject = ("", "") if self.given_steps else verdicts
        return begin, accept, reject

    def warn_of_unknown(self, options: Mapping[str, Any], func: object, searching: bool) -> None:
        """Warn of options and callbacks that this method makes no use of; ``searching`` is for an event."""
        known = (*_ALWAYS, *(_GIVEN if self.given_steps else _CONTROLLED))
        if searching and self.given_steps:
            known = (*known, "max_num_steps")
        unknown = [name for name in options if name not in known]
        if unknown:
            meant = nearest(unknown[0], known)
            warnings.warn(
                f"options {', '.join(unknown)} mean nothing to method {self.asked!r}, which knows "
                f"{', '.join(known)}{meant}",
                stacklevel=stacklevel_outside_engine(),
            )
        idle = [name for name in CALLBACKS if name not in self.callbacks() and hasattr(func, name)]
        if idle:
            warnings.warn(
                f"method {self.asked!r} judges no steps: {', '.join(idle)} will not be called",
                stacklevel=stacklevel_outside_engine(),
            )

    def check_state(self, layout: Layout, batched: object) -> None:
        """``ValueError`` where the method cannot serve such a state, a warning where it serves it badly."""
        if not self.implicit:
            return
        if layout.dtype != layout.working:
            half = str(layout.dtype).removeprefix("torch.")
            raise ValueError(
                f"method {self.asked!r} needs func to be more precise than {half}: use a state of float32 or float64"
            )
        if batched is None and layout.entries > MANY_ENTRIES and (layout.samples or 0) > 1:
            n = layout.entries
            warnings.warn(
                f"method {self.asked!r} takes a state of {n} entries as one system, with a Jacobian of {n} x {n}, for "
                f"func may couple them all; if it treats the {layout.samples} entries of the leading dimension one "
                "by one, options={'batched': True} says so, and so does odeviz.solve; {'batched': False} silences this",
                stacklevel=stacklevel_outside_engine(),
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
        step_at=instants("options['step_t']", options.get("step_t")),
        jumps=instants("options['jump_t']", options.get("jump_t")),
    )
    dtype = options.get("dtype")
    if not (dtype is None or isinstance(dtype, torch.dtype)):
        raise TypeError(f"options['dtype'] must be a torch.dtype, not {described(dtype)}")
    if chosen.given_steps:
        for name, value in zip(("rtol", "atol"), tolerances, strict=True):
            if value is not None:
                layout.tolerance(name, value)
        nodes = _grid(options, times, construct)
        walls = nodes if options.get("perturb", False) else []
        return replace(settings, grid=nodes, jumps=(*settings.jumps, *walls))
    rtol, atol = (
        _raised(default, layout.tolerance(name, value), layout)
        for name, value, default in zip(("rtol", "atol"), tolerances, (RTOL, ATOL), strict=True)
    )
    limit = most_steps if options.get("max_num_steps") is None else step_limit(options)
    return replace(
        settings,
        rtol=rtol,
        atol=atol,
        controller=_controller(options),
        max_steps=limit * (len(times) - 1),
        **_sizes(options, abs(times[-1] - times[0])),
    )


def _raised(default: float, value: float | Tensor, layout: Layout) -> float | Tensor:
    """A tolerance; a default one that asks for less than the state's dtype resolves is raised to that.

    That of absolute errors is only raised in half precision, whose rounding is func's, not the solve's.
    """
    if isinstance(value, Tensor) or value != default:
        return value
    if default == ATOL and layout.dtype == layout.working:
        return value
    return max(value, float(torch.finfo(layout.real_dtype).eps))


def step_limit(options: Mapping[str, Any]) -> int:
    return count("options['max_num_steps']", options["max_num_steps"])


def _grid(
    options: Mapping[str, Any], times: Sequence[float], construct: Callable[[Callable[..., Any]], Any]
) -> list[float]:
    """Ends of the given steps: by size, by a function, or the output times themselves."""
    if options.get("interp", "linear") not in ("linear", "cubic"):
        raise ValueError(f"options['interp'] must be 'linear' or 'cubic', not {described(options['interp'])}")
    size, constructor = options.get("step_size"), options.get("grid_constructor")
    if size is not None and constructor is not None:
        raise ValueError("options must hold step_size or grid_constructor, not both")
    if constructor is not None:
        return _constructed(constructor, times, construct)
    if size is None:
        return list(times)
    size, span = positive("options['step_size']", size), times[-1] - times[0]
    if abs(span) / size > MOST_GIVEN_STEPS:
        raise ValueError(
            f"options['step_size'] must be above {abs(span) / MOST_GIVEN_STEPS:.2g}, {MOST_GIVEN_STEPS:,} steps to the "
            f"last time, not {size:g}"
        )
    # The last step is the shorter one; a rounding error is no step.
    steps = max(1, math.ceil(abs(span) / size - 1e-9))
    return [times[0] + math.copysign(k * size, span) for k in range(steps)] + [times[-1]]


def _constructed(
    constructor: Any, times: Sequence[float], construct: Callable[[Callable[..., Any]], Any]
) -> list[float]:
    name = "options['grid_constructor']"
    check_callable(name, constructor, "f(func, y0, t)")
    nodes = list(instants(f"the value of {name}", construct(constructor)))
    way = math.copysign(1.0, times[-1] - times[0])
    if len(nodes) < 2 or any(way * (b - a) <= 0 for a, b in pairwise(nodes)):
        raise ValueError(f"{name} must return at least two times in the order of t, each of them once")
    if (nodes[0], nodes[-1]) != (times[0], times[-1]):
        raise ValueError(
            f"{name} must return times from t[0] to t[-1], {times[0]} to {times[-1]}, "
            f"not {nodes[0]} to {nodes[-1]}"
        )
    return nodes


def _sizes(options: Mapping[str, Any], span: float) -> dict[str, Any]:
    """Step sizes for a solve of this length, where they are given; a smallest one above it is as good as it."""
    checks = {"first_step": positive, "min_step": at_least_zero, "max_step": number}
    given = {
        name: check(f"options['{name}']", options[name])
        for name, check in checks.items()
        if options.get(name) is not None
    }
    least = given.get("min_step", 0.0)
    if not given.get("max_step", math.inf) > least:
        raise ValueError(
            f"options['max_step'] must be above options['min_step'], {least:g}, not {given['max_step']:g}"
        )
    return given if least <= span else {**given, "min_step": span, "max_step": math.inf}


def _controller(options: Mapping[str, Any]) -> PIDController | str:
    limits = {
        "safety": ("safety", 0.0, 1.0, "above 0 and at most 1"),
        "dfactor": ("min_factor", 0.0, math.nextafter(1.0, 0.0), "above 0 and below 1"),
        "ifactor": ("max_factor", 1.0, math.inf, "above 1"),
    }
    given = {}
    for name, (ours, low, high, allowed) in limits.items():
        if options.get(name) is not None:
            value = number(f"options['{name}']", options[name])
            if not low < value <= high:
                raise ValueError(f"options['{name}'] must be {allowed}, not {value:g}")
            given[ours] = value
    return PIDController(**given) if given else "pi"

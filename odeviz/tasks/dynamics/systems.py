"""The systems that are learnt, as data: their equations, parameters, regions and conserved quantities. No torch.

A right-hand side is written for the state's components and works on NumPy arrays, tensors and floats alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
#: (state's components, parameters) -> the components of a rate of change, or of a part of it.
Rates = Callable[[Sequence[Any], Sequence[Any]], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A positive number in a system's equations."""

    name: str
    value: float
    #: Where a search that does not know the value begins: log-uniform between these.
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class System:
    """An autonomous system dy/dt = f(y) and where it is looked at."""

    name: str
    title: str
    #: How the state's components are called.
    axes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    #: f is their sum: terms that a universal equation is told, and those that its net must find.
    known: Rates
    missing: Rates
    #: Components in which the missing terms appear, and what they are called.
    channels: tuple[int, ...]
    term: str
    #: Where the first training trajectory begins; the others begin in the box from ``low`` to ``high``.
    start: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    #: Rectangle x0, x1, y0, y1 of the plane of the components ``plane``.
    extent: tuple[float, float, float, float]
    #: A time over which it turns around once.
    period: float
    plane: tuple[int, int] = (0, 1)
    #: Which coordinate of the plane each component takes where maps over the plane need whole states.
    lifted: tuple[int, ...] = (0, 1)
    #: Centre and size of its states, and its rate of change in units of that size; None where they are about 0, 1, 1.
    scale: tuple[tuple[float, ...], tuple[float, ...], float] | None = None
    #: A quantity that trajectories keep, and its name.
    conserved: Callable[[Sequence[Any], Sequence[Any]], Any] | None = None
    invariant: str = ""
    #: The first half of the state is a position and the second its rate of change.
    second_order: bool = False
    #: Its conserved quantity is a Hamiltonian of the state's first half and its second half.
    hamiltonian: bool = False

    @property
    def dim(self) -> int:
        """Number of the state's components."""
        return len(self.axes)

    @property
    def values(self) -> tuple[float, ...]:
        """The true parameters."""
        return tuple(parameter.value for parameter in self.parameters)

    def rates(self, y: Sequence[Any], p: Sequence[Any]) -> tuple[Any, ...]:
        """f's components at a state's components, under parameters p."""
        return tuple(a + b for a, b in zip(self.known(y, p), self.missing(y, p), strict=True))

    def rate(self, y: Floats) -> Floats:
        """f under the true parameters at states ``[..., dim]``."""
        return _stacked(self.rates, y, self.values)

    def missing_rate(self, y: Floats) -> Floats:
        """The missing terms ``[..., dim]`` under the true parameters at states ``[..., dim]``."""
        return _stacked(self.missing, y, self.values)

    def invariant_of(self, y: Floats) -> Floats:
        """The conserved quantity ``[...]`` of states ``[..., dim]``; NaN where a state has none."""
        assert self.conserved is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            value: Floats = self.conserved(tuple(np.moveaxis(y, -1, 0)), self.values)
        return value

    def lift(self, points: Floats) -> Floats:
        """Points of the plane ``[..., 2]`` as states ``[..., dim]``."""
        return points[..., list(self.lifted)]

    def path(self, start: Sequence[float], times: Floats) -> Floats:
        """A trajectory ``[times, dim]`` for the eye: Runge-Kutta steps of order 4 from time to time."""
        states = [np.array(start, dtype=np.float64)]
        for h in np.diff(times):
            y = states[-1]
            k1 = self.rate(y)
            k2 = self.rate(y + h / 2 * k1)
            k3 = self.rate(y + h / 2 * k2)
            states.append(y + h / 6 * (k1 + 2 * k2 + 2 * k3 + self.rate(y + h * k3)))
        return np.stack(states)

    def starts(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` initial states ``[n, dim]``, uniform in the box."""
        return rng.uniform(self.low, self.high, size=(n, self.dim))


def _stacked(rates: Rates, y: Floats, p: Sequence[float]) -> Floats:
    return np.stack(rates(tuple(np.moveaxis(y, -1, 0)), p), axis=-1)


def _sin(x: Any) -> Any:
    return x.sin() if hasattr(x, "sin") else np.sin(x)


def _cos(x: Any) -> Any:
    return x.cos() if hasattr(x, "cos") else np.cos(x)


def _log(x: Any) -> Any:
    return x.log() if hasattr(x, "log") else np.log(x)


def _none(x: Any) -> Any:
    return 0.0 * x


def _double_well(y: Sequence[Any], p: Sequence[Any]) -> Any:
    (x, v), (a, b) = y, p
    return v * v / 2 - a * x * x / 2 + b * x * x * x * x / 4


def _registry(*systems: System) -> dict[str, System]:
    return {system.name: system for system in systems}


#: By name, in the order of the form.
SYSTEMS = _registry(
    System(
        "cubic-spiral",
        "Cubic spiral",
        ("x", "y"),
        (Parameter("damping", 0.1, 0.02, 1.0), Parameter("turn", 2.0, 0.5, 5.0)),
        lambda y, p: (-p[0] * y[0] ** 3, -p[0] * y[1] ** 3),
        lambda y, p: (-p[1] * y[1] ** 3, p[1] * y[0] ** 3),
        (0, 1),
        "turn",
        start=(2.0, 0.0),
        low=(-1.6, -1.6),
        high=(1.6, 1.6),
        extent=(-2.3, 2.3, -2.3, 2.3),
        period=0.9,
    ),
    System(
        "lotka-volterra",
        "Lotka-Volterra",
        ("prey", "predators"),
        (
            Parameter("α birth", 1.5, 0.3, 5.0),
            Parameter("β predation", 1.0, 0.3, 5.0),
            Parameter("γ death", 3.0, 0.3, 5.0),
            Parameter("δ growth", 1.0, 0.3, 5.0),
        ),
        lambda y, p: (p[0] * y[0], -p[2] * y[1]),
        lambda y, p: (-p[1] * y[0] * y[1], p[3] * y[0] * y[1]),
        (0, 1),
        "interaction",
        start=(1.0, 1.0),
        low=(0.8, 0.6),
        high=(4.5, 2.5),
        extent=(0.0, 8.0, 0.0, 5.0),
        period=3.2,
        scale=((3.0, 1.5), (2.0, 1.0), 2.0),
        conserved=lambda y, p: p[3] * y[0] - p[2] * _log(y[0]) + p[1] * y[1] - p[0] * _log(y[1]),
        invariant="Volterra invariant",
    ),
    System(
        "pendulum",
        "Pendulum",
        ("θ", "ω"),
        (Parameter("g/l", 1.0, 0.2, 5.0),),
        lambda y, p: (y[1], _none(y[1])),
        lambda y, p: (_none(y[0]), -p[0] * _sin(y[0])),
        (1,),
        "torque",
        start=(1.5, 0.0),
        low=(-1.6, -0.9),
        high=(1.6, 0.9),
        extent=(-2.6, 2.6, -2.2, 2.2),
        period=2 * math.pi,
        conserved=lambda y, p: y[1] * y[1] / 2 - p[0] * _cos(y[0]),
        invariant="energy",
        second_order=True,
        hamiltonian=True,
    ),
    System(
        "double-well",
        "Double well",
        ("x", "v"),
        (Parameter("α push", 1.0, 0.2, 5.0), Parameter("β pull", 1.0, 0.2, 5.0)),
        lambda y, p: (y[1], p[0] * y[0]),
        lambda y, p: (_none(y[0]), -p[1] * y[0] ** 3),
        (1,),
        "cubic force",
        start=(1.7, 0.0),
        low=(-1.6, -0.8),
        high=(1.6, 0.8),
        extent=(-2.2, 2.2, -1.8, 1.8),
        period=2 * math.pi,
        conserved=_double_well,
        invariant="energy",
        second_order=True,
        hamiltonian=True,
    ),
    System(
        "duffing",
        "Duffing",
        ("x", "v"),
        (
            Parameter("δ friction", 0.2, 0.05, 1.0),
            Parameter("α push", 1.0, 0.2, 5.0),
            Parameter("β pull", 1.0, 0.2, 5.0),
        ),
        lambda y, p: (y[1], p[1] * y[0] - p[0] * y[1]),
        lambda y, p: (_none(y[0]), -p[2] * y[0] ** 3),
        (1,),
        "cubic force",
        start=(2.0, 0.0),
        low=(-2.0, -1.5),
        high=(2.0, 1.5),
        extent=(-2.4, 2.4, -2.4, 2.4),
        period=5.0,
        second_order=True,
    ),
    System(
        "van-der-pol",
        "Van der Pol",
        ("x", "v"),
        (Parameter("μ", 1.0, 0.2, 5.0), Parameter("stiffness", 1.0, 0.2, 5.0)),
        lambda y, p: (y[1], -p[1] * y[0]),
        lambda y, p: (_none(y[0]), p[0] * (1 - y[0] ** 2) * y[1]),
        (1,),
        "friction",
        start=(0.2, 0.0),
        low=(-2.5, -2.5),
        high=(2.5, 2.5),
        extent=(-3.0, 3.0, -3.4, 3.4),
        period=6.66,
        second_order=True,
    ),
    System(
        "fitzhugh-nagumo",
        "FitzHugh-Nagumo",
        ("v", "w"),
        (
            Parameter("current", 0.5, 0.2, 1.0),
            Parameter("a", 0.7, 0.3, 1.5),
            Parameter("b", 0.8, 0.3, 1.5),
            Parameter("ε", 0.08, 0.03, 0.3),
        ),
        lambda y, p: (y[0] - y[1] + p[0], p[3] * (y[0] + p[1] - p[2] * y[1])),
        lambda y, p: (-(y[0] ** 3) / 3, _none(y[0])),
        (0,),
        "cubic current",
        start=(-1.0, 1.0),
        low=(-2.0, -0.5),
        high=(2.0, 1.8),
        extent=(-2.6, 2.6, -0.9, 2.2),
        period=39.5,
    ),
    System(
        "lorenz",
        "Lorenz",
        ("x", "y", "z"),
        (Parameter("σ", 10.0, 3.0, 30.0), Parameter("ρ", 28.0, 10.0, 60.0), Parameter("β", 8 / 3, 1.0, 8.0)),
        lambda y, p: (p[0] * (y[1] - y[0]), p[1] * y[0] - y[1], -p[2] * y[2]),
        lambda y, p: (_none(y[0]), -y[0] * y[2], y[0] * y[1]),
        (1, 2),
        "product",
        start=(1.0, 1.0, 20.0),
        low=(-10.0, -10.0, 15.0),
        high=(10.0, 10.0, 35.0),
        extent=(-22.0, 22.0, 0.0, 50.0),
        period=0.75,
        plane=(0, 2),
        lifted=(0, 0, 1),
        scale=((0.0, 0.0, 25.0), (8.0, 9.0, 9.0), 5.0),
    ),
)

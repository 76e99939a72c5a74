"""Known rates of events, and events drawn from them. numpy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
#: Times [events], increasing within a series, and the number of the series each belongs to.
Events = tuple[NDArray[np.float64], NDArray[np.int64]]

#: Sequences are observed from 0 to this time.
HORIZON = 10.0


@dataclass(frozen=True, slots=True)
class Rate:
    """An inhomogeneous Poisson process on [0, HORIZON]."""

    name: str
    title: str
    #: λ(t) in events per unit of time.
    at: Callable[[Floats], Floats]
    #: A number that λ does not exceed.
    most: float

    @property
    def count(self) -> float:
        """Expected number of events of a sequence: the integral of λ."""
        nodes, weights = quadrature()
        return float(weights @ self.at(nodes))

    @property
    def nll(self) -> float:
        """Expected negative log-likelihood per event in nats: 1 - (integral of λ log λ) / (integral of λ)."""
        nodes, weights = quadrature()
        rate = self.at(nodes)
        return 1.0 - float(weights @ (rate * np.log(rate))) / self.count


@cache
def quadrature(panels: int = 200, order: int = 5) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss's rule on equal panels of [0, HORIZON]."""
    x, w = np.polynomial.legendre.leggauss(order)
    half = 0.5 * HORIZON / panels
    centres = half * (2.0 * np.arange(panels) + 1.0)
    nodes, weights = (centres[:, None] + half * x).ravel(), np.tile(half * w, panels)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def draw(rate: Rate, sequences: int, rng: np.random.Generator) -> Events:
    """Events of independent sequences, by thinning those of a constant rate (Lewis & Shedler, 1979)."""
    series = np.repeat(np.arange(sequences), rng.poisson(rate.most * HORIZON, size=sequences))
    t = rng.uniform(0.0, HORIZON, size=len(series))
    kept = rng.uniform(0.0, rate.most, size=len(series)) < rate.at(t)
    t, series = t[kept], series[kept]
    order = np.lexsort((t, series))
    return t[order], series[order]


def _sine(t: Floats) -> Floats:
    """A rate that swings between .5 and 9.5, two and a half times."""
    rate: Floats = 5.0 + 4.5 * np.sin(0.5 * np.pi * t)
    return rate


def _bursts(t: Floats) -> Floats:
    """A low rate with a short burst and a long one."""
    short, long = np.exp(-0.5 * ((t - 2.5) / 0.4) ** 2), np.exp(-0.5 * ((t - 6.5) / 1.0) ** 2)
    rate: Floats = 1.0 + 14.0 * short + 8.0 * long
    return rate


RATES: dict[str, Rate] = {
    rate.name: rate
    for rate in (
        Rate("sine", "A rate that swings", _sine, most=9.5),
        Rate("bursts", "Two bursts", _bursts, most=15.5),
    )
}

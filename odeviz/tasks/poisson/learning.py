"""Likelihood of event times under an inhomogeneous Poisson process whose rate is read from a flow.

For ``n`` sequences of the same process the log-likelihood is the sum of log λ over all their events minus n times the
integral of λ, so that events of all sequences are learnt from together.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import PoissonODE, SolverOptions
from odeviz.tasks import learning
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.own_data import FEWEST, OWN
from odeviz.tasks.own_time import FLOW_TIME, OwnTime
from odeviz.tasks.poisson import GLANCED, SCORED
from odeviz.tasks.poisson.rates import HORIZON, RATES, Rate, draw, quadrature

#: Where the horizon begins to grow, as a share of the whole.
_FIRST = 0.2


class Batch(NamedTuple):
    """Events that are learnt from together."""

    #: Times ``[n]``, increasing strictly from 0 to the horizon up to which events are looked at.
    times: list[float]
    #: Where among them the events are, ``[batch]``.
    where: Tensor
    #: Sequences for each event up to the horizon: the weight of the integral.
    per_event: float


#: Sequences that the rate is judged on.
_TESTED = 256
#: The share of a person's own events that is learnt from; the others are held out.
_LEARNT = 0.8
_SPLIT_STREAM = 105
#: How the integral is solved when it is judged, and its yardstick.
_SCORING = SolverOptions(method="dopri5", rtol=1e-6, atol=1e-6)
_TIGHT = SolverOptions(method="dopri5", rtol=1e-10, atol=1e-10, max_steps=100_000)


@dataclass(frozen=True, slots=True)
class Observed:
    """Events of some sequences: times on [0, HORIZON] ``[events]``, and the sequence of each ``[events]``."""

    t: NDArray[np.float64]
    series: NDArray[np.int64]
    #: How many sequences, each observed from 0 to the horizon; a part of a sequence's events counts as that part.
    exposure: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A person's own time: ``start + length * t / HORIZON``."""

    start: float = 0.0
    length: float = HORIZON

    @property
    def scale(self) -> float:
        """Own time for one unit of the flow's."""
        return self.length / HORIZON

    def time(self, t: NDArray[Any]) -> NDArray[Any]:
        """The flow's times as own ones."""
        return self.start + self.scale * t


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        name = experiment.data.name
        #: The process that the events come from; None for a person's own events.
        self.truth: Rate | None = None if name == OWN else RATES[name]
        self.unit = Unit()
        if self.truth is None:
            self.unit = _unit(data)
            self.observed, self.held_out = _split(data, self.unit, self.stream(_SPLIT_STREAM))
        else:
            self.observed, self.held_out = (
                Observed(*draw(self.truth, n, self.stream(stream)), exposure=float(n))
                for n, stream in ((experiment.data.samples, TRAINING_STREAM), (_TESTED, HELD_OUT_STREAM))
            )

    @property
    def own_clock(self) -> OwnTime:
        return FLOW_TIME if self.truth is not None else OwnTime(self.unit.scale, self.unit.start)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> PoissonODE:
        return PoissonODE(
            experiment.options.latent,
            learning.hidden_layers(experiment),
            activation=experiment.field.activation,
            time=experiment.field.time,
            link=experiment.options.link,
            mean=_mean_rate(experiment, data),
            t1=HORIZON,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        seen, horizon = self._seen(progress)
        chosen = rng.choice(len(seen), min(self.experiment.training.batch, len(seen)), replace=False)
        return self._batch(seen[chosen], horizon, self.observed.exposure / len(seen))

    def _seen(self, progress: float) -> tuple[NDArray[np.float64], float]:
        """The times of the events to learn from, in no order, and the time up to which they are looked at."""
        t, growth = self.observed.t, self.experiment.options.growth
        share = 1.0 if growth == 0.0 else _FIRST + (1.0 - _FIRST) * progress / growth
        if share >= 1.0:
            return t, HORIZON
        # Far enough for some events, wherever they begin.
        horizon = max(share * HORIZON, float(np.partition(t, FEWEST // 2)[FEWEST // 2]))
        return t[t <= horizon], horizon

    def loss(self, model: PoissonODE, batch: Batch) -> Tensor:
        """In nats per event, as the figure: in a person's own unit of time, in which the rate is another number."""
        surprise, integral = _terms(model, batch)
        return surprise.mean() + math.log(self.unit.scale) + batch.per_event * integral

    @torch.no_grad()
    def metrics(self, model: PoissonODE, full: bool) -> dict[str, float]:
        held_out = self.held_out
        t = held_out.t[:: max(1, len(held_out.t) // (SCORED if full else GLANCED))]
        batch = self._batch(t, HORIZON, held_out.exposure / len(held_out.t))
        surprise, integral = (part.cpu().double() for part in _terms(model, batch))
        surprise += math.log(self.unit.scale)
        nll = surprise.mean().item() + batch.per_event * integral.item()
        if not full:
            return {"nll": nll}
        figures = {"nll": nll, "nll_se": _standard_error(surprise.numpy() - nll)}
        if self.truth is not None:
            figures |= self._against(
                self.truth, model, surprise.numpy() + np.log(self.truth.at(t)), integral.item()
            )
        return figures | {"integral_error": integral_error(model)}

    def _against(
        self, truth: Rate, model: PoissonODE, more: NDArray[np.float64], integral: float
    ) -> dict[str, float]:
        """How the rate compares with the true one: over time, and on held-out events, where log λ is ``more`` below."""
        per_event = self.held_out.exposure / len(self.held_out.t)
        gap = float(more.mean()) + per_event * (integral - truth.count)
        se = _standard_error(more - gap)
        t, weights = quadrature()
        error = float(weights @ np.abs(self.rate(model, t)[0] - truth.at(t))) / truth.count
        return {"gap": gap, "gap_se": se, "gap_in_se": gap / se, "rate_error": error}

    @torch.no_grad()
    def rate(
        self, model: PoissonODE, t: NDArray[np.floating[Any]], solver: SolverOptions | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """At increasing times ``t [n]`` of the flow: λ ``[n]``, its integral from 0 ``[n]``, z ``[n, latent]``."""
        times, where, _ = self._batch(t)
        z, integral = model.path(times, solver)
        arrays = (part[where].cpu().numpy() for part in (model.rate(z), integral, z))
        rate, count, states = arrays
        return rate.astype(np.float64), count.astype(np.float64), states

    def _batch(self, t: NDArray[np.floating[Any]], horizon: float = HORIZON, per_event: float = 0.0) -> Batch:
        """Events at the times ``t``, none after the horizon."""
        times, where = np.unique(np.concatenate([t, [0.0, horizon]]), return_inverse=True)
        return Batch(times.tolist(), torch.from_numpy(where[: len(t)]).to(self.device), per_event)

    # The plane: the path that the rate is read from, and the flow about it.

    def extent(self, model: PoissonODE) -> tuple[float, float, float, float]:
        z = self._path(model)
        low, high = z.min(axis=0), z.max(axis=0)
        half = max(0.7 * float((high - low).max()), 0.5)
        x, y = ((low + high) / 2).tolist()
        return (x - half, x + half, y - half, y + half)

    def shown(self, model: PoissonODE, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Where the state is at training events."""
        states, labels = self.shown_states(model, n)
        return states[:, :2], labels

    def shown_states(self, model: PoissonODE, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        t = np.sort(self.observed.t[:n])
        return self.rate(model, t)[2].astype(np.float32), np.full(len(t), -1, dtype=np.int64)

    def starts(
        self, model: PoissonODE, n: int, seed: int
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """The learnt start, first, and a cloud about it."""
        x0, x1, *_ = self.extent(model)
        z0 = model.z0.detach().cpu().numpy().astype(np.float64)
        cloud = np.random.default_rng(seed).normal(size=(n, len(z0))) * 0.1 * (x1 - x0)
        cloud[0] = 0.0
        return (z0 + cloud).astype(np.float32), np.full(n, -1, dtype=np.int64)

    def _path(self, model: PoissonODE) -> NDArray[np.float32]:
        """The first two latent dimensions along the path; the origin alone where it cannot be solved for."""
        z = self.rate(model, np.linspace(0.0, HORIZON, 101))[2][:, :2]
        z = z[np.isfinite(z).all(axis=1)]
        return z if len(z) else np.zeros((1, 2), np.float32)


def _terms(model: PoissonODE, batch: Batch) -> tuple[Tensor, Tensor]:
    """-log λ at the batch's events ``[batch]``, and the integral of λ from 0 to the horizon."""
    z, integral = model.path(batch.times)
    return -model.log_rate(z[batch.where]), integral[-1]


def _standard_error(deviations: NDArray[np.float64]) -> float:
    """Of a mean over events whose number is chance too: the sum of g over them has variance E[sum g^2] (Campbell)."""
    return float(np.sqrt(np.square(deviations).sum()) / len(deviations))


def integral_error(model: PoissonODE) -> float:
    """Relative error of the integral that a solve at 1e-6 carries along, against Gauss's rule on λ(z(t)).

    The yardstick's states are solved for in float64 at a tolerance of 1e-10, without the integral.
    """
    precise = copy.deepcopy(model).cpu().double()
    t, weights = quadrature()
    z = precise.flow(precise.z0[None], [0.0, *t.tolist()], _TIGHT).y[1:, 0]
    exact = float(weights @ precise.rate(z).numpy())
    return abs(model.path([0.0, model.t1], _SCORING)[1][-1].item() - exact) / exact


def _unit(data: Data) -> Unit:
    """From the first to the last of a person's own events."""
    t = data["t"]
    return Unit(float(t.min()), float(np.ptp(t)))


def _split(data: Data, unit: Unit, rng: np.random.Generator) -> tuple[Observed, Observed]:
    """Events to learn from and held-out ones: thinned at random, a Poisson process falls into independent ones."""
    series = data["series"]
    t = (data["t"] - unit.start) / unit.scale
    learnt = rng.random(len(t)) < _LEARNT
    learnt[:1], learnt[-1:] = True, False  # neither is empty
    sequences = float(series.max() + 1)
    return (
        Observed(t[learnt], series[learnt], _LEARNT * sequences),
        Observed(t[~learnt], series[~learnt], (1.0 - _LEARNT) * sequences),
    )


def _mean_rate(experiment: Experiment, data: Data) -> float:
    """Events per sequence and unit of the flow's time."""
    name = experiment.data.name
    if name != OWN:
        return RATES[name].count / HORIZON
    return len(data["t"]) / (float(data["series"].max()) + 1.0) / HORIZON

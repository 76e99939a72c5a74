"""Windows of trajectories: a model starts at each window's first point and must meet the others."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from odeviz.fields import MLPField
from odeviz.fields.systems import (
    EquationField,
    HamiltonianField,
    ScaledField,
    SecondOrderField,
    Units,
    UniversalField,
)
from odeviz.models import SolverOptions
from odeviz.models.dynamics import Dynamics
from odeviz.tasks import learning
from odeviz.tasks.dynamics import GLANCED, HELD_OUT, per_trajectory, truth
from odeviz.tasks.dynamics.systems import SYSTEMS, Floats, System
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.plane import Plane

#: The solver that measures.
SCORING = SolverOptions(method="dopri5", rtol=1e-6, atol=1e-6, max_steps=20_000)
#: Periods over which the drift of a conserved quantity is measured, and looks at it.
PERIODS, _LOOKS = 10, 401
#: Shares of the end time that a growing horizon reaches in turn, each for as long as the others.
GROWTH = (0.15, 0.3, 0.6, 1.0)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows that are solved together: states at the first of ``times``, and those at the others."""

    times: tuple[float, ...]
    first: Tensor  # [batch, dim]
    others: Tensor  # [len(times) - 1, batch, dim]


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self.system = SYSTEMS[experiment.data.name]
        points = per_trajectory(experiment)
        #: Times ``[points]`` at which trajectories are observed.
        self.times: Floats = np.linspace(0.0, experiment.solver.t1, points)
        #: True states ``[trajectories, points, dim]``: those that training observes, and those it never sees.
        self.truth = self.true_paths(points)
        self.held_out = self.true_paths(points, unseen=True)
        noise = np.random.default_rng([experiment.seed, TRAINING_STREAM, 1]).standard_normal(self.truth.shape)
        #: What training observes ``[trajectories, points, dim]``.
        self.observed = (self.truth + experiment.data.noise * noise).astype(np.float32)
        self._states = self.tensor(self.observed)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> Dynamics:
        return Dynamics(_field(experiment), experiment.solver.t1, learning.solver_options(experiment))

    def batch(self, rng: np.random.Generator, progress: float) -> Windows:
        options, (n, points, _) = self.experiment.options, self._states.shape
        if options.grow:
            share = GROWTH[min(int(progress * len(GROWTH)), len(GROWTH) - 1)]
            chosen = rng.choice(n, min(n, self.experiment.training.batch), replace=False)
            return self._cut(self._states, chosen, np.zeros_like(chosen), max(2, math.ceil(share * points)))
        places = n * (points - options.window + 1)
        chosen = rng.choice(places, min(places, self.experiment.training.batch), replace=False)
        return self._cut(self._states, chosen % n, chosen // n, options.window)

    def loss(self, model: Dynamics, batch: Windows) -> Tensor:
        return self._distance(model, batch)

    @torch.no_grad()
    def metrics(self, model: Dynamics, full: bool) -> dict[str, float]:
        if not full:
            return {"window_loss": self._distance(model, self._held_out_windows(GLANCED)).item()}
        figures = {
            "window_loss": self._distance(model, self._held_out_windows(HELD_OUT), SCORING).item(),
            "long_error": self._long_error(model),
            "field_error": self._field_error(model),
        }
        if isinstance(model.field, EquationField):
            learnt = model.field.parameters_now.double().cpu().numpy()
            figures["parameter_error"] = float(np.abs(learnt / np.array(self.system.values) - 1).max())
        if self.system.conserved is not None:
            figures["drift"] = float(np.median(np.abs(self.drift(model, self.held_out[:, 0])[1]).max(1)))
        return figures

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        return self.system.extent

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        states, labels = self.shown_states(model, n)
        return states[:, self.system.plane], labels

    def shown_states(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        states = self.observed.reshape(-1, self.system.dim)
        states = states[np.linspace(0, len(states) - 1, min(n, len(states))).round().astype(np.int64)]
        return states, np.full(len(states), -1, dtype=np.int64)

    def axes(self, model: Any) -> tuple[str, ...]:
        return self.system.axes

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """Where training trajectories begin, and more states of the system's box when there are too few."""
        more = self.system.starts(n, np.random.default_rng(seed))
        states = np.concatenate([self.truth[:, 0], more])[:n].astype(np.float32)
        return states, np.full(n, -1, dtype=np.int64)

    @property
    def equal(self) -> bool:
        """Whether the axes are shown at one scale: not where they have other ranges, for they are other quantities."""
        x0, x1, y0, y1 = self.system.extent
        return math.isclose(x1 - x0, y1 - y0)

    def plane(self, model: Any) -> Plane:
        like = next(model.parameters())
        i, j = self.system.plane
        axes = Plane.of_axes(self.system.dim, i, j, like, (self.system.axes[i], self.system.axes[j]))
        lifted = self.system.lift(np.eye(2))
        return dataclasses.replace(axes, embedding=torch.as_tensor(lifted.T).to(like), equal=self.equal)

    # What the views ask as well.

    def true_paths(self, points: int, unseen: bool = False) -> Floats:
        """True states ``[trajectories, points, dim]`` at equal times from 0 to t1; read-only and remembered."""
        e = self.experiment
        times = (e.solver.t1, points)
        if unseen:
            return truth.drawn(self.system.name, HELD_OUT, (e.seed, HELD_OUT_STREAM), False, times)
        return truth.drawn(self.system.name, e.options.trajectories, (e.seed, TRAINING_STREAM), True, times)

    def rate(self, model: Dynamics, states: Floats) -> Floats:
        """The learnt field ``[..., dim]`` at states ``[..., dim]``, in float64."""
        y = self.tensor(states.copy()).reshape(-1, self.system.dim)
        with torch.no_grad():
            value: Floats = model.field(0.0, y).double().cpu().numpy().reshape(states.shape)
        return value

    def follow(
        self, model: Dynamics, starts: Floats, times: Floats, solver: SolverOptions = SCORING
    ) -> Floats:
        """The learnt flow ``[n, times, dim]`` from ``starts [n, dim]``, in float64; NaN where it failed."""
        with torch.no_grad():
            states = model.flow(self.tensor(starts.copy()), times.tolist(), solver).y
        paths: Floats = states.double().cpu().numpy().swapaxes(0, 1)
        return paths

    def drift(
        self, model: Dynamics, starts: Floats, solver: SolverOptions = SCORING
    ) -> tuple[Floats, Floats]:
        """Times ``[looks]`` over ten periods, and the change ``[n, looks]`` of the true conserved quantity till then.

        The change is infinite where the learnt flow left the states that have one.
        """
        times = np.linspace(0.0, PERIODS * self.system.period, _LOOKS)
        value = self.system.invariant_of(self.follow(model, starts, times, solver))
        return times, np.nan_to_num(value - value[:, :1], nan=math.inf)

    def _distance(self, model: Dynamics, windows: Windows, solver: SolverOptions | None = None) -> Tensor:
        apart = model.flow(windows.first, windows.times, solver).y[1:] - windows.others
        return apart.abs().mean() if self.experiment.options.loss == "L1" else apart.square().mean()

    def _held_out_windows(self, n: int) -> Windows:
        """All windows of ``n`` unseen trajectories; the last point of one is the first of the next."""
        states = self.tensor(self.held_out[:n].copy())
        points = states.shape[1]
        size = points if self.experiment.options.grow else self.experiment.options.window
        who, where = np.meshgrid(np.arange(len(states)), np.arange(0, points - size + 1, size - 1))
        return self._cut(states, who.ravel(), where.ravel(), size)

    def _cut(self, states: Tensor, who: NDArray[Any], where: NDArray[Any], size: int) -> Windows:
        """Windows of ``size`` points of the trajectories ``who`` that begin at the points ``where``."""
        rows = torch.from_numpy(who).to(self.device)
        columns = torch.from_numpy(where[None] + np.arange(size)[:, None]).to(self.device)
        cut = states[rows, columns]
        return Windows(tuple(self.times[:size].tolist()), cut[0], cut[1:])

    def _long_error(self, model: Dynamics) -> float:
        apart = self.follow(model, self.held_out[:, 0], self.times) - self.held_out
        spread = self.held_out - self.held_out.mean((0, 1))
        return float(np.sqrt((apart**2).sum() / (spread**2).sum()))

    def _field_error(self, model: Dynamics) -> float:
        true = self.system.rate(self.held_out)
        return float(np.sqrt(((self.rate(model, self.held_out) - true) ** 2).sum() / (true**2).sum()))


def _field(experiment: Experiment) -> nn.Module:
    system, hidden = SYSTEMS[experiment.data.name], learning.hidden_layers(experiment)
    return _FIELDS[experiment.options.model](system, hidden, experiment.field.activation)


def _units(system: System) -> Units | None:
    return None if system.scale is None else Units(*system.scale)


def _mlp(system: System, hidden: tuple[int, ...], activation: str) -> nn.Module:
    units = _units(system)
    if units is not None:
        return ScaledField(units, hidden, activation)
    return MLPField(system.dim, hidden, activation=activation, time="none")


def _known(system: System, hidden: tuple[int, ...], activation: str) -> nn.Module:
    low, high = (torch.tensor([getattr(p, end) for p in system.parameters]).log() for end in ("low", "high"))
    return EquationField(system.dim, system.rates, (low + torch.rand(len(low)) * (high - low)).exp())


def _universal(system: System, hidden: tuple[int, ...], activation: str) -> nn.Module:
    channels, units = system.channels, _units(system)
    return UniversalField(system.dim, system.known, system.values, channels, hidden, activation, units)


def _hamiltonian(system: System, hidden: tuple[int, ...], activation: str) -> nn.Module:
    return HamiltonianField(system.dim, hidden, activation)


def _second_order(system: System, hidden: tuple[int, ...], activation: str) -> nn.Module:
    return SecondOrderField(system.dim, hidden, activation)


_FIELDS = {
    "mlp": _mlp,
    "known": _known,
    "universal": _universal,
    "hamiltonian": _hamiltonian,
    "second-order": _second_order,
}

"""The latent ODE's evidence lower bound, and the recurrent baseline's likelihood of the next observation.

What is scored
--------------
Spirals that training never sees, each told from noisy observations at random ones of 100 times, are predicted at the
next 100 times, and compared with the clean curve there: the root of the mean square over series, times and
coordinates. The latent ODE decodes the trajectory of q(z0)'s mean. The baseline reads its own predictions, at the gap
that lay between the observations on average: from few of them it is far worse when it reads one for each of the 100
times.

A person's own windows are predicted from the windows before them, and compared with what was observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import LatentODE, SeriesRNN, SolverOptions
from odeviz.models.series import Observations, SeriesModel, surprise
from odeviz.tasks import learning
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.latent import COUNTS, GLANCED, PLANE, RNN, SCORED, SPIRALS
from odeviz.tasks.latent.clock import Clock, Places
from odeviz.tasks.latent.series import BEYOND, INSIDE, Floats, SeriesData, Windows, own_data, spiral_data
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.numerals import AXES, coordinates, indexed
from odeviz.tasks.own_time import FLOW_TIME, OwnTime
from odeviz.tasks.plane import Plane

#: The axes of the plane of a recurrent net's hidden states.
_HIDDEN = (indexed("h", 1), indexed("h", 2))
#: How trajectories of the final score are solved.
_SCORING = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)
#: The share of a series' rows, from the first on, at which its trajectory is tied to what follows.
_EARLY = 2 / 3
#: Series whose trajectories tell how much of the plane is shown.
_OUTLINED = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """Series to learn from; where they lie on the clock; noise for z0 ``[n, latent]``; a row of each series ``[n]``."""

    observed: Observations
    places: Places
    noise: Tensor
    row: Tensor


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self.series = self._series()
        training = self.series.training
        self._clock = Clock(training.t)
        self._training = self.observations(training)
        self._places = self._clock.places(training.t, self._training.t)
        self._size = min(experiment.training.batch, len(training))
        self._scale = self.tensor(self.series.scale)
        self._sigma = experiment.options.sigma
        if experiment.data.name == SPIRALS:
            self._sigma /= float(self.series.scale[0])

    def _series(self) -> SeriesData:
        experiment = self.experiment
        data, options, t1 = experiment.data, experiment.options, experiment.solver.t1
        if data.name != SPIRALS:
            return own_data(self.data, options.window, data.samples, t1)
        streams = self.stream(TRAINING_STREAM), self.stream(HELD_OUT_STREAM)
        counts = sorted({options.observations, *COUNTS})
        return spiral_data(data.samples, SCORED, counts, data.noise, t1, *streams)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> SeriesModel:
        options, t1 = experiment.options, experiment.solver.t1
        channels = data["y"].shape[1] if data else PLANE
        if options.model == RNN:
            rows = options.window if data else options.observations
            return SeriesRNN(channels, options.encoder, steps=rows, t1=0.5 * t1)
        return LatentODE(
            channels,
            options.latent,
            learning.hidden_layers(experiment),
            activation=experiment.field.activation,
            time=experiment.field.time,
            encoder=options.encoder,
            decoder=options.decoder,
            t1=t1,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        chosen = torch.from_numpy(rng.choice(len(self._training), self._size, replace=False)).to(self.device)
        noise = self.tensor(rng.standard_normal((self._size, self.experiment.options.latent)))
        observed, places = self._training[chosen], self._places[chosen]
        if self.experiment.data.name == SPIRALS:
            kept = torch.from_numpy(self._kept(rng)).to(self.device)
            observed, places = observed.thinned(kept), places.thinned(kept)
        share = torch.from_numpy(rng.random(self._size)).to(self.device)
        # Neither the first row, before which nothing is, nor one after which too little is.
        row = (1 + (_EARLY * share * observed.rows).long()).clamp_max(observed.rows - 1)
        return Batch(observed, places, noise, row)

    def _kept(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """At which of their times a batch's spirals are seen ``[n, count]``, increasing; the count's log is uniform."""
        options = self.experiment.options
        low, high = sorted((options.fewest, options.most))
        count = min(int(np.exp(rng.uniform(math.log(low), math.log(high + 1)))), high)
        return np.sort(rng.random((self._size, INSIDE)).argsort(axis=1)[:, :count], axis=1)

    def loss(self, model: SeriesModel, batch: Batch) -> Tensor:
        """In nats per value that was seen, in the data's own units."""
        if isinstance(model, SeriesRNN):
            observed = batch.observed
            later = Observations(
                observed.t[:, 1:], observed.y[:, 1:], observed.seen[:, 1:], observed.rows - 1
            )
            nats = surprise(model.predict_next(observed), later, self._sigma)
            return self._per_value(nats, later)
        assert isinstance(model, LatentODE)
        return self._per_value(self.negative_elbo(model, batch), batch.observed)

    def negative_elbo(self, model: LatentODE, batch: Batch) -> Tensor:
        """Of each series, in nats in the model's units, ``[n]``, by one sample of z0; with the price of continuity."""
        observed, tie = batch.observed, self.experiment.options.continuity
        if tie:
            belief, later = model.encode_twice(observed, batch.row)
        else:
            belief = model.encode(observed)
        states = batch.places.of(model.flow(belief.sample(batch.noise), self._clock.times).y)
        bound = surprise(model.decode(states), observed, self._sigma) + belief.kl()
        if tie:
            bound = bound + later.kl(observed.at_row(states, batch.row), tie)
        return bound

    def _per_value(self, nats: Tensor, observed: Observations) -> Tensor:
        """The mean over values, with what the scaling of the channels takes from the density of each."""
        seen = observed.seen.sum(dim=(0, 1))
        return nats.sum() / seen.sum() + (seen * self._scale.log()).sum() / seen.sum()

    # Figures.

    @torch.no_grad()
    def metrics(self, model: SeriesModel, full: bool) -> dict[str, float]:
        scored = self.series.scored
        rows = self.rows_observed
        if not full:
            return {"rmse": self.errors(model, rows, model.solver, GLANCED, inside=False)["rmse"]}
        figures = self.errors(model, rows, _SCORING)
        for count in COUNTS if self.experiment.data.name == SPIRALS else ():
            figures[f"rmse_{count}"] = self.errors(model, count, _SCORING, inside=False)["rmse"]
        if isinstance(model, LatentODE) and (scored.labels >= 0).all():
            figures["separable"] = float(self.parted_in_their_sense(model, _SCORING).mean())
        return figures

    @property
    def rows_observed(self) -> int:
        """The number of observations from which series are scored, a key of ``series.scored.observed``."""
        options = self.experiment.options
        rows: int = options.observations if self.experiment.data.name == SPIRALS else options.window
        return rows

    @torch.no_grad()
    def errors(
        self,
        model: SeriesModel,
        count: int,
        solver: SolverOptions,
        most: int = SCORED,
        *,
        inside: bool = True,
    ) -> dict[str, float]:
        """RMSE beyond the observations and, if asked for, inside, in the data's unit where its channels share one."""
        scored = self.series.scored
        observed = self.observations(scored.observed[count])[:most]
        beyond, within = _first(scored.beyond, most), _first(scored.inside, most)
        figures = {}
        if isinstance(model, SeriesRNN):
            figures["rmse"] = self._distance(self.predicted(model, observed, beyond.t), beyond)
            if inside:
                said = model.predict_next(observed)
                figures["reconstruction"] = self._distance(said, self._next(observed, within))
            return figures
        figures["rmse"] = self._distance(self.predicted(model, observed, beyond.t, solver), beyond)
        if inside:
            figures["reconstruction"] = self._distance(
                self.predicted(model, observed, within.t, solver), within
            )
        return figures

    def predicted(
        self, model: SeriesModel, observed: Observations, times: Floats, solver: SolverOptions | None = None
    ) -> Tensor:
        """What the model says of series at ``times [n, len]``, in its units; the baseline only beyond the last row."""
        if isinstance(model, SeriesRNN):
            rows = observed.t.shape[1]
            stride = max(1, round(BEYOND / rows)) if self.experiment.data.name == SPIRALS else 1
            return model.extrapolate(observed, self.tensor(times), stride)
        return self.decoded(model, model.state_of(observed), times, solver)

    def decoded(
        self, model: SeriesModel, states: Tensor, times: Floats, solver: SolverOptions | None = None
    ) -> Tensor:
        """Values ``[n, len, channels]`` in the model's units of trajectories from ``states``, at times ``[n, len]``."""
        clock = Clock(times)
        path = model.flow(states, clock.times, solver).y
        return model.decode(clock.places(times, states).of(path))

    @torch.no_grad()
    def parted_in_their_sense(self, model: LatentODE, solver: SolverOptions) -> NDArray[np.bool_]:
        """Which scored series ``[n]`` lie on their class's side of the parting plane and decode to a curve of its kind.

        Clockwise and counter-clockwise spirals lie in different places, so that even an untrained encoder parts them:
        that a state holds the sense as well, only the curve that it decodes to can tell.
        """
        states, labels = self._encoded(model), self.series.scored.labels
        times = np.linspace(0.0, model.t1, INSIDE + BEYOND)
        curves = self.decoded(model, self.tensor(states), np.tile(times, (len(states), 1)), solver)
        turning = np.sign(turns(curves.cpu().double().numpy()))
        its_side: NDArray[np.bool_] = sides(states, parted(states, labels)[1]) == labels
        both: NDArray[np.bool_] = its_side & (turning == 2 * labels - 1)
        return both

    def _next(self, observed: Observations, clean: Windows) -> Windows:
        """What a prediction of each row from those before it is compared with: the clean curve, or what was seen."""
        t = observed.t.cpu().double().numpy()
        if self.experiment.data.name != SPIRALS:
            y = torch.where(observed.seen > 0, observed.y, math.nan).cpu().double().numpy()
            return Windows(t[:, 1:], y[:, 1:], observed.rows.cpu().numpy() - 1)
        # The observed times are among those of the clean curve, equal steps from 0 on.
        at = np.rint(t[:, 1:] / clean.t[0, 1]).astype(np.int64)
        y = np.take_along_axis(clean.y, at[:, :, None], axis=1)
        return Windows(t[:, 1:], y, observed.rows.cpu().numpy() - 1)

    def _distance(self, said: Tensor, wanted: Windows) -> float:
        """The root of the mean square over all values that are known."""
        errors = said.cpu().double().numpy() - wanted.y
        if self.series.common_unit:
            errors *= self.series.scale[0]
        known = np.isfinite(wanted.y)
        # Not where the model says NaN: that is its error.
        return float(np.sqrt(np.mean(errors[known] ** 2)))

    # How it is shown.

    def in_data(self, values: Floats) -> Floats:
        """Values ``[..., channels]`` of the model's in the data's units."""
        return self.series.centre + self.series.scale * values

    @property
    def own_clock(self) -> OwnTime:
        if self.experiment.data.name == SPIRALS:
            return FLOW_TIME
        return OwnTime(1.0 / self.series.tempo, since="the beginning of a window")

    def own_time(self, t: Floats, begin: float) -> Floats:
        """The flow's times of a window that begins at ``begin`` as those of a person's own data; spirals have none."""
        return self.own_clock.own(t) + begin if self.own_clock else t

    def observations(self, windows: Windows) -> Observations:
        """Windows as a model takes them."""
        rows = torch.as_tensor(windows.rows, device=self.device)
        return Observations.of(self.tensor(windows.t), self.tensor(windows.y), rows)

    def held_out(self, n: int | None = None) -> Observations:
        """The first ``n`` series that are scored."""
        return self.observations(self.series.scored.observed[self.rows_observed])[:n]

    @torch.no_grad()
    def _encoded(self, model: SeriesModel, n: int | None = None) -> Floats:
        states: Floats = model.state_of(self.held_out(n)).cpu().double().numpy()
        return states

    def plane(self, model: SeriesModel) -> Plane:
        """The first two principal directions of the held-out series' states."""
        states = self._encoded(model)
        like = next(model.parameters())
        middle, directions = principal(states)
        names = AXES if isinstance(model, LatentODE) else _HIDDEN
        return Plane(
            torch.as_tensor(middle).to(like), torch.as_tensor(directions[:, :2].copy()).to(like), labels=names
        )

    @torch.no_grad()
    def extent(self, model: SeriesModel) -> tuple[float, float, float, float]:
        plane, start = self.plane(model), model.state_of(self.held_out(_OUTLINED))
        times = np.linspace(0.0, model.t1, 5)
        states = model.flow(start, times.tolist()).y
        points = plane.points(states, torch.as_tensor(times).to(states)).cpu().double().numpy().reshape(-1, 2)
        points = points[np.isfinite(points).all(axis=1)]
        low, high = np.quantile(points, [0.01, 0.99], axis=0)
        half = 0.56 * max(float((high - low).max()), 1e-3)
        x, y = ((low + high) / 2).tolist()
        return (x - half, x + half, y - half, y + half)

    @torch.no_grad()
    def shown(self, model: SeriesModel, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        states = model.state_of(self.held_out(n))
        points = self.plane(model).points(states, torch.zeros(()))
        return points.cpu().float().numpy(), self.series.scored.labels[:n].copy()

    def shown_states(self, model: SeriesModel, n: int) -> tuple[Floats, NDArray[np.int64]]:
        return self._encoded(model, n), self.series.scored.labels[:n].copy()

    def axes(self, model: SeriesModel) -> tuple[str, ...]:
        return super().axes(model) if isinstance(model, LatentODE) else coordinates(model.state_dim, "h")

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        states, labels = self._encoded(model), self.series.scored.labels
        if n < len(states):
            chosen = np.sort(np.random.default_rng(seed).choice(len(states), n, replace=False))
            states, labels = states[chosen], labels[chosen]
        return states, labels.copy()


def principal(states: Floats) -> tuple[Floats, Floats]:
    """Mean ``[dim]`` and principal directions ``[dim, dim]`` in columns, the largest first, each with its largest entry
    positive."""
    middle = states.mean(axis=0)
    _, _, rows = np.linalg.svd(states - middle, full_matrices=True)
    largest = np.abs(rows).argmax(axis=1)
    signs = np.where(rows[np.arange(len(rows)), largest] < 0, -1.0, 1.0)
    return middle, (rows * signs[:, None]).T


def parted(states: Floats, labels: NDArray[np.int64]) -> tuple[float, Floats]:
    """The share of states ``[n, dim]`` on their class's side of the least-squares plane, and the plane ``[dim + 1]``.

    A state is on the side of class 1 where ``states @ plane[:-1] + plane[-1] > 0``.
    """
    wide = np.column_stack([states, np.ones(len(states))])
    plane, *_ = np.linalg.lstsq(wide, 2.0 * labels - 1.0, rcond=None)
    return float((sides(states, plane) == labels).mean()), plane


def sides(states: Floats, plane: Floats) -> NDArray[np.int64]:
    """The class on whose side of a plane ``[dim + 1]`` each of the states ``[n, dim]`` lies, ``[n]``."""
    which: NDArray[np.int64] = (states @ plane[:-1] + plane[-1] > 0).astype(np.int64)
    return which


def turns(curves: Floats) -> Floats:
    """By how many turns curves ``[n, times, 2]`` bend, counter-clockwise ones positive, ``[n]``."""
    steps = np.diff(curves, axis=1)
    before, after = steps[:, :-1], steps[:, 1:]
    cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
    angles: Floats = np.arctan2(cross, (before * after).sum(axis=2)).sum(axis=1)
    return angles / (2.0 * np.pi)


def _first(windows: Windows, n: int) -> Windows:
    return Windows(windows.t[:n], windows.y[:n], windows.rows[:n])
